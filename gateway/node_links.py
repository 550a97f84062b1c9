"""The gateway's ends of its links to embedded nodes."""

import asyncio
from pathlib import Path

from cloudconsole.paths import link_socket
from clusters.message_link import Link


class NodeLinks:
    """One link for each node that has one, opened when it is first asked. Belongs to one event loop."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._opening: dict[str, asyncio.Task[Link | None]] = {}

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    async def to(self, socket: str) -> Link | None:
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
