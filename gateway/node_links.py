"""The gateway's ends of its links to embedded nodes."""

import asyncio
from pathlib import Path

from cloudconsole.paths import link_socket
from clusters.message_link import LONGEST_LINE, Link, LinkAnswer, LinkBroken
from gateway.errors import Refused
from gateway.records import ClusterRecord


class NodeLinks:
    """One link for each node that has one, opened when it is first asked. Belongs to one event loop."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._opening: dict[str, asyncio.Task[Link | None]] = {}

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    async def ask(self, cluster: ClusterRecord, line: str, message: bytes, seconds: float) -> LinkAnswer | None:
        """The answer of a cluster's node; None when it has no link, so that another way must be taken.

        Raises Refused: 503 when the node goes before it has answered, 504 when it does not answer in time.
        """
        if cluster.upstream.server is not None or len(line) > LONGEST_LINE:
            return None
        link = await self._to(cluster.upstream.socket)
        if link is None:
            return None
        try:
            return await link.call(line, message, seconds)
        except TimeoutError as error:
            raise late(cluster) from error
        except LinkBroken as error:
            raise gone(cluster, not_begun=error.not_begun) from error

    async def _to(self, socket: str) -> Link | None:
        """The link to the node with this socket for REST; None when nobody listens at its end."""
        link = self._links.get(socket)
        if link is not None and not link.closed:
            return link
        opening = self._opening.get(socket)
        if opening is None:
            opening = self._opening[socket] = asyncio.create_task(self._open(socket))
            opening.add_done_callback(lambda _: self._opening.pop(socket))
        return await asyncio.shield(opening)

    async def _open(self, socket: str) -> Link | None:
        try:
            link = self._links[socket] = await Link.open(str(link_socket(Path(socket))))
        except OSError:
            return None
        return link


def late(cluster: ClusterRecord) -> Refused:
    return Refused(504, f"Cluster {cluster.name} did not answer in time.")


def gone(cluster: ClusterRecord, *, not_begun: bool) -> Refused:
    sentence = f"Cluster {cluster.name} closed the connection before it had answered."
    return Refused(503, f"{sentence} Try again in a second.", retry_after=1, not_begun=not_begun)
