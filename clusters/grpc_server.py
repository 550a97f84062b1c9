"""A gRPC server of Qdrant's methods: each takes one message and answers with one. It stops in order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection

from clusters.qdrant_messages import SERVICES

Context = Any  # a grpc.aio.ServicerContext
Serve = Callable[[Any, bytes, Context], Awaitable[bytes]]  # of the call's details, its message and its context

_LAST_MOMENT_SECONDS = 0.1


class UnaryServer(grpc.GenericRpcHandler):
    """Answers between ``start`` and ``stop``, each call in the event loop. Tells by reflection what it serves."""

    def __init__(self, serve: Serve, largest_message: int) -> None:
        self._serve = serve
        self._draining = False
        self._refused = 0
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        options = [
            ("grpc.max_receive_message_length", largest_message),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
        self._server = grpc.aio.server(handlers=[self], options=options)
        services = (*SERVICES, "qdrant.Qdrant", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(services, self._server)

    async def start(self, address: str, credentials: Any = None) -> int:
        """Listen on ``address`` (``unix:/…`` or host:port), with TLS if there are ``credentials``; returns the port."""
        port: int
        if credentials is None:
            port = self._server.add_insecure_port(address)
        else:
            port = self._server.add_secure_port(address, credentials)
        await self._server.start()
        return port

    async def stop(self, seconds: float) -> None:
        """Answer UNAVAILABLE to new calls, give those in flight this long, then close."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                await self._nobody_comes()
        await self._server.stop(_LAST_MOMENT_SECONDS)

    async def _nobody_comes(self) -> None:
        """Wait for a moment without new calls: gRPC would cancel those that it has received and not handed over."""
        known = -1
        while known < self._refused:
            known = self._refused
            await asyncio.sleep(_LAST_MOMENT_SECONDS)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call (gRPC's own name for this)."""
        if handler_call_details.method.startswith(f"/{reflection.SERVICE_NAME}/"):
            return None

        async def behave(message: bytes, context: Context) -> bytes:
            if self._draining:
                self._refused += 1
                sentence = "Service unavailable: the server is stopping, repeat the request in a moment"
                await context.abort(grpc.StatusCode.UNAVAILABLE, sentence, (("retry-after", "1"),))
            self._in_flight += 1
            self._idle.clear()
            try:
                return await self._serve(handler_call_details, message, context)
            finally:
                self._in_flight -= 1
                if not self._in_flight:
                    self._idle.set()

        return grpc.unary_unary_rpc_method_handler(behave)
