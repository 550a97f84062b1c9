"""Refusing request bodies that no page and no API call of the console could need, before they fill the disk."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Uploads:
    """Addresses that take bodies of up to ``most_bytes`` from those whom ``welcome`` lets in."""

    path: re.Pattern[str]
    most_bytes: int
    welcome: Callable[[Scope], Awaitable[bool]]


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI wrapper: 413 as soon as a body is longer than the limit, declared or not.

    Django itself reads a whole body to a temporary file before any view can look at it.
    """

    def __init__(self, application: Application, uploads: Uploads | None = None) -> None:
        self._application = application
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        most = await self._most_bytes(scope)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _TooLarge
            return message

        try:
            await self._application(scope, limited, send)
        except _TooLarge:
            await _refuse(send, most)

    async def _most_bytes(self, scope: Scope) -> int:
        uploads = self._uploads
        if uploads and scope["method"] == "POST" and uploads.path.fullmatch(scope["path"]):
            return uploads.most_bytes if await uploads.welcome(scope) else MAX_BODY_BYTES
        return MAX_BODY_BYTES


async def _refuse(send: Send, most: int) -> None:
    sentence = f"The request body is larger than {most:,} bytes, the most that is accepted here."
    body = b'{"code": 3, "message": "%s", "details": []}' % sentence.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
