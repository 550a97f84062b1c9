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

JSON = (b"content-type", b"application/json")
# An unread rest of this size is taken in by the server on its own; a longer one ends the connection.
_SMALL_BODY = 64 * 1024


class Exchange:
    """``path`` is percent-encoded as the client sent it, ``query`` too; header names are lower case."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, limits: BodyLimits) -> None:
        self.id: UUID = uuid7()
        self.started = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.body = RequestBody(self.headers, receive, limits)
        self.cluster: UUID | None = None  # for the log, once it is known
        self.status: int | None = None  # of the answer, once it has begun
        self.error_body: Callable[[str, float], bytes] = error_body  # how this route writes a refusal's body
        self._send = send

    @property
    def seconds(self) -> float:
        """How long the request has taken so far."""
        return time.perf_counter() - self.started

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)

    @property
    def caller(self) -> Caller:
        """Who wants vectors: keys of external providers are among the headers, Qdrant's ``timeout`` in the query."""
        keys = ProviderKeys(lambda name: self.header(name.encode()))
        [timeout] = parse_qs(self.query).get("timeout", [""])[-1:]
        seconds = settings.INFERENCE_TIMEOUT_SECONDS
        return Caller(self.id, keys, min(int(timeout), seconds) if timeout.isdecimal() else seconds)

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer. ``headers`` bring the content length only if it is not the body's (HEAD)."""
        headers = list(headers)
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(body)).encode()))
        await self.start_answer(status, headers)
        await self.send_chunk(body, last=True)

    async def start_answer(self, status: int, headers: Headers) -> None:
        """Send status and headers; chunks follow."""
        self.status = status
        own = (b"x-request-id", str(self.id).encode())
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, own]})

    async def send_chunk(self, chunk: bytes, *, last: bool) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": not last})

    async def refuse(self, refusal: Refused) -> None:
        """Answer in the route's error shape. An endless body is not read on: the connection ends with the answer."""
        body = self.error_body(refusal.sentence, self.seconds)
        headers = [JSON, (b"content-length", str(len(body)).encode())]
        if refusal.retry_after is not None:
            headers.append((b"retry-after", str(refusal.retry_after).encode()))
        declared = self.body.declared_length
        endless = not self.body.complete and (declared is None or declared > _SMALL_BODY)
        if endless:
            headers.append((b"connection", b"close"))
        await self.start_answer(refusal.status, headers)
        await self.send_chunk(body, last=not endless)
        if endless:
            await self.body.discard()
            await self.send_chunk(b"", last=True)

    async def unless_client_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which is cancelled when the client leaves; raises ClientGone then."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.body.client_gone())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientGone
            return task.result()
        finally:
            gone.cancel()
            task.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)
