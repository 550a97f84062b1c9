"""The REST API of a node: an ASGI application over the operation table."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from clusters.message_link import LinkAnswer
from clusters.node.engine.snapshots import UploadedSnapshot
from clusters.node.errors import EngineFailure, FormatError, NodeError, PayloadTooLarge, Unavailable
from clusters.node.node import Call, Node
from clusters.node.routing import Match, Router
from clusters.node.traffic import Traffic
from clusters.node.uploads import receive_file

log = logging.getLogger(__name__)

LARGEST_BODY = 32 * 1024 * 1024  # Qdrant's default max_request_size_mb


@dataclass(frozen=True)
class _Asked:
    """A request of either way in: ``path`` is percent-encoded, ``request`` is None over the link."""

    method: str
    path: bytes
    query: str
    read: Callable[[], Awaitable[bytes]]
    request: Request | None = None


class RestApi:
    """Answers a node's requests; ``drain`` refuses new ones, and ``idle`` is set while none is being answered."""

    def __init__(self, node: Node, version: str) -> None:
        self._node = node
        self._router = Router()
        self._traffic = Traffic(version)
        self._draining = False
        self._fixed = {
            b"/": _json({"title": "qdrant - vector search engine", "version": version, "commit": None}),
            b"/healthz": PlainTextResponse("healthz check passed"),
            b"/livez": PlainTextResponse("healthz check passed"),
        }
        self._in_flight = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def drain(self) -> None:
        """From now on answer 503 to new requests."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        request = Request(scope, receive)
        query = scope["query_string"].decode("latin-1")
        asked = _Asked(scope["method"], scope["raw_path"], query, lambda: _body(request), request)
        with self._one_more():
            try:
                response = await self._respond(asked)
                await response(scope, receive, send)
            except ClientDisconnect:
                pass

    async def answer(self, line: str, body: bytes) -> LinkAnswer:
        """The answer to a request such as "PUT /path?query" that came over the link; its answers are no files."""
        method, _, target = line.partition(" ")
        path, _, query = target.partition("?")

        async def read() -> bytes:
            return body

        with self._one_more():
            response = await self._respond(_Asked(method, path.encode(), query, read))
        return LinkAnswer(response.status_code, response.headers.get("retry-after", ""), bytes(response.body))

    @contextlib.contextmanager
    def _one_more(self) -> Iterator[None]:
        self._in_flight += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self.idle.set()

    async def _respond(self, asked: "_Asked") -> Response:
        started = time.perf_counter()
        fixed = self._fixed.get(asked.path) if asked.method == "GET" else None
        if fixed is not None:
            return fixed
        try:
            if asked.method == "GET" and asked.path == b"/readyz":
                return self._readiness()
            match = self._match(asked)
        except NodeError as error:
            return _refusal(error, started)
        response = await self._answer(asked, match, started)
        self._traffic.count(match.operation.method, match.operation.path, response.status_code)
        return response

    async def _answer(self, asked: "_Asked", match: Match, started: float) -> Response:
        try:
            value = await self._operate(asked, match)
            return self._presented(match.operation.name, value, started)
        except NodeError as error:
            return _refusal(error, started)
        except ClientDisconnect:
            raise
        except Exception as error:
            log.exception("request failed")
            return _refusal(EngineFailure(type(error).__name__), started)

    def _match(self, asked: "_Asked") -> Match:
        if self._draining:
            raise Unavailable("Service unavailable: the node is stopping, repeat the request in a moment")
        return self._router.match(asked.method, asked.path)

    async def _operate(self, asked: "_Asked", match: Match) -> Any:
        if match.operation.name == "recover_from_uploaded_snapshot":
            return await self._recover(asked.request, match)
        with self._node.arrival(match.operation):
            raw = await asked.read()
            body = match.operation.parse(raw)
        parameters = dict(parse_qsl(asked.query, keep_blank_values=True))
        own = match.parameters | {name: parameters[name] for name in match.operation.query if name in parameters}
        wait = parameters.get("wait", "false").lower() == "true"
        timeout = _timeout(parameters.get("timeout"))
        call = Call(match.operation, match.collection, own, body, raw, wait, timeout)
        return await self._node.execute(call)

    async def _recover(self, request: Request | None, match: Match) -> Any:
        """Receive a snapshot, which may be larger than any other body, and recover the collection from it."""
        if request is None:
            raise FormatError("a form with a file is expected", "multipart body")
        file = self._node.uploads / str(uuid.uuid4())
        try:
            with file.open("wb") as out:
                await receive_file(request.headers.get("content-type", ""), request.stream(), out)
            body = UploadedSnapshot(file, request.query_params.get("checksum"))
            return await self._node.execute(Call(match.operation, match.collection, match.parameters, body))
        finally:
            file.unlink(missing_ok=True)

    def _presented(self, operation: str, value: Any, started: float) -> Response:
        if isinstance(value, Path):
            return FileResponse(value, filename=value.name, media_type="application/octet-stream")
        if operation == "metrics":
            return PlainTextResponse(self._traffic.metrics(value))
        if operation == "telemetry":
            value = self._traffic.telemetry(value)
        return _json({"result": value, "status": "ok", "time": time.perf_counter() - started})

    def _readiness(self) -> Response:
        if self._draining:
            raise Unavailable("Service unavailable: the node is stopping")
        if not self._node.is_ready:
            raise Unavailable("Service unavailable: collections are being loaded")
        return PlainTextResponse("all shards are ready")


def _timeout(given: str | None) -> int | None:
    if given is not None and not (given.isascii() and given.isdigit()):
        raise FormatError(f"timeout: invalid value: `{given}`, expected a number of seconds", "query parameters")
    return None if given is None else int(given)


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
