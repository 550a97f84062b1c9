"""Who calls the admin API, and how a transport finds out."""

from dataclasses import dataclass
from uuid import UUID

from cloudconsole.accounts.models import Account, ManagementKey, Membership, User
from cloudconsole.accounts.queries import effective_permissions
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from cloudconsole.secrets_at_rest import hash_secret


@dataclass(frozen=True)
class Caller:
    """An actor, the one account it acts in, and what it may do there."""

    account: Account
    actor: Actor
    permissions: frozenset[str]


@dataclass(frozen=True)
class Identity:
    """Who signed in: a management key, which belongs to one account and to nobody, or a person with any number."""

    actor: Actor
    key: ManagementKey | None = None
    user: User | None = None

    @classmethod
    def of_key(cls, key: ManagementKey) -> "Identity":
        return cls(Actor.of_management_key(key), key=key)

    @classmethod
    def of_user(cls, user: User) -> "Identity":
        return cls(Actor.of_user(user), user=user)

    def accounts(self) -> list[Account]:
        """The accounts it may act in, oldest first."""
        if self.key is not None:
            return [self.key.account]
        return list(Account.objects.filter(memberships__user=self.user).order_by("created_at", "id"))

    def in_account(self, account_id: UUID) -> Caller | None:
        """This identity with what it may do in an account; None if it has no business there."""
        belongs: ManagementKey | Membership | None
        if self.key is not None:
            belongs = self.key if self.key.account_id == account_id else None
        else:
            belongs = Membership.objects.select_related("account").filter(user=self.user, account=account_id).first()
        if belongs is None:
            return None
        return Caller(belongs.account, self.actor, effective_permissions(caller=belongs, account=belongs.account))


def caller_in(identity: Identity | None, account_id: UUID) -> Caller:
    """An identity in an account. Raises ServiceError: nobody signed in, or NOT_FOUND where they have no business,
    the same for accounts that exist and accounts that do not."""
    if identity is None:
        raise unauthenticated()
    caller = identity.in_account(account_id)
    if caller is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no account {account_id}.")
    return caller


def identity_with_key(authorization: str | None) -> Identity:
    """The identity named by an ``Authorization: apikey <management key>`` header (or the gRPC metadata of that name).

    Raises ServiceError UNAUTHENTICATED.
    """
    scheme, _, secret = (authorization or "").strip().partition(" ")
    if scheme.lower() != "apikey" or not secret:
        raise unauthenticated()
    key = ManagementKey.objects.select_related("account").filter(secret_hash=hash_secret(secret.strip())).first()
    if key is None:
        raise ServiceError(Code.UNAUTHENTICATED, "This management key is not valid. Create one in the console.")
    return Identity.of_key(key)


def unauthenticated() -> ServiceError:
    return ServiceError(
        Code.UNAUTHENTICATED, "A management key is needed. Send it as: Authorization: apikey <management key>"
    )
