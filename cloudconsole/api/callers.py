"""Who calls the admin API, and how a transport finds out."""

from dataclasses import dataclass

from cloudconsole.accounts.models import Account, ManagementKey
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

    @property
    def is_user(self) -> bool:
        return self.actor.type == "user"


def caller_with_key(authorization: str | None) -> Caller:
    """The caller named by an ``Authorization: apikey <management key>`` header (or the gRPC metadata of that name).

    A management key belongs to an account, not to a person, and has all permissions in it.
    Raises ServiceError UNAUTHENTICATED.
    """
    scheme, _, secret = (authorization or "").strip().partition(" ")
    if scheme.lower() != "apikey" or not secret:
        raise ServiceError(
            Code.UNAUTHENTICATED, "A management key is needed. Send it as: Authorization: apikey <management key>"
        )
    key = ManagementKey.objects.select_related("account").filter(secret_hash=hash_secret(secret.strip())).first()
    if key is None:
        raise ServiceError(Code.UNAUTHENTICATED, "This management key is not valid. Create one in the console.")
    return Caller(key.account, Actor.of_management_key(key), effective_permissions(caller=key, account=key.account))
