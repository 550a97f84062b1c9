"""The body of a request: read once, never more than allowed, never longer than allowed."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import ClientGone, Refused

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LINGER_SECONDS = 1.0
_LENGTH = re.compile(rb"[0-9]{1,20}")


@dataclass(frozen=True)
class BodyLimits:
    """``max_bytes`` of a whole body, and the seconds it may take to arrive."""

    max_bytes: int
    seconds: float


class RequestBody:
    """What the client sends. Every way of reading it raises Refused 413 or 408, or ClientGone."""

    def __init__(self, headers: list[tuple[bytes, bytes]], receive: Receive, limits: BodyLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._taken = 0
        self._put_back = b""
        found = dict(headers)
        chunked = b"transfer-encoding" in found
        declared = found.get(b"content-length", b"")
        self.declared_length = int(declared) if _LENGTH.fullmatch(declared) and not chunked else None
        self.absent = not self.declared_length and not chunked
        self._complete = asyncio.Event()
        if self.absent:
            self._complete.set()

    @property
    def complete(self) -> bool:
        """Whether all of it has been read."""
        return self._complete.is_set()

    async def read(self) -> bytes:
        """The whole body."""
        chunks = [chunk async for chunk in self.stream()]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def put_back(self, content: bytes) -> None:
        """Have what was read, or something else in its place, be read once more."""
        self._put_back = content
        self.declared_length = len(content)
        self.absent = not content

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it arrives; empty for what has been read before."""
        if self._put_back:
            content, self._put_back = self._put_back, b""
            yield content
        if not self._complete.is_set() and (self.declared_length or 0) > self._limits.max_bytes:
            raise self._too_large(self.declared_length)
        while not self._complete.is_set():
            chunk = await self._next_chunk()
            if self._taken > self._limits.max_bytes:
                raise self._too_large(None)
            if chunk:
                yield chunk

    async def client_gone(self) -> None:
        """Return when the client has closed the connection. Looks only once the body was read."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def discard(self) -> None:
        """Take in what still arrives, for a moment.

        A connection that is closed while the client is sending resets it, and the client may never see the
        answer that says why.
        """
        self._deadline = time.monotonic() + LINGER_SECONDS
        most = self._taken + self._limits.max_bytes
        try:
            while not self._complete.is_set() and self._taken <= most:
                await self._next_chunk()
        except (Refused, ClientGone):
            return

    async def _next_chunk(self) -> bytes:
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            sentence = f"The request body did not arrive within {self._limits.seconds:g} seconds."
            raise Refused(408, sentence) from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        if not message.get("more_body", False):
            self._complete.set()
        chunk: bytes = message.get("body", b"")
        self._taken += len(chunk)
        return chunk

    def _too_large(self, length: int | None) -> Refused:
        size = f"{length} bytes" if length else "payload"
        return Refused(
            413,
            f"Payload error: the request body ({size}) is larger than allowed "
            f"(limit: {self._limits.max_bytes} bytes). Send fewer points at once.",
        )
