"""Refusing request bodies that no page and no API call of the console could need, before they fill the disk."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 2 * 1024 * 1024


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI wrapper: 413 as soon as a body is longer than the limit, declared or not.

    Django itself reads a whole body to a temporary file before any view can look at it.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _TooLarge
            return message

        try:
            await self._application(scope, limited, send)
        except _TooLarge:
            await _refuse(send)


async def _refuse(send: Send) -> None:
    sentence = f"The request body is larger than {MAX_BODY_BYTES:,} bytes, the most that is accepted here."
    body = b'{"code": 3, "message": "%s", "details": []}' % sentence.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
