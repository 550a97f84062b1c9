"""IAMService: people, roles and permissions."""

from uuid import UUID, uuid5

from cloudconsole.accounts.models import Account, User
from cloudconsole.accounts.permissions import CATEGORIES, DESCRIPTIONS, Role, permissions_of_role
from cloudconsole.accounts.queries import members_of
from cloudconsole.api.callers import Caller, Identity
from cloudconsole.api.gen.qdrant.cloud.iam.v1 import iam_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError

_SERVICE = "qdrant.cloud.iam.v1.IAMService"


@serves(f"{_SERVICE}.GetAuthenticatedUser")
def get_authenticated_user(
    request: iam_pb2.GetAuthenticatedUserRequest, identity: Identity
) -> iam_pb2.GetAuthenticatedUserResponse:
    assert identity.user  # dispatch lets nobody else in
    if request.HasField("user_id") and UUID(request.user_id) != identity.user.pk:
        raise ServiceError(Code.PERMISSION_DENIED, "Only you yourself can be asked for. Leave user_id out.")
    accounts = identity.accounts()
    user = user_message(identity.user, accounts[0].pk if accounts else None)
    return iam_pb2.GetAuthenticatedUserResponse(user=user)


@serves(f"{_SERVICE}.ListUsers")
def list_users(request: iam_pb2.ListUsersRequest, caller: Caller) -> iam_pb2.ListUsersResponse:
    users = [user_message(membership.user, caller.account.pk) for membership in members_of(caller.account)]
    return iam_pb2.ListUsersResponse(items=users)


@serves(f"{_SERVICE}.ListPermissions")
def list_permissions(request: iam_pb2.ListPermissionsRequest, caller: Caller) -> iam_pb2.ListPermissionsResponse:
    return iam_pb2.ListPermissionsResponse(permissions=_permissions(frozenset(CATEGORIES)))


@serves(f"{_SERVICE}.ListEffectivePermissions")
def list_effective_permissions(
    request: iam_pb2.ListEffectivePermissionsRequest, caller: Caller
) -> iam_pb2.ListEffectivePermissionsResponse:
    return iam_pb2.ListEffectivePermissionsResponse(permissions=_permissions(caller.permissions))


@serves(f"{_SERVICE}.ListRoles")
def list_roles(request: iam_pb2.ListRolesRequest, caller: Caller) -> iam_pb2.ListRolesResponse:
    return iam_pb2.ListRolesResponse(items=[_role(role, caller.account) for role in Role])


@serves(f"{_SERVICE}.GetRole")
def get_role(request: iam_pb2.GetRoleRequest, caller: Caller) -> iam_pb2.GetRoleResponse:
    wanted = UUID(request.role_id)
    found = [role for role in Role if _role_id(role, caller.account) == wanted]
    if not found:
        raise ServiceError(Code.NOT_FOUND, f"There is no role {wanted} in account {caller.account.pk}.")
    return iam_pb2.GetRoleResponse(role=_role(found[0], caller.account))


def user_message(user: User, account_id: UUID | None) -> iam_pb2.User:
    """A person as seen from an account; nothing tells which other ones they belong to."""
    return iam_pb2.User(
        id=str(user.pk),
        created_at=user.created_at,
        last_modified_at=user.created_at,
        email=user.email,
        status=iam_pb2.USER_STATUS_ACTIVE if user.is_active else iam_pb2.USER_STATUS_BLOCKED,
        default_account_id=str(account_id) if account_id else "",
        onboarding_status=iam_pb2.ONBOARDING_STATUS_COMPLETED,
    )


def _role_id(role: Role, account: Account) -> UUID:
    """System roles are in no table; every account's have ids of their own."""
    return uuid5(account.pk, f"role/{role}")


def _role(role: Role, account: Account) -> iam_pb2.Role:
    return iam_pb2.Role(
        id=str(_role_id(role, account)),
        created_at=account.created_at,
        last_modified_at=account.created_at,
        account_id=str(account.pk),
        name=role.label,
        description=DESCRIPTIONS[role],
        role_type=iam_pb2.ROLE_TYPE_SYSTEM,
        permissions=_permissions(permissions_of_role(role)),
        sub_type=f"SYSTEM_ROLE_SUB_TYPE_{role.upper()}",
    )


def _permissions(granted: frozenset[str]) -> list[iam_pb2.Permission]:
    return [
        iam_pb2.Permission(value=value, category=category) for value, category in CATEGORIES.items() if value in granted
    ]
