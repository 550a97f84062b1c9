"""Django's ASGI handler for views and middleware that are synchronous, as all of the console's are."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cloudconsole.body_limit import Receive, Send

MOST_KEPT_THREADS = 8


class SynchronousHandler(ASGIHandler):
    """Answers a request in one go, on a thread that stays, and with it its connection to the database.

    Django's own handler changes between the event loop and a thread twice for every middleware. It makes a new thread,
    and so a new connection to the database, for every request; on a new one PostgreSQL reads the catalogue's entries
    again for each table. Both together were half of a page's time. However many requests come at once, not more than
    ``MOST_KEPT_THREADS`` threads stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self._free: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        thread = self._free.pop() if self._free else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)
        finally:
            if len(self._free) < MOST_KEPT_THREADS:
                self._free.append(thread)
            else:
                thread.submit(connections.close_all)
                thread.shutdown(wait=False)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)
