"""Embeds texts with models of external providers: whose key, in which calls, and the answers put together again."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from inference.catalogue import ModelSpec
from inference.provider_keys import KEY_NAMES, ProviderKeys
from inference.worker.external.calls import Calls
from inference.worker.external.providers import PROVIDERS, MalformedAnswer, Provider
from inference.worker.protocol import Embeddings, InferenceError

DEADLINE_SECONDS = 60.0  # for a whole request, with every pause between attempts
# OpenAI takes 300,000 tokens in a call, and no token is shorter than a byte.
_MOST_BYTES = 300_000
_CALLS_AT_ONCE = 4  # of one request
MOST_REQUESTS = 256  # that wait for one provider; more are refused instead of piling up
_LONGEST_KEY = 1000


class Input(Protocol):
    """A checked input, as far as this module is concerned."""

    @property
    def text(self) -> str: ...
    @property
    def options(self) -> dict[str, Any]: ...


@dataclass(frozen=True, repr=False)
class _Call:
    """What goes to the provider at once: inputs (by index) with the same key and options."""

    key: str
    options: dict[str, Any]
    indices: list[int]
    texts: list[str]


class ExternalEmbedder:
    """Belongs to one event loop. ``urls``: the addresses of the APIs by the first part of their models' names."""

    def __init__(self, urls: Mapping[str, str], deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._urls = urls
        self._deadline_seconds = deadline_seconds
        self._calls = Calls()
        self._waiting = Counter[str]()

    async def close(self) -> None:
        await self._calls.close()

    async def embed(
        self, spec: ModelSpec, name: str, kind: str, inputs: Sequence[Input], keys: ProviderKeys
    ) -> Embeddings:
        """The embeddings of ``inputs`` by ``name``, a model of the provider that ``spec`` stands for.

        The tokens are the provider's count. It tells one for a whole call: it stands at the call's first input.
        Raises ``InferenceError``.
        """
        prefix, _, model = name.partition("/")
        provider = PROVIDERS[prefix]
        url = (self._urls.get(prefix) or provider.url).rstrip("/") + provider.path
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        embeddings = Embeddings(name, spec.vector_type, [None] * len(inputs), [0] * len(inputs), [None] * len(inputs))
        free = asyncio.Semaphore(_CALLS_AT_ONCE)

        async def run(call: _Call) -> None:
            body = provider.request(model, kind, call.options, call.texts)
            async with free:
                answer = await self._calls.post(spec.vendor, url, call.key, body, deadline)
            try:
                vectors, tokens = provider.read(answer, len(call.texts))
            except MalformedAnswer as error:
                sentence = f"{spec.vendor} answered with something unexpected: {error}."
                raise InferenceError(503, "provider_unavailable", sentence) from None
            for index, vector in zip(call.indices, vectors, strict=True):
                embeddings.vectors[index] = vector
            embeddings.tokens[call.indices[0]] = tokens

        with self._place(prefix, spec.vendor):
            running = [asyncio.ensure_future(run(call)) for call in _calls(spec, provider, name, inputs, keys)]
            try:
                await asyncio.gather(*running)
            finally:
                for task in running:
                    task.cancel()
        return embeddings

    @contextmanager
    def _place(self, prefix: str, vendor: str) -> Iterator[None]:
        if self._waiting[prefix] >= MOST_REQUESTS:
            sentence = f"Too many requests wait for {vendor} already. Try again in a second."
            raise InferenceError(429, "busy", sentence, retry_after=1)
        self._waiting[prefix] += 1
        try:
            yield
        finally:
            self._waiting[prefix] -= 1


def _calls(spec: ModelSpec, provider: Provider, name: str, inputs: Sequence[Input], keys: ProviderKeys) -> list[_Call]:
    """The inputs with their keys and options, in as few calls as the provider's limits allow."""
    sorted_out: dict[tuple[str, bytes], list[int]] = {}
    for index, one in enumerate(inputs):
        key = _key_for(spec, name, index, one.options, keys)
        options = {option: value for option, value in one.options.items() if option not in KEY_NAMES}
        try:
            written = orjson.dumps(options, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise InferenceError(400, "invalid_input", f"Input {index} has wrong options: {error}.") from None
        sorted_out.setdefault((key, written), []).append(index)
    return [
        _Call(key, orjson.loads(options), indices, [inputs[index].text for index in indices])
        for (key, options), group in sorted_out.items()
        for indices in _cut(group, inputs, provider.most_texts)
    ]


def _cut(group: list[int], inputs: Sequence[Input], most_texts: int) -> Iterator[list[int]]:
    """Pieces of at most so many texts, and of so many bytes unless a single text has more."""
    piece: list[int] = []
    size = 0
    for index in group:
        length = len(inputs[index].text.encode())
        if piece and (len(piece) == most_texts or size + length > _MOST_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(index)
        size += length
    if piece:
        yield piece


def _key_for(spec: ModelSpec, name: str, index: int, options: Mapping[str, Any], keys: ProviderKeys) -> str:
    """The caller's key for this input: from its options, else from the request's header."""
    assert spec.key_name is not None
    key = options.get(spec.key_name) or keys.get(spec.key_name)
    if not key:
        sentence = (
            f"Model {name} needs your own key of {spec.vendor}: put it into the inference object's options as "
            f"{spec.key_name}, or into the request header {spec.key_name}."
        )
        raise InferenceError(400, "missing_key", sentence)
    if not isinstance(key, str) or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InferenceError(400, "invalid_input", f"Input {index} has a {spec.key_name} that cannot be a key.")
    return key
