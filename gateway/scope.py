"""Which collections a key reaches, and what they are called where they are kept.

On a server that several clusters share every collection and alias of a cluster has the cluster's prefix. The prefix is
put before each name on the way in and taken off each answer on the way out, so nobody sees it, and as it cannot be
guessed nobody can write it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from clusters.rules.access import FULL_ACCESS, Access
from gateway.errors import Refused
from gateway.operations import Row
from gateway.records import KeyRecord

# What concerns the whole server, or would have it read a file or an address that somebody names.
NOT_ON_SHARED_SERVERS = frozenset(
    [
        "recover_from_snapshot",
        "recover_shard_from_snapshot",
        "list_full_snapshots",
        "create_full_snapshot",
        "get_full_snapshot",
        "delete_full_snapshot",
        "cluster_status",
        "cluster_telemetry",
        "recover_current_peer",
        "remove_peer",
        "get_issues",
        "clear_issues",
        "get_quotas",
        "update_quotas",
    ]
)


@dataclass(frozen=True)
class Scope:
    """``prefix`` is empty on a server that one cluster has for itself."""

    access: Access
    prefix: str

    @property
    def whole(self) -> bool:
        """Whether the key reaches all that the server has, under its own names: nothing is to be looked at then."""
        return not self.prefix and self.access == FULL_ACCESS

    @property
    def sees_all(self) -> bool:
        """Whether it reaches all that there is to be read; other names in a request change nothing then."""
        return not self.prefix and self.access.everywhere is not None

    def check(self, operation: Row, collections: Iterable[str]) -> None:
        """Raises Refused 403 when the key does not suffice for the operation on these collections."""
        if self.prefix and operation.name in NOT_ON_SHARED_SERVERS:
            raise Refused(403, "Forbidden: this operation concerns the whole server, which is shared here")
        if sentence := self.access.refusal(operation.needs, collections):
            raise Refused(403, f"Forbidden: {sentence}")

    def kept_as(self, name: str) -> str:
        """What a client's collection, alias or snapshot is called where it is kept. No name stays no name."""
        return name and self.prefix + name

    def known_as(self, kept: str) -> str | None:
        """What the client calls what is kept under this name; None for what it is not to see."""
        if not kept.startswith(self.prefix):
            return None
        name = kept.removeprefix(self.prefix)
        return name if self.access.sees(name) else None

    def hide(self, text: str) -> str:
        """The text without the prefix."""
        return text.replace(self.prefix, "") if self.prefix else text


def scope_of(key: KeyRecord) -> Scope:
    return Scope(key.access, key.cluster.upstream.prefix)
