"""uvicorn's HTTP protocol, with one system call for what is written at once.

uvicorn writes an answer's head and its body one by one, and uvloop sends each when it is written: the other side is
woken up twice. On a path of several processes that is a large part of a small request's time.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LARGEST_WAITING = 64 * 1024  # bytes; more is sent at once, so that a slow reader is noticed


class WholeAnswers(HttpToolsProtocol):
    """Sends what is written in one turn of the event loop together: at its end, or as soon as an answer is whole."""

    _gathering: "_Gathering"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve a connection (asyncio's own name for this)."""
        self._gathering = _Gathering(transport, self.loop)
        super().connection_made(self._gathering)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        """An answer is whole (uvicorn's own name for this): what the application still does must not hold it up."""
        self._gathering.send()
        super().on_response_complete()


class _Gathering:
    """A transport that keeps what is written until the loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self.send)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _LARGEST_WAITING:
            self.send()

    def close(self) -> None:
        self.send()
        self._transport.close()

    def send(self) -> None:
        """Hand over what waits."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting:
            self._transport.writelines(waiting)
