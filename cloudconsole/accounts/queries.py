"""Reading accounts: who belongs to one, and what they may do there."""

from uuid import UUID

from django.db.models import QuerySet

from cloudconsole.accounts.models import Account, ManagementKey, Membership, PaymentMethod, User
from cloudconsole.accounts.permissions import Role, permissions_of_management_keys, permissions_of_role
from cloudconsole.errors import Code, ServiceError


def effective_permissions(*, caller: User | Membership | ManagementKey, account: Account) -> frozenset[str]:
    """What somebody may do in an account; nothing for those who do not belong to it.

    The only place that knows: the API's dispatch and every console page ask it. Reads the database only for a User.
    """
    if isinstance(caller, User):
        membership = Membership.objects.filter(user=caller, account=account).first()
        return permissions_of_role(membership.role) if membership else frozenset()
    if caller.account_id != account.pk:
        return frozenset()
    if isinstance(caller, Membership):
        return permissions_of_role(caller.role)
    return permissions_of_management_keys()


def owner_of(account: Account) -> User | None:
    membership = account.memberships.select_related("user").filter(role=Role.OWNER).first()
    return membership.user if membership else None


def payment_method_of(account: Account, method_id: UUID, *, locked: bool = False) -> PaymentMethod:
    """One payment method. Raises ServiceError NOT_FOUND, also for those of other accounts."""
    methods = PaymentMethod.objects.select_for_update() if locked else PaymentMethod.objects
    method = methods.filter(account=account, pk=method_id).first()
    if method is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no payment method {method_id} in account {account.pk}.")
    return method


def members_of(account: Account) -> QuerySet[Membership]:
    """The account's members with their users, who joined first comes first."""
    return account.memberships.select_related("user").order_by("pk")


def emails_of_those_who_may(account: Account, permission: str) -> list[str]:
    """The addresses of the members who have this permission, who joined first comes first."""
    roles = [role for role in Role if permission in permissions_of_role(role)]
    return list(members_of(account).filter(role__in=roles).values_list("user__email", flat=True))


def member_of(account: Account, user_id: UUID) -> Membership:
    """One member of the account. Raises ServiceError NOT_FOUND."""
    membership = members_of(account).filter(user_id=user_id).first()
    if membership is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no member {user_id} in account {account.pk}.")
    return membership


def management_keys_of(account: Account) -> QuerySet[ManagementKey]:
    """The account's management keys, oldest first."""
    return account.management_keys.order_by("created_at", "id")
