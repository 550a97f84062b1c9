"""The caller's ends of links: one to each socket, opened when it is first wanted and again when it broke."""

import asyncio

from clusters.message_link import Link


class Links:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._opening: dict[str, asyncio.Task[Link | None]] = {}

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    async def to(self, socket: str) -> Link | None:
        """The link to this socket; None when nobody listens at its end."""
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
            link = self._links[socket] = await Link.open(socket)
        except OSError:
            return None
        return link
