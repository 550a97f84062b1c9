"""Requests between processes of one machine, gateway and node or worker, without the cost of gRPC and HTTP.

A gRPC client and server take about a millisecond of processor time for each call, most of it for HTTP/2 and for
handing over between threads, those of HTTP half as much; with a gateway in the path it would be paid twice. Here a
request is one frame on a unix socket and its answer another. Many are under way at once on one connection; answers
come in any order.
"""

import asyncio
import itertools
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

# Length of what follows, number of the request; then the length of a text, a status, the text, and the message.
_HEAD = struct.Struct("<IQHH")
# Bytes that may wait in the socket, as far as the system allows (net.core.wmem_max). A node reads nothing while its
# engine works; what has arrived by then is written together. An ordinary buffer holds half of one large request.
_MOST_UNREAD = 4 * 1024 * 1024
LONGEST_LINE = 0xFFFF // 4  # characters, of four bytes at most
_OK = 0  # the number of grpc.StatusCode.OK; the status of every request
_LEFT = 1  # in place of a request: nobody waits for the one of this number any more
_FAREWELL = 2**64 - 1  # no request has this number


@dataclass(frozen=True)
class LinkAnswer:
    """``status`` is the number of a grpc.StatusCode; ``sentence`` says what is wrong unless it is 0.

    Of a REST request: the HTTP status, and the header Retry-After or nothing.
    """

    status: int
    sentence: str
    message: bytes


class LinkBroken(Exception):
    """The other side is gone, with requests under way. ``not_begun``: it had said before that it takes no more."""

    def __init__(self, *, not_begun: bool) -> None:
        super().__init__("the node is gone")
        self.not_begun = not_begun


class _Frames(asyncio.Protocol, ABC):
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_UNREAD)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        while len(self._arrived) >= _HEAD.size:
            length, number, text_length, status = _HEAD.unpack_from(self._arrived)
            if len(self._arrived) < _HEAD.size + length:
                return
            end = _HEAD.size + text_length
            text = self._arrived[_HEAD.size : end].decode()
            with memoryview(self._arrived) as arrived:
                message = bytes(arrived[end : _HEAD.size + length])
            del self._arrived[: _HEAD.size + length]
            self.received(number, status, text, message)

    def send(self, number: int, status: int, text: str, message: bytes) -> None:
        content = text.encode()[:0xFFFF]
        head = _HEAD.pack(len(content) + len(message), number, len(content), status)
        self._transport.writelines([head, content, message])

    @abstractmethod
    def received(self, number: int, status: int, text: str, message: bytes) -> None:
        """A frame has arrived whole."""


Answer = Callable[[str, bytes], Awaitable[LinkAnswer]]


class LinkServer(_Frames):
    """One connection of a caller: ``answer`` gets what ``Link.call`` was given and must not raise.

    It is cancelled when the caller leaves.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def received(self, number: int, status: int, text: str, message: bytes) -> None:
        if status == _LEFT:
            if task := self._tasks.get(number):
                task.cancel()
            return
        task = self._tasks[number] = asyncio.ensure_future(self._serve(number, text, message))
        task.add_done_callback(lambda _: self._tasks.pop(number))

    def say_farewell(self) -> None:
        """All that was begun is answered, and nothing will be begun any more."""
        if not self._transport.is_closing():
            self.send(_FAREWELL, _OK, "", b"")

    def connection_lost(self, error: Exception | None) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _serve(self, number: int, text: str, message: bytes) -> None:
        answer = await self._answer(text, message)
        if not self._transport.is_closing():
            self.send(number, answer.status, answer.sentence, answer.message)


class Link(_Frames):
    """A connection to a node or a worker."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[LinkAnswer]] = {}
        self._farewell = False

    @classmethod
    async def open(cls, socket: str) -> "Link":
        """Raises OSError when nobody listens."""
        _, link = await asyncio.get_running_loop().create_unix_connection(cls, socket)
        return link

    @property
    def closed(self) -> bool:
        return bool(self._transport.is_closing())

    def close(self) -> None:
        self._transport.close()

    async def call(self, text: str, message: bytes, seconds: float) -> LinkAnswer:
        """The other end's answer to a message and what its text says of it.

        Of a node: a method's path, or "PUT /path?query" and a body. Raises LinkBroken, and TimeoutError when there
        is no answer within so many seconds.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        answer = self._waiting[number] = loop.create_future()
        patience = loop.call_later(seconds, _give_up, answer)
        self.send(number, _OK, text, message)
        try:
            return await answer
        except (asyncio.CancelledError, TimeoutError):
            if not self.closed:
                self.send(number, _LEFT, "", b"")
            raise
        finally:
            patience.cancel()
            del self._waiting[number]

    def received(self, number: int, status: int, text: str, message: bytes) -> None:
        self._farewell = self._farewell or number == _FAREWELL
        answer = self._waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result(LinkAnswer(status, text, message))

    def connection_lost(self, error: Exception | None) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkBroken(not_begun=self._farewell))


def _give_up(answer: "asyncio.Future[LinkAnswer]") -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
