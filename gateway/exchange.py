"""One HTTP request and its answer, over ASGI."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any, TypeVar
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from uuid_utils.compat import uuid7

from gateway.body import BodyLimits, Receive, RequestBody
from gateway.errors import ClientGone, Refused, error_body
from gateway.inference_workers import Caller
from inference.provider_keys import ProviderKeys

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")
_FILES = (b"application/octet-stream", b"application/x-tar", b"application/gzip", b"application/zip")

JSON = (b"content-type", b"application/json")
# An unread rest of this size is taken in by the server on its own; a longer one ends the connection.
_SMALL_BODY = 64 * 1024
_UNWATCHED_SECONDS = 0.05


class Hider:
    """Takes every occurrence of some bytes out of a stream, also those that lie across chunks."""

    def __init__(self, hidden: bytes) -> None:
        self._hidden = hidden
        self._held = b""

    def take(self, chunk: bytes, *, last: bool) -> bytes:
        """What may be sent on; the end that may begin an occurrence is held until the next call."""
        text = (self._held + chunk).replace(self._hidden, b"")
        keep = 0 if last else _overlap(text, self._hidden)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: bytes, hidden: bytes) -> int:
    """The length of the longest end of the text that the hidden bytes begin with."""
    longest = min(len(text), len(hidden) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(hidden[:length])), 0)


def _is_text(headers: Headers) -> bool:
    """Files (snapshots) name no collections, and a byte taken out would break them."""
    return not any(name == b"content-type" and value.startswith(_FILES) for name, value in headers)


class _Watch:
    """Cancels the task that makes it when the client leaves; looks for that only after a moment."""

    def __init__(self, body: RequestBody) -> None:
        self.client_gone = False
        self._body = body
        self._watched = asyncio.current_task()
        self._ended = False
        self._looking: asyncio.Task[None] | None = None
        self._later = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._look)

    async def end(self) -> None:
        """From now on nothing is cancelled, and nobody looks any more."""
        self._ended = True
        self._later.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def _look(self) -> None:
        self._looking = asyncio.ensure_future(self._body.client_gone())
        self._looking.add_done_callback(self._found)

    def _found(self, looking: "asyncio.Task[None]") -> None:
        if not self._ended and self._watched is not None and not looking.cancelled() and looking.exception() is None:
            self.client_gone = True
            self._watched.cancel()


class Exchange:
    """``path`` is percent-encoded as the client sent it, ``query`` too; header names are lower case."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, limits: BodyLimits) -> None:
        self.id: UUID = uuid7()
        self.started = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.forwarded_path = self.path  # the same with the names under which things are kept
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.body = RequestBody(self.headers, receive, limits)
        self.cluster: UUID | None = None  # for the log, once it is known
        self.status: int | None = None  # of the answer, once it has begun
        self.error_body: Callable[[str, float], bytes] = error_body  # how this route writes a refusal's body
        self.hidden = b""  # bytes that leave no trace in the answer
        self.before_end: Callable[[], None] | None = None  # called before the answer's last bytes leave
        self._hider: Hider | None = None
        self._send = send

    @property
    def seconds(self) -> float:
        """How long the request has taken so far."""
        return time.perf_counter() - self.started

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    @property
    def caller(self) -> Caller:
        """Who wants vectors: keys of external providers are among the headers, Qdrant's ``timeout`` in the query."""
        keys = ProviderKeys(lambda name: self.header(name.encode()))
        [timeout] = parse_qs(self.query).get("timeout", [""])[-1:]
        seconds = settings.INFERENCE_TIMEOUT_SECONDS
        return Caller(self.id, keys, min(int(timeout), seconds) if timeout.isdecimal() else seconds)

    def hide(self, text: str) -> str:
        """The text without what is to leave no trace."""
        return text.replace(self.hidden.decode(), "") if self.hidden else text

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer. ``headers`` bring the content length only if it is not the body's (HEAD)."""
        headers = list(headers)
        if self.hidden and _is_text(headers):
            body = body.replace(self.hidden, b"")
            headers = [header for header in headers if header[0] != b"content-length"]
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(body)).encode()))
        await self._start(status, headers)
        await self._send_body(body, last=True)

    async def start_answer(self, status: int, headers: Headers) -> None:
        """Send status and headers; chunks follow."""
        headers = list(headers)
        if self.hidden and _is_text(headers):
            self._hider = Hider(self.hidden)
            headers = [header for header in headers if header[0] != b"content-length"]
        await self._start(status, headers)

    async def send_chunk(self, chunk: bytes, *, last: bool) -> None:
        if self._hider:
            chunk = self._hider.take(chunk, last=last)
        await self._send_body(chunk, last=last)

    async def _send_body(self, body: bytes, *, last: bool) -> None:
        if last and self.before_end:
            self.before_end()
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        own = (b"x-request-id", str(self.id).encode())
        kept = [(name, value.replace(self.hidden, b"") if self.hidden else value) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": [*kept, own]})

    async def refuse(self, refusal: Refused) -> None:
        """Answer in the route's error shape. An endless body is not read on: the connection ends with the answer."""
        body = self.error_body(self.hide(refusal.sentence), self.seconds)
        headers = [JSON, (b"content-length", str(len(body)).encode())]
        if refusal.retry_after is not None:
            headers.append((b"retry-after", str(refusal.retry_after).encode()))
        declared = self.body.declared_length
        endless = not self.body.complete and (declared is None or declared > _SMALL_BODY)
        if endless:
            headers.append((b"connection", b"close"))
        await self._start(refusal.status, headers)
        await self._send_body(body, last=not endless)
        if endless:
            await self.body.discard()
            await self._send_body(b"", last=True)

    async def unless_client_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which is cancelled when the client leaves; raises ClientGone then.

        Most work is done before it pays to look for that.
        """
        watch = _Watch(self.body)
        try:
            return await work
        except asyncio.CancelledError:
            if not watch.client_gone:
                raise
            raise ClientGone from None
        finally:
            await watch.end()
