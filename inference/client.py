"""The asynchronous client of the inference worker, for the gateway and whoever else needs vectors."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import aiohttp
import httpx
import orjson

from cloudconsole.paths import link_beside
from cloudconsole.unix_sockets import unix_transport
from clusters.links import Links
from clusters.message_link import LONGEST_LINE, LinkBroken
from inference.provider_keys import NO_KEYS, ProviderKeys
from inference.worker.protocol import (
    SECONDS_HEADER,
    TRACE_HEADER,
    Embeddings,
    InferenceError,
    SparseEmbedding,
    decode_embeddings,
)

__all__ = ["Embeddings", "InferenceClient", "InferenceError", "SparseEmbedding"]

Kind = Literal["update", "search"]

# Far beyond any honest batch; only keeps a caller from waiting for a worker that hangs.
_LONGEST_ANSWER_SECONDS = 600
_CONNECT_SECONDS = 5


def open_worker(address: str, *, timeout_seconds: float) -> httpx.Client:
    """A plain client of the worker at ``address``, for whoever asks now and then and does not embed."""
    unix_socket = address if "/" in address else None
    base = "http://worker" if unix_socket else f"http://{address}"
    transport = unix_transport(unix_socket) if unix_socket else None
    return httpx.Client(transport=transport, base_url=base, timeout=timeout_seconds)


class InferenceClient:
    """Talks to one worker over kept-alive connections; belongs to the event loop it is first used on.

    ``address`` is the path of a unix socket or ``host:port``.
    """

    def __init__(self, address: str) -> None:
        self._unix_socket = address if "/" in address else None
        self._base = "http://worker" if self._unix_socket else f"http://{address}"
        self._session: aiohttp.ClientSession | None = None
        self._link_socket = str(link_beside(Path(address))) if self._unix_socket else None
        self._links = Links()

    async def embed(
        self,
        model: str,
        kind: Kind,
        inputs: Sequence[dict[str, Any]],
        keys: ProviderKeys = NO_KEYS,
        *,
        seconds: float | None = None,
        trace: str = "",
    ) -> Embeddings:
        """Embed ``inputs`` (``{"data", "data_type": "text"|"image"|"object", "options"}``) with one model.

        ``keys`` are the caller's for external providers; the worker uses them for this call only. ``seconds`` is how
        long the caller waits: what is not computed by then is dropped. ``trace`` names the request in the logs.
        Returns the embeddings in the order of the inputs. Raises ``InferenceError``: 400 for an input the model
        cannot take, 404 unknown model, 429 busy (with ``retry_after``), 503 model or worker not available.
        """
        try:
            body = orjson.dumps({"model": model, "kind": kind, "inputs": inputs})
        except orjson.JSONEncodeError as error:
            raise InferenceError(400, "invalid_input", _unspeakable(inputs, error)) from error
        headers = keys.headers() | ({TRACE_HEADER: trace} if trace else {})
        if seconds is not None:
            headers[SECONDS_HEADER] = f"{seconds:.3f}"
        answer = await self._call_link(body, headers)
        if answer is None:
            answer = await self._call("POST", "/embed", body, headers)
        try:
            return decode_embeddings(answer)
        except ValueError as error:
            raise InferenceError(502, "worker_unavailable", f"The inference worker answered: {error}.") from error

    async def models(self) -> list[dict[str, Any]]:
        """What the worker says of each model: ``name``, ``state``, ``progress`` (0..1 or None), ``reason``."""
        models: list[dict[str, Any]] = orjson.loads(await self._call("GET", "/models"))["models"]
        return models

    async def ping(self, seconds: float) -> None:
        """Return if the worker answers in time. Raises ``InferenceError`` 503."""
        try:
            async with asyncio.timeout(seconds):
                await self._call("GET", "/healthz")
        except TimeoutError as error:
            raise _unreachable("does not answer") from error

    async def close(self) -> None:
        """Close the connections; the client may not be used afterwards."""
        self._links.close()
        if self._session is not None:
            await self._session.close()

    async def _call_link(self, body: bytes, headers: dict[str, str]) -> bytes | None:
        """The worker's answer over a link; None where there is none."""
        text = orjson.dumps(headers).decode()
        if self._link_socket is None or len(text) > LONGEST_LINE:
            return None
        link = await self._links.to(self._link_socket)
        if link is None:
            return None
        try:
            answer = await link.call(text, body, _LONGEST_ANSWER_SECONDS)
        except LinkBroken as error:
            raise _unreachable("is stopping") if error.not_begun else _went_away() from error
        except TimeoutError as error:
            raise _unreachable("does not answer") from error
        if answer.status != 200:
            raise _refusal(answer.status, answer.sentence, answer.message)
        return answer.message

    async def _call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        try:
            async with self._connected().request(method, self._base + path, data=body, headers=headers) as response:
                answer = await response.read()
        except aiohttp.ClientConnectorError as error:
            raise _unreachable("cannot be reached") from error
        except aiohttp.ServerTimeoutError as error:
            raise _unreachable("does not answer") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _went_away() from error
        if response.status != 200:
            raise _refusal(response.status, response.headers.get("Retry-After", ""), answer)
        return answer

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector: aiohttp.BaseConnector
            if self._unix_socket:
                connector = aiohttp.UnixConnector(self._unix_socket, limit=0)
            else:
                connector = aiohttp.TCPConnector(limit=0)
            timeout = aiohttp.ClientTimeout(total=_LONGEST_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS)
            # No limit on connections: how much runs at once is for the worker to say, with 429.
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session


def _unreachable(what: str) -> InferenceError:
    """The request did not reach the worker, so nothing came of it."""
    sentence = f"The inference worker {what}. Try again in a few seconds."
    return InferenceError(503, "worker_unreachable", sentence, retry_after=1)


def _went_away() -> InferenceError:
    sentence = "The inference worker went away before it had answered. Try again in a few seconds."
    return InferenceError(503, "worker_unavailable", sentence, retry_after=1)


def _unspeakable(inputs: Sequence[dict[str, Any]], error: Exception) -> str:
    for index, one in enumerate(inputs):
        try:
            orjson.dumps(one)
        except orjson.JSONEncodeError as reason:
            return f"Input {index} cannot be sent to the model: {reason}."
    return f"The request cannot be sent to the model: {error}."


def _refusal(status: int, retry_after: str, answer: bytes) -> InferenceError:
    try:
        refusal = orjson.loads(answer)
        code, sentence = refusal["code"], refusal["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        code, sentence = "worker_unavailable", f"The inference worker answered with status {status}."
    return InferenceError(status, code, sentence, int(retry_after) if retry_after.isdigit() else None)
