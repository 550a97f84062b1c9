"""The node's end of the link that the gateway asks over: the methods of gRPC and the routes of REST."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from weakref import WeakSet

import grpc

from clusters.message_link import LinkAnswer, LinkServer

Answer = Callable[[str, bytes], Awaitable[LinkAnswer]]

_STOPPING = "Service unavailable: the node is stopping, repeat the request in a moment"


class LinkApi:
    """Answers on a unix socket between ``start`` and ``stop``, by a method's path or by "PUT /path?query"."""

    def __init__(self, answer_grpc: Answer, answer_rest: Answer) -> None:
        self._answer_grpc = answer_grpc
        self._answer_rest = answer_rest
        self._draining = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._server: asyncio.Server | None = None
        self._connections: WeakSet[LinkServer] = WeakSet()

    async def start(self, socket: str) -> None:
        """Listen on the unix socket of this path."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connected, socket)

    async def stop(self, seconds: float) -> None:
        """Answer UNAVAILABLE to new calls, give those in flight this long."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                for connection in self._connections:
                    connection.say_farewell()
        if self._server is not None:
            self._server.close()

    def _connected(self) -> LinkServer:
        connection = LinkServer(self._answer)
        self._connections.add(connection)
        return connection

    async def _answer(self, line: str, message: bytes) -> LinkAnswer:
        of_rest = " " in line
        if self._draining and not of_rest:  # REST refuses for itself
            return LinkAnswer(grpc.StatusCode.UNAVAILABLE.value[0], _STOPPING, b"")
        self._in_flight += 1
        self._idle.clear()
        try:
            return await (self._answer_rest if of_rest else self._answer_grpc)(line, message)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
