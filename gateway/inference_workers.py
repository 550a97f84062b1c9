"""The inference workers behind the gateway: one after the other in turn, another one when one cannot."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from gateway.errors import Refused
from inference.client import Embeddings, InferenceClient, InferenceError, Kind
from inference.provider_keys import NO_KEYS, ProviderKeys

# What a Qdrant server puts before an inference service's reason; where such a server asks, it does so itself.
VALIDATION_FAILED = "Bad request: Inference request validation failed: "
# Reasons that lie with one worker and not with the request.
_TRY_ANOTHER = frozenset({"worker_unavailable", "draining", "busy"})


class InferenceWorkers:
    """Clients of all workers (``addresses``: unix sockets or host:port). Belongs to one event loop."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._clients = [InferenceClient(address) for address in addresses]
        self._turns = count()

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def embed(
        self, model: str, kind: Kind, inputs: Sequence[dict[str, Any]], keys: ProviderKeys = NO_KEYS
    ) -> Embeddings:
        """The embeddings, from the first worker that can. Raises Refused with the reason of the last that cannot."""
        first = next(self._turns)
        for turn in range(len(self._clients)):
            client = self._clients[(first + turn) % len(self._clients)]
            try:
                return await client.embed(model, kind, inputs, keys)
            except InferenceError as error:
                last_chance = turn == len(self._clients) - 1
                if last_chance or error.code not in _TRY_ANOTHER:
                    raise _refusal(error) from error
        raise AssertionError("a gateway needs at least one inference worker")


def _refusal(error: InferenceError) -> Refused:
    """A worker's error in the words and with the status a Qdrant server has for it."""
    if error.status == 400:
        return Refused(400, VALIDATION_FAILED + error.sentence)
    if error.status == 404:
        return Refused(400, error.sentence)
    if error.status == 429:
        return Refused(429, error.sentence, error.retry_after or 1)
    return Refused(503, error.sentence, error.retry_after)
