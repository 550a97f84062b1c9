"""What can be done to accounts: verbs, keyword-only, one transaction each."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.audit_chain import event_hash, plain
from cloudconsole.accounts.models import (
    Account,
    AuditChain,
    AuditEvent,
    ManagementKey,
    Membership,
    PaymentMethod,
    User,
)
from cloudconsole.errors import Code, ServiceError
from cloudconsole.secrets_at_rest import PREFIX_LENGTH, hash_secret, new_secret


@dataclass(frozen=True)
class Actor:
    """Who asks: a user in the console, a management key in the API, or the system itself."""

    type: str  # "user", "management_key" or "system"
    id: str
    name: str

    @classmethod
    def of_user(cls, user: User) -> "Actor":
        return cls("user", str(user.pk), user.email)

    @classmethod
    def of_management_key(cls, key: ManagementKey) -> "Actor":
        return cls("management_key", str(key.pk), f"management key {key.prefix}…")


SYSTEM = Actor("system", "system", "cloudconsole")


@transaction.atomic
def create_account(*, name: str, owner_email: str, owner_password: str) -> Account:
    """An account with its owner and a simulated payment method. Raises ServiceError: bad or taken e-mail address."""
    try:
        validate_email(owner_email)
    except ValidationError:
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"{owner_email} is not an e-mail address. Write it like owner@example.com.", "email"
        ) from None
    if User.objects.filter(email__iexact=owner_email).exists():
        raise ServiceError(Code.ALREADY_EXISTS, f"There is a user {owner_email} already.", "email")
    account = Account.objects.create(name=name)
    owner = User.objects.create_user(email=owner_email, password=owner_password)
    Membership.objects.create(account=account, user=owner, role=Membership.Role.OWNER)
    PaymentMethod.objects.create(account=account, name="Simulated card", is_default=True)
    return account


def lock_account(account: Account) -> Account:
    """The account's row, locked until the transaction ends: what counts an account's things does it under this lock.

    Rows that point at the account may still be written meanwhile (their check takes a key share). A full lock would
    wait for them at their commit, while they wait for the audit log: a deadlock.
    """
    return Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def rename_account(*, account: Account, name: str, requested_by: Actor) -> Account:
    """Give the account another name. Raises ServiceError INVALID_ARGUMENT for a name the cloud's rules refuse."""
    return update_account(account=account, changes={"name": name}, requested_by=requested_by)


@transaction.atomic
def update_account(*, account: Account, changes: dict[str, Any], requested_by: Actor) -> Account:
    """Change the account's ``name`` and ``company``; what changes nothing is dropped.

    Raises ServiceError INVALID_ARGUMENT for a name the cloud's rules refuse.
    """
    name = changes.get("name", account.name)
    if not (4 <= len(name) <= 256 and name.isprintable() and name == name.strip()):
        raise ServiceError(Code.INVALID_ARGUMENT, "A name has 4 to 256 printable characters.", "name")
    locked = lock_account(account)
    changes = {field: value for field, value in changes.items() if getattr(locked, field) != value}
    if changes:
        before = {field: getattr(locked, field) for field in changes}
        for field, value in changes.items():
            setattr(locked, field, value)
        locked.modified_at = timezone.now()
        locked.save(update_fields=[*changes, "modified_at"])
        record_audit_event(
            account=locked,
            actor=requested_by,
            action="update",
            resource_type="account",
            resource_id=str(locked.pk),
            before=before,
            after=changes,
        )
    return locked


@transaction.atomic
def create_management_key(
    *, account: Account, requested_by: Actor = SYSTEM, secret: str | None = None
) -> tuple[ManagementKey, str]:
    """A new management key and its secret, which is readable only now. The demo seed brings its own secret."""
    secret = secret or new_secret("ccm")
    key = ManagementKey.objects.create(account=account, prefix=secret[:PREFIX_LENGTH], secret_hash=hash_secret(secret))
    record_audit_event(
        account=account,
        actor=requested_by,
        action="create",
        resource_type="management-key",
        resource_id=str(key.pk),
        after={"prefix": key.prefix},
    )
    return key, secret


@transaction.atomic
def revoke_management_key(*, account: Account, key_id: UUID, requested_by: Actor) -> None:
    """From now on the key opens nothing. Raises ServiceError NOT_FOUND, also for keys of other accounts."""
    key = ManagementKey.objects.select_for_update().filter(account=account, pk=key_id).first()
    if key is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no management key {key_id} in account {account.pk}.")
    record_audit_event(
        account=account,
        actor=requested_by,
        action="delete",
        resource_type="management-key",
        resource_id=str(key.pk),
        before={"prefix": key.prefix},
    )
    key.delete()


def record_audit_event(
    *,
    account: Account,
    actor: Actor,
    action: str,
    resource_type: str,
    resource_id: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append to the audit log. Call it inside the transaction of the change it describes.

    Locks the account's chain until that transaction ends, so call it last: whoever holds it must not wait for rows.
    """
    chain = AuditChain.objects.select_for_update().filter(account=account).first()
    if chain is None:
        AuditChain.objects.get_or_create(account=account)
        chain = AuditChain.objects.select_for_update().get(account=account)
    event = AuditEvent(
        account=account,
        sequence=chain.length + 1,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        before=plain(before),
        after=plain(after),
        previous_hash=chain.head,
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    chain.length, chain.head = event.sequence, event.hash
    chain.save()
