"""The end of links that answers: connections, what is under way on them, and an orderly end."""

import asyncio
import contextlib
import os
from pathlib import Path
from weakref import WeakSet

from clusters.message_link import Answer, LinkAnswer, LinkServer


class LinkListener:
    """Answers on a unix socket between ``start`` and ``stop``."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._server: asyncio.Server | None = None
        self._connections: WeakSet[LinkServer] = WeakSet()

    async def start(self, socket: Path) -> None:
        """Listen on a unix socket, in place of one that a killed process left there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket)
        self._server = await asyncio.get_running_loop().create_unix_server(self._connected, socket)
        os.chmod(socket, 0o600)

    async def stop(self, seconds: float) -> None:
        """Give what is in flight so long. Whoever answers refuses new calls by then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                for connection in self._connections:
                    connection.say_farewell()
        if self._server is not None:
            self._server.close()

    def _connected(self) -> LinkServer:
        connection = LinkServer(self._counted)
        self._connections.add(connection)
        return connection

    async def _counted(self, text: str, message: bytes) -> LinkAnswer:
        self._in_flight += 1
        self._idle.clear()
        try:
            return await self._answer(text, message)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
