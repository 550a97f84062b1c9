"""Who belongs to an account: verbs, keyword-only, one transaction each. An account has exactly one owner, always."""

from uuid import UUID

from django.db import transaction

from cloudconsole.accounts.models import Account, Membership, User
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.queries import member_of
from cloudconsole.accounts.services import Actor, lock_account, record_audit_event
from cloudconsole.errors import Code, ServiceError


@transaction.atomic
def add_member(*, account: Account, email: str, role: Role, requested_by: Actor) -> Membership:
    """Let an existing user into the account, as Admin or Base.

    Raises ServiceError: nobody has this e-mail address, they are a member already, or the role is the owner's.
    """
    lock_account(account)
    if role == Role.OWNER:
        raise ServiceError(
            Code.FAILED_PRECONDITION, "An account has one owner. Add an Admin and make them the owner then.", "role"
        )
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        raise ServiceError(
            Code.NOT_FOUND,
            f"Nobody signs in with {email}. An operator makes users with `manage.py create_account`; then add them.",
            "email",
        )
    if account.memberships.filter(user=user).exists():
        sentence = f"{user.email} is a member already. Change the role in the list."
        raise ServiceError(Code.ALREADY_EXISTS, sentence, "email")
    membership = Membership.objects.create(account=account, user=user, role=role)
    _record(membership, requested_by, "create", before=None, after=role)
    return membership


@transaction.atomic
def change_role(*, account: Account, user_id: UUID, role: Role, requested_by: Actor) -> Membership:
    """Give a member another role. The role of owner moves: who had it becomes an Admin.

    Raises ServiceError: no such member, or the owner would lose the role without another owner taking it.
    """
    lock_account(account)
    membership = member_of(account, user_id)
    if membership.role == role:
        return membership
    if membership.role == Role.OWNER:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "An account always has an owner. Make another member the owner; this one becomes an Admin then.",
        )
    if role == Role.OWNER:
        owner = account.memberships.select_related("user").get(role=Role.OWNER)
        _set_role(owner, Role.ADMIN, requested_by)
    _set_role(membership, role, requested_by)
    return membership


@transaction.atomic
def remove_member(*, account: Account, user_id: UUID, requested_by: Actor) -> None:
    """Take a member out of the account. Raises ServiceError: no such member, or they own the account."""
    lock_account(account)
    membership = member_of(account, user_id)
    if membership.role == Role.OWNER:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "An account always has an owner. Make another member the owner, then this one can be removed.",
        )
    _record(membership, requested_by, "delete", before=membership.role, after=None)
    membership.delete()


def _set_role(membership: Membership, role: Role, requested_by: Actor) -> None:
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    _record(membership, requested_by, "update", before=before, after=role)


def _record(membership: Membership, requested_by: Actor, action: str, *, before: str | None, after: str | None) -> None:
    email = membership.user.email
    record_audit_event(
        account=membership.account,
        actor=requested_by,
        action=action,
        resource_type="member",
        resource_id=str(membership.user_id),
        before=None if before is None else {"email": email, "role": str(before)},
        after=None if after is None else {"email": email, "role": str(after)},
    )
