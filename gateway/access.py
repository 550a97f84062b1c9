"""Who may come in, and to which cluster: the key decides, and a host name that names a cluster must agree."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from django.conf import settings

from cloudconsole.secrets_at_rest import hash_secret
from clusters.catalogue import DEFAULT_VERSION
from clusters.rules.lifecycle import Phase
from gateway.errors import Refused
from gateway.records import ClusterRecord, Found, KeyRecord, Records, RecordsUnavailable

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
    found = await _find(records, secret)
    key = found.key
    if key is None or key.revoked:
        raise Refused(401, "Invalid API key or JWT")
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        raise Refused(401, "This API key has expired. Create a new one in the console.")
    caller.cluster = key.cluster.id
    named = _cluster_host_of(caller)
    if named is not None and named != f"{key.cluster.host}.{settings.CLUSTER_DOMAIN}".lower():
        raise Refused(403, "This API key does not give access to this host.")
    return key, found.current


async def introduced_version(caller: Caller, records: Records) -> str:
    """The version that clients ask first, for which they need no key; with one it is its cluster's."""
    try:
        key, _ = await authenticate(caller, records)
    except Refused:
        return DEFAULT_VERSION.removeprefix("v")
    return key.cluster.version


def check_serving(cluster: ClusterRecord) -> None:
    """Raises Refused 503 that says what the cluster is doing instead."""
    if not cluster.serving:
        state = _STATE_OF_PHASE.get(Phase(cluster.phase), "is not ready. Try again in a few seconds.")
        raise Refused(503, f"Cluster {cluster.name} {state}", retry_after=1)


async def _find(records: Records, secret: str) -> Found:
    try:
        return await records.find(hash_secret(secret))
    except RecordsUnavailable:
        raise Refused(503, "The API key cannot be checked right now. Try again in a second.", retry_after=1) from None


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
