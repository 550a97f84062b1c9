"""What can be done to accounts: verbs, keyword-only, one transaction each."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from cloudconsole.accounts.models import Account, AuditEvent, ManagementKey, Membership, PaymentMethod, User
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
        raise ServiceError(Code.INVALID_ARGUMENT, f"{owner_email} is not an e-mail address.", "email") from None
    if User.objects.filter(email__iexact=owner_email).exists():
        raise ServiceError(Code.ALREADY_EXISTS, f"There is a user {owner_email} already.", "email")
    account = Account.objects.create(name=name)
    owner = User.objects.create_user(email=owner_email, password=owner_password)
    Membership.objects.create(account=account, user=owner, role=Membership.Role.OWNER)
    PaymentMethod.objects.create(account=account, name="Simulated card")
    return account


def create_management_key(*, account: Account, secret: str | None = None) -> tuple[ManagementKey, str]:
    """A new management key and its secret, which is readable only now. The demo seed brings its own secret."""
    secret = secret or new_secret("ccm")
    key = ManagementKey.objects.create(account=account, prefix=secret[:PREFIX_LENGTH], secret_hash=hash_secret(secret))
    return key, secret


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
    """Append to the audit log. Call it inside the transaction of the change it describes."""
    AuditEvent.objects.create(
        account=account,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        before=before,
        after=after,
    )
