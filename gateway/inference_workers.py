"""The inference workers behind the gateway: the least busy one that is well, another one when it cannot."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import UUID

from gateway.errors import Refused
from inference.catalogue import ModelSpec
from inference.client import Embeddings, InferenceClient, InferenceError, Kind
from inference.provider_keys import ProviderKeys

# What a Qdrant server puts before an inference service's reason; where such a server asks, it does so itself.
VALIDATION_FAILED = "Bad request: Inference request validation failed: "
# Reasons that lie with one worker and not with the request.
_TRY_ANOTHER = frozenset({"worker_unreachable", "worker_unavailable", "draining", "busy"})
_CHECK_EVERY_SECONDS = 1.0
# A worker answers at once whatever it computes; one that stays silent for so long is frozen.
_FROZEN_AFTER_SECONDS = 4.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who wants vectors: the request's id, its keys of external providers, and how many seconds it can wait."""

    request_id: UUID
    keys: ProviderKeys
    seconds: float

    def with_key(self, name: str | None) -> "Caller":
        """The same with the key of this name and no other."""
        return replace(self, keys=self.keys.only(name))


class InferenceWorkers:
    """Clients of all workers (``addresses``: unix sockets or host:port). Belongs to one event loop."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._workers = [_Worker(address) for address in addresses]

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()

    async def embed(
        self, spec: ModelSpec, name: str, kind: Kind, inputs: Sequence[dict[str, Any]], caller: Caller
    ) -> Embeddings:
        """The embeddings by the model ``name``, from the first worker that can, within the caller's time.

        Raises Refused with the reason of the last worker that cannot.
        """
        ends = asyncio.get_running_loop().time() + caller.seconds
        for worker in self._workers:
            worker.watch()
        waiting = sorted(self._workers, key=_Worker.order)
        try:
            async with asyncio.timeout_at(ends):
                while True:
                    worker = waiting.pop(0)
                    left = ends - asyncio.get_running_loop().time()
                    try:
                        return await worker.embed(name, kind, inputs, caller, left)
                    except InferenceError as error:
                        # A provider that may have been asked is not asked again: its bill is the caller's.
                        asked = spec.is_external and error.code == "worker_unavailable"
                        if not waiting or asked or error.code not in _TRY_ANOTHER:
                            raise _refusal(error) from error
        except TimeoutError as error:
            sentence = f"Inference took longer than {caller.seconds:g} seconds. Try again, or send less at once."
            raise Refused(503, sentence, retry_after=1) from error


class _Worker:
    """One worker, and whether it is well. It is watched from its first request on."""

    _turns = count()

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = InferenceClient(address)
        self._in_flight = 0
        self._last_turn = 0
        self._down = False
        self._patience: set[asyncio.Timeout] = set()  # of the requests under way
        self._watching: asyncio.Task[None] | None = None

    def order(self) -> tuple[bool, int, int]:
        """Workers that are well first, then those with the least to do, then those whose turn is longest ago."""
        return self._down, self._in_flight, self._last_turn

    def watch(self) -> None:
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self._client.close()

    async def embed(
        self, name: str, kind: Kind, inputs: Sequence[dict[str, Any]], caller: Caller, seconds: float
    ) -> Embeddings:
        """Raises InferenceError, also when the worker turns out to be frozen meanwhile."""
        self._last_turn = next(self._turns)
        self._in_flight += 1
        patience = asyncio.timeout(0 if self._down else None)
        self._patience.add(patience)
        try:
            async with patience:
                return await self._client.embed(
                    name, kind, inputs, caller.keys, seconds=seconds, trace=str(caller.request_id)
                )
        except TimeoutError as error:
            sentence = "The inference worker does not answer. Try again in a few seconds."
            raise InferenceError(503, "worker_unavailable", sentence, retry_after=1) from error
        finally:
            self._patience.discard(patience)
            self._in_flight -= 1

    async def _watch(self) -> None:
        while True:
            try:
                await self._client.ping(_FROZEN_AFTER_SECONDS)
            except InferenceError as error:
                if not self._down:
                    logger.warning("inference worker %s is out of turn: %s", self._address, error.sentence)
                self._down = True
                while self._patience:
                    self._patience.pop().reschedule(0)
            else:
                if self._down:
                    logger.info("inference worker %s is back", self._address)
                self._down = False
            await asyncio.sleep(_CHECK_EVERY_SECONDS)


def _refusal(error: InferenceError) -> Refused:
    """A worker's error in the words and with the status a Qdrant server has for it."""
    if error.status == 400:
        return Refused(400, VALIDATION_FAILED + error.sentence)
    if error.status == 404:
        return Refused(400, error.sentence)
    if error.status == 429:
        return Refused(429, error.sentence, error.retry_after or 1)
    return Refused(503, error.sentence, error.retry_after)
