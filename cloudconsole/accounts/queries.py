"""Reading accounts: who belongs to one, and what they may do there."""

from cloudconsole.accounts.models import Account, ManagementKey, Membership, User
from cloudconsole.accounts.permissions import permissions_of_management_keys, permissions_of_role


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
