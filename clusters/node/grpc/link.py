"""The node's end of the link that the gateway asks over instead of gRPC: the same methods, messages and refusals."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import grpc

from clusters.message_link import LinkAnswer, LinkServer

_STOPPING = "Service unavailable: the node is stopping, repeat the request in a moment"


class LinkApi:
    """Answers on a unix socket between ``start`` and ``stop``. ``answer`` tells status, sentence and message."""

    def __init__(self, answer: Callable[[str, bytes], Awaitable[LinkAnswer]]) -> None:
        self._answer_call = answer
        self._draining = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._server: asyncio.Server | None = None

    async def start(self, socket: str) -> None:
        """Listen on the unix socket of this path."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: LinkServer(self._answer), socket)

    async def stop(self, seconds: float) -> None:
        """Answer UNAVAILABLE to new calls, give those in flight this long."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        if self._server is not None:
            self._server.close()

    async def _answer(self, path: str, message: bytes) -> LinkAnswer:
        if self._draining:
            return LinkAnswer(grpc.StatusCode.UNAVAILABLE.value[0], _STOPPING, b"")
        self._in_flight += 1
        self._idle.clear()
        try:
            return await self._answer_call(path, message)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
