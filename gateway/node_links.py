"""The gateway's ends of its links to embedded nodes."""

from functools import lru_cache
from pathlib import Path

from cloudconsole.paths import link_socket
from clusters.links import Links
from clusters.message_link import LONGEST_LINE, LinkAnswer, LinkBroken
from gateway.errors import Refused
from gateway.records import ClusterRecord


class NodeLinks:
    """One link for each node that has one, opened when it is first asked. Belongs to one event loop."""

    def __init__(self) -> None:
        self._links = Links()

    def close(self) -> None:
        self._links.close()

    async def ask(self, cluster: ClusterRecord, line: str, message: bytes, seconds: float) -> LinkAnswer | None:
        """The answer of a cluster's node; None when it has no link, so that another way must be taken.

        Raises Refused: 503 when the node goes before it has answered, 504 when it does not answer in time.
        """
        if cluster.upstream.server is not None or len(line) > LONGEST_LINE:
            return None
        link = await self._links.to(_link_socket(cluster.upstream.socket))
        if link is None:
            return None
        try:
            return await link.call(line, message, seconds)
        except TimeoutError as error:
            raise late(cluster) from error
        except LinkBroken as error:
            raise gone(cluster, not_begun=error.not_begun) from error


@lru_cache(maxsize=1000)
def _link_socket(rest_socket: str) -> str:
    return str(link_socket(Path(rest_socket)))


def late(cluster: ClusterRecord) -> Refused:
    return Refused(504, f"Cluster {cluster.name} did not answer in time.")


def gone(cluster: ClusterRecord, *, not_begun: bool) -> Refused:
    sentence = f"Cluster {cluster.name} closed the connection before it had answered."
    return Refused(503, f"{sentence} Try again in a second.", retry_after=1, not_begun=not_begun)
