"""The worker's HTTP surface: translates requests to calls and errors to answers, nothing else."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from inference.provider_keys import ProviderKeys
from inference.worker.embedding import Embedder
from inference.worker.protocol import SECONDS_HEADER, TRACE_HEADER, InferenceError, encode_embeddings

LARGEST_BODY = 64 * 1024 * 1024
_LONGEST_TRACE = 100


class WorkerApp:
    """The routes over one embedder. With ``draining`` set, new embeddings are refused and running ones go on."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.draining = False

    def asgi(self) -> Starlette:
        """The application to serve; models are looked for and loaded once it has started."""
        routes = [
            Route("/embed", self._embed, methods=["POST"]),
            Route("/tokens", self._tokens, methods=["POST"]),
            Route("/models", self._models),
            Route("/metrics", self._metrics),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
        ]
        return Starlette(routes=routes, exception_handlers={InferenceError: _refuse}, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._embedder.start()
        yield
        await self._embedder.close()

    async def _embed(self, request: Request) -> Response:
        if self.draining:
            raise InferenceError(503, "draining", "The inference worker is stopping.", retry_after=1)
        try:
            body = _parse(await _read(request))
        except ClientDisconnect:
            return Response(status_code=499)
        work = self._embedder.embed(
            body.get("model"),
            body.get("kind"),
            body.get("inputs"),
            ProviderKeys(request.headers.get),
            request.headers.get(TRACE_HEADER, "")[:_LONGEST_TRACE],
        )
        embedding, caller = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait(
                {embedding, caller}, return_when=asyncio.FIRST_COMPLETED, timeout=_seconds(request.headers)
            )
            if caller.done() and not embedding.done():
                return Response(status_code=499)
            if not embedding.done():
                sentence = "The model could not embed this in the time the caller allows. Try again, or send less."
                raise InferenceError(503, "deadline", sentence, retry_after=1)
            answer = encode_embeddings(embedding.result())
        finally:
            embedding.cancel()
            caller.cancel()
        return Response(answer, media_type="application/octet-stream")

    async def _tokens(self, request: Request) -> Response:
        body = _parse(await _read(request))
        return _json({"tokens": await self._embedder.count_tokens(body.get("model"), body.get("inputs"))})

    async def _models(self, _: Request) -> Response:
        return _json({"models": await self._embedder.registry.describe()})

    async def _metrics(self, _: Request) -> Response:
        return Response(self._embedder.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def _readyz(self, _: Request) -> Response:
        ready = not self.draining and await self._embedder.registry.is_ready()
        return _json({"ready": ready}, 200 if ready else 503)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            sentence = f"The request is larger than {LARGEST_BODY // (1024 * 1024)} MB; send fewer inputs at once."
            raise InferenceError(400, "invalid_input", sentence)
    return bytes(body)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        # orjson refuses half of a surrogate pair anywhere; json lets it through to the check that names the input.
        try:
            parsed = json.loads(body)
        except ValueError as error:
            raise InferenceError(400, "invalid_input", f"The body is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise InferenceError(400, "invalid_input", "The body must be a JSON object.")
    return parsed


def _seconds(headers: Headers) -> float | None:
    try:
        return max(float(headers[SECONDS_HEADER]), 0.0)
    except (KeyError, ValueError):
        return None


async def _gone(request: Request) -> None:
    """Return when the caller has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, InferenceError)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    return _json({"error": error.sentence, "code": error.code}, error.status, headers)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")
