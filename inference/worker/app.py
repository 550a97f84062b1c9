"""The worker's HTTP surface: translates requests to calls and errors to answers, nothing else."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from clusters.link_listener import LinkListener
from clusters.message_link import LinkAnswer
from inference.provider_keys import ProviderKeys
from inference.worker.embedding import Embedder
from inference.worker.protocol import SECONDS_HEADER, TRACE_HEADER, InferenceError, encode_embeddings

log = logging.getLogger(__name__)

DRAIN_SECONDS = 30
LARGEST_BODY = 64 * 1024 * 1024
_LONGEST_TRACE = 100


class WorkerApp:
    """The routes over one embedder, and links on a socket of their own if there is one for them.

    With ``draining`` set, new embeddings are refused and running ones go on.
    """

    def __init__(self, embedder: Embedder, link_socket: Path | None = None) -> None:
        self._embedder = embedder
        self._link_socket = link_socket
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
        links = LinkListener(self.answer_link)
        if self._link_socket is not None:
            await links.start(self._link_socket)
        yield
        await links.stop(DRAIN_SECONDS)
        await self._embedder.close()

    async def answer_link(self, text: str, message: bytes) -> LinkAnswer:
        """What ``POST /embed`` answers, over a link."""
        try:
            return LinkAnswer(200, "", await self._embeddings(orjson.loads(text), message))
        except InferenceError as error:
            retry_after = "" if error.retry_after is None else str(error.retry_after)
            return LinkAnswer(error.status, retry_after, _said(error))
        except Exception:
            log.exception("a request for embeddings failed inside the worker")
            return LinkAnswer(500, "", _said(InferenceError(500, "failed", "The inference worker failed.")))

    async def _embed(self, request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=499)
        embedding = asyncio.ensure_future(self._embeddings(request.headers, body))
        caller = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({embedding, caller}, return_when=asyncio.FIRST_COMPLETED)
            if not embedding.done():
                return Response(status_code=499)
            return Response(embedding.result(), media_type="application/octet-stream")
        finally:
            embedding.cancel()
            caller.cancel()

    async def _embeddings(self, headers: Mapping[str, str], body: bytes) -> bytes:
        """The bytes of the answer, within the time that the caller allows. Raises InferenceError."""
        if self.draining:
            raise InferenceError(503, "draining", "The inference worker is stopping.", retry_after=1)
        if len(body) > LARGEST_BODY:
            raise _too_large()
        asked = _parse(body)
        limit = asyncio.timeout(_seconds(headers))
        try:
            async with limit:
                embeddings = await self._embedder.embed(
                    asked.get("model"),
                    asked.get("kind"),
                    asked.get("inputs"),
                    ProviderKeys(headers.get),
                    headers.get(TRACE_HEADER, "")[:_LONGEST_TRACE],
                )
        except TimeoutError as error:
            if not limit.expired():
                raise
            sentence = "The model could not embed this in the time the caller allows. Try again, or send less."
            raise InferenceError(503, "deadline", sentence, retry_after=1) from error
        return encode_embeddings(embeddings)

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
            raise _too_large()
    return bytes(body)


def _too_large() -> InferenceError:
    sentence = f"The request is larger than {LARGEST_BODY // (1024 * 1024)} MB; send fewer inputs at once."
    return InferenceError(400, "invalid_input", sentence)


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


def _seconds(headers: Mapping[str, str]) -> float | None:
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
    return Response(_said(error), error.status, headers, "application/json")


def _said(error: InferenceError) -> bytes:
    return orjson.dumps({"error": error.sentence, "code": error.code})


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
