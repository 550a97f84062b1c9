"""Who may come in, and to which cluster: the key decides, and a host name that names a cluster must agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

from django.conf import settings

from cloudconsole.secrets_at_rest import hash_secret
from clusters.catalogue import DEFAULT_VERSION
from clusters.data_plane import CONSOLE_KEY_ID, CONSOLE_SUBJECT
from clusters.rules.lifecycle import Phase
from gateway.errors import Refused
from gateway.records import ClusterRecord, Found, KeyRecord, Records, RecordsUnavailable
from gateway.tokens import EXPIRED, LEEWAY_SECONDS, Token, read_token

_STATE_OF_PHASE = {
    Phase.CREATING: "is being created. Try again in a few seconds.",
    Phase.FAILED_TO_CREATE: "could not be created. Its page in the console says why.",
    Phase.UPDATING: "is restarting. Try again in a few seconds.",
    Phase.FAILED_TO_UPDATE: "did not come back from its restart. Restart it in the console.",
    Phase.SCALING: "is being scaled. Try again in a few seconds.",
    Phase.UPGRADING: "is being upgraded. Try again in a few seconds.",
    Phase.SUSPENDING: "is being suspended.",
    Phase.SUSPENDED: "is suspended. Resume it in the console to use it.",
    Phase.RESUMING: "is being resumed. Try again in a few seconds.",
    Phase.FAILED_TO_RESUME: "could not be resumed. Its page in the console says why.",
    Phase.DELETING: "is being deleted.",
}


class Caller(Protocol):
    """A request of any transport; ``cluster`` is set as soon as the key tells it, for the log."""

    cluster: UUID | None

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""


async def authenticate(caller: Caller, records: Records) -> tuple[KeyRecord, bool]:
    """The key that the request came with, and whether what is known of it is current.

    Raises Refused: 401 for a missing, wrong, revoked or expired key, 403 for a key of another cluster than the
    host's, 503 when the key cannot be checked.
    """
    secret = _secret_of(caller)
    if not secret:
        raise Refused(401, "Must provide an API key or an Authorization bearer token")
    return await authenticate_with(secret, caller, records)


async def authenticate_with(secret: str, caller: Caller, records: Records) -> tuple[KeyRecord, bool]:
    """The same for a key that did not come in the request's headers."""
    host = _cluster_host_of(caller)
    found = await _find(records, secret, host)
    key = found.key
    if key is None or key.revoked:
        raise Refused(401, "Invalid API key or JWT")
    _check_expiry(key)
    caller.cluster = key.cluster.id
    if host is not None and host != f"{key.cluster.host}.{settings.CLUSTER_DOMAIN}".lower():
        raise Refused(403, "This API key does not give access to this host.")
    return key, found.current


async def introduced_version(caller: Caller, records: Records) -> str:
    """The version that clients ask first, for which they need no key; with one it is its cluster's."""
    try:
        key, _ = await authenticate(caller, records)
    except Refused:
        return DEFAULT_VERSION.removeprefix("v")
    return key.cluster.version


def not_serving(cluster: ClusterRecord) -> Refused:
    """The refusal that says what the cluster is doing instead."""
    state = _STATE_OF_PHASE.get(Phase(cluster.phase), "is not ready. Try again in a few seconds.")
    return Refused(503, f"Cluster {cluster.name} {state}", retry_after=1)


def _check_expiry(key: KeyRecord) -> None:
    if key.expires_at is None:
        return
    now = datetime.now(UTC)
    if key.is_token and key.expires_at + timedelta(seconds=LEEWAY_SECONDS) < now:
        raise Refused(403, EXPIRED)
    if not key.is_token and key.expires_at <= now:
        raise Refused(401, "This API key has expired. Create a new one in the console.")


async def _find(records: Records, secret: str, host: str | None) -> Found:
    try:
        found = await records.find(hash_secret(secret))
        if found.key is None and (token := read_token(secret, UUID(host.split(".")[0]) if host else None)):
            signer = await records.find_signer(token.cluster_id)
            found = replace(signer, key=signer.key and _key_of(token, signer.key))
    except RecordsUnavailable:
        raise Refused(503, "The API key cannot be checked right now. Try again in a second.", retry_after=1) from None
    return found


def _key_of(token: Token, signer: KeyRecord) -> KeyRecord:
    identity = uuid5(signer.id, token.subject) if token.subject else signer.id
    if token.subject == CONSOLE_SUBJECT:
        identity = CONSOLE_KEY_ID
    return replace(signer, id=identity, access=token.access, value_exists=token.value_exists)


def _secret_of(caller: Caller) -> str | None:
    if key := caller.header(b"api-key"):
        return key
    scheme, _, token = (caller.header(b"authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cluster_host_of(caller: Caller) -> str | None:
    """The host name without its port if it has the form of a cluster's."""
    host = (caller.header(b"host") or "").rpartition("@")[2].split(":")[0].lower()
    if not host.endswith(f".{settings.CLUSTER_DOMAIN}".lower()):
        return None
    try:
        UUID(host.split(".")[0])
    except ValueError:
        return None
    return host
