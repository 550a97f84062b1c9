"""The REST API of a node: an ASGI application over the operation table."""

import asyncio
import logging
import time
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from clusters.node.errors import EngineFailure, NodeError, PayloadTooLarge, Unavailable
from clusters.node.node import Call, Node
from clusters.node.routing import Router

log = logging.getLogger(__name__)

LARGEST_BODY = 32 * 1024 * 1024  # Qdrant's default max_request_size_mb


class RestApi:
    """Answers a node's requests; ``drain`` refuses new ones, and ``idle`` is set while none is being answered."""

    def __init__(self, node: Node, version: str) -> None:
        self._node = node
        self._router = Router()
        self._draining = False
        self._fixed = {
            "/": _json({"title": "qdrant - vector search engine", "version": version, "commit": None}),
            "/healthz": PlainTextResponse("healthz check passed"),
            "/livez": PlainTextResponse("healthz check passed"),
        }
        self._in_flight = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def drain(self) -> None:
        """From now on answer 503 to new requests."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        self._in_flight += 1
        self.idle.clear()
        try:
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)
        except ClientDisconnect:
            pass
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self.idle.set()

    async def _respond(self, request: Request) -> Response:
        started = time.perf_counter()
        fixed = self._fixed.get(request.url.path) if request.method == "GET" else None
        if fixed is not None:
            return fixed
        try:
            if request.method == "GET" and request.url.path == "/readyz":
                return self._readiness()
            result = await self._operate(request)
            return _json({"result": result, "status": "ok", "time": time.perf_counter() - started})
        except NodeError as error:
            return _refusal(error, started)
        except ClientDisconnect:
            raise
        except Exception as error:
            log.exception("request failed")
            return _refusal(EngineFailure(type(error).__name__), started)

    async def _operate(self, request: Request) -> Any:
        if self._draining:
            raise Unavailable("Service unavailable: the node is stopping, repeat the request in a moment")
        match = self._router.match(request.method, request.scope["raw_path"])
        raw = await _body(request)
        body = match.operation.parse(raw)
        wait = request.query_params.get("wait", "false").lower() == "true"
        return await self._node.execute(Call(match.operation, match.collection, match.parameters, body, raw, wait))

    def _readiness(self) -> Response:
        if self._draining:
            raise Unavailable("Service unavailable: the node is stopping")
        if not self._node.is_ready:
            raise Unavailable("Service unavailable: collections are being loaded")
        return PlainTextResponse("all shards are ready")


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise PayloadTooLarge(LARGEST_BODY)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise PayloadTooLarge(LARGEST_BODY)
        chunks.append(chunk)
    return b"".join(chunks)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), status, headers, "application/json")


def _refusal(error: NodeError, started: float) -> Response:
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, PayloadTooLarge):
        headers["Connection"] = "close"  # the rest of the body is not read
    content = {"status": {"error": error.sentence}, "time": time.perf_counter() - started}
    return _json(content, error.status, headers)
