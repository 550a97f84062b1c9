"""The worker's HTTP surface: translates requests to calls and errors to answers, nothing else."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from inference.provider_keys import ProviderKeys
from inference.worker.embedding import Embedder
from inference.worker.protocol import InferenceError, encode_embeddings

LARGEST_BODY = 64 * 1024 * 1024


class WorkerApp:
    """The routes over one embedder. With ``draining`` set, new embeddings are refused and running ones go on."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.draining = False

    def asgi(self) -> Starlette:
        """The application to serve; models are looked for and loaded once it has started."""
        routes = [
            Route("/embed", self._embed, methods=["POST"]),
            Route("/models", self._models),
            Route("/counters", self._counters),
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
        keys = ProviderKeys(request.headers.get)
        embedding = asyncio.ensure_future(
            self._embedder.embed(body.get("model"), body.get("kind"), body.get("inputs"), keys)
        )
        caller = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({embedding, caller}, return_when=asyncio.FIRST_COMPLETED)
            if not embedding.done():
                return Response(status_code=499)
            answer = encode_embeddings(embedding.result())
        finally:
            embedding.cancel()
            caller.cancel()
        return Response(answer, media_type="application/octet-stream")

    async def _models(self, _: Request) -> Response:
        records = self._embedder.registry.records.values()
        return _json({"models": [record.describe() for record in records]})

    async def _counters(self, _: Request) -> Response:
        models = {
            name: {
                "texts": queue.counters.texts,
                "tokens": queue.counters.tokens,
                "dropped": queue.counters.dropped,
                "shared": queue.counters.shared,
                "batch_sizes": {str(size): count for size, count in sorted(queue.counters.batch_sizes.items())},
            }
            for name, queue in self._embedder.queues.items()
        }
        return _json({"models": models})

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
