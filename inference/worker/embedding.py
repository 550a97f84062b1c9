"""From a request for embeddings to its vectors: check the inputs, tokenise ahead, let the scheduler run them."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.catalogue import ModelSpec, resolve
from inference.provider_keys import NO_KEYS, ProviderKeys
from inference.worker import families
from inference.worker.external.embedder import ExternalEmbedder
from inference.worker.images.preparation import ImagePreparation
from inference.worker.metrics import Metrics
from inference.worker.priorities import in_background
from inference.worker.protocol import Embeddings, InferenceError
from inference.worker.queues import KINDS
from inference.worker.registry import ModelRegistry
from inference.worker.residency import Resident
from inference.worker.scheduler import Scheduler

# Texts tokenised in one go: the first batches run while the rest of a large request is still tokenised, and other
# requests get their turn in between.
_TOKENIZED_AT_ONCE = 64
# So few characters are tokenised faster than a thread could be woken for it.
_TOKENIZED_HERE = 2000
# In the bounds of what may wait an image counts as so many texts: it takes 150 kB while it waits.
_TEXTS_PER_IMAGE = 8


@dataclass(frozen=True)
class _Input:
    text: str
    options: dict[str, Any]


class Embedder:
    """Answers requests with the models of a registry. Belongs to the event loop it is started on."""

    def __init__(
        self,
        registry: ModelRegistry,
        scheduler: Scheduler,
        external: ExternalEmbedder,
        images: ImagePreparation,
        metrics: Metrics,
    ) -> None:
        self.registry = registry
        self.metrics = metrics
        self._scheduler = scheduler
        self._external = external
        self._images = images
        # Two each, so that one long text keeps nobody waiting.
        self._tokenizing = {
            "search": ThreadPoolExecutor(max_workers=2, thread_name_prefix="tokenize-search"),
            "update": ThreadPoolExecutor(
                max_workers=2, thread_name_prefix="tokenize-update", initializer=in_background
            ),
        }

    async def embed(
        self, name: Any, kind: Any, inputs: Any, keys: ProviderKeys = NO_KEYS, trace: str = ""
    ) -> Embeddings:
        """The embeddings of ``inputs`` (see the client) by the model called ``name``; ``kind`` "search" or "update".

        ``keys`` are the caller's for external providers, used for this request only; ``trace`` names it in the log.
        Raises ``InferenceError``; nothing is computed unless every input can be.
        """
        spec = _model(name)
        if kind not in KINDS:
            raise InferenceError(400, "invalid_input", f'kind must be "search" or "update", got {kind!r}.')
        checked = _check_inputs(spec, inputs)
        if spec.is_external:
            return await self._external.embed(spec, name.lower(), kind, checked, keys)
        async with self.registry.using(spec) as resident:
            if families.needs_no_files(spec):
                return await self._embed_words(spec, resident.model, kind, checked)
            if spec.modality == "image":
                return await self._embed_images(spec, resident, kind, checked, trace)
            return await self._embed_tokens(spec, resident, kind, checked, trace)

    async def count_tokens(self, name: Any, inputs: Any) -> list[int]:
        """How many tokens the model would process of each input, to be stored; nothing is run. Raises InferenceError.

        An image counts what the catalogue says.
        """
        spec = _model(name)
        if spec.is_external:
            raise InferenceError(400, "invalid_input", f"Only the provider can count the tokens of {name}.")
        texts = [one.text for one in _check_inputs(spec, inputs)]
        if spec.tokens_per_image is not None:
            return [spec.tokens_per_image] * len(texts)
        async with self.registry.using(spec) as resident:
            return await self._in_thread("update", resident.model.count_tokens, texts)

    def start(self) -> None:
        """Begin to run batches, and to look for and load models."""
        self._scheduler.start()
        self._loading = asyncio.get_running_loop().create_task(self.registry.start())

    async def close(self) -> None:
        """Stop everything, after what is running in threads right now."""
        self._loading.cancel()
        self.registry.close()
        self._scheduler.close()
        self._images.close()
        for threads in self._tokenizing.values():
            threads.shutdown(wait=False, cancel_futures=True)
        await self._external.close()

    async def _embed_tokens(
        self, spec: ModelSpec, resident: Resident, kind: str, inputs: Sequence[_Input], trace: str
    ) -> Embeddings:
        sizes = [_matryoshka_size(spec, index, one.options) for index, one in enumerate(inputs)]
        kept = []
        with self._scheduler.request(resident.queue, kind, len(inputs), trace) as request:
            for start in range(0, len(inputs), _TOKENIZED_AT_ONCE):
                texts = [one.text for one in inputs[start : start + _TOKENIZED_AT_ONCE]]
                tokenized = await self._tokenize(resident, texts, kind)
                kept += [text.kept for text in tokenized]
                request.add(tokenized)
            results = await request.results()
        return _embeddings(spec, results, sizes, kept)

    async def _tokenize(self, resident: Resident, texts: list[str], kind: str) -> Any:
        begun = time.monotonic()
        if sum(map(len, texts)) <= _TOKENIZED_HERE:
            tokenized = resident.model.tokenize(texts, kind)
        else:
            tokenized = await self._in_thread(kind, resident.model.tokenize, texts, kind)
        resident.queue.metrics[kind].tokenize_seconds.observe(time.monotonic() - begun)
        return tokenized

    async def _embed_images(
        self, spec: ModelSpec, resident: Resident, kind: str, inputs: Sequence[_Input], trace: str
    ) -> Embeddings:
        sizes = [_matryoshka_size(spec, index, one.options) for index, one in enumerate(inputs)]
        waiting = _TEXTS_PER_IMAGE * len(inputs)
        with self._scheduler.request(resident.queue, kind, waiting, trace) as request:
            request.add(await self._images.prepare(resident.model, [one.text for one in inputs]))
            results = await request.results()
        return _embeddings(spec, results, sizes, [None] * len(inputs))

    async def _embed_words(self, spec: ModelSpec, model: Any, kind: str, inputs: Sequence[_Input]) -> Embeddings:
        vectors, counts = [], []
        seen: dict[tuple[str, str], Any] = {}
        for index, one in enumerate(inputs):
            key = (one.text, repr(one.options))
            count = 0
            if key not in seen:
                try:
                    seen[key], count = await self._in_thread(kind, model.embed, one.text, kind, one.options)
                except ValueError as error:
                    raise _invalid(index, f"has wrong options: {error}") from error
            vectors.append(seen[key])
            counts.append(count)
        return Embeddings(spec.name, spec.vector_type, vectors, counts, [None] * len(inputs))

    async def _in_thread(self, kind: str, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._tokenizing[kind], function, *arguments)


def _model(name: Any) -> ModelSpec:
    spec = resolve(name) if isinstance(name, str) else None
    if spec is None:
        raise InferenceError(404, "unknown_model", f"Model {name!r} is not in the catalogue.")
    return spec


def _check_inputs(spec: ModelSpec, inputs: Any) -> list[_Input]:
    if not isinstance(inputs, list):
        raise InferenceError(400, "invalid_input", "inputs must be a list.")
    return [_check_input(spec, index, one) for index, one in enumerate(inputs)]


def _check_input(spec: ModelSpec, index: int, one: Any) -> _Input:
    if not isinstance(one, dict):
        raise _invalid(index, "must be an object")
    if one.get("data_type") != spec.modality:
        sentence = f"Input {index} is of type {one.get('data_type')!r}, but model {spec.name} embeds {spec.modality}."
        raise InferenceError(400, "wrong_modality", sentence)
    options = one.get("options")
    if options is not None and not isinstance(options, dict):
        raise _invalid(index, "has options that are not an object")
    text = one.get("data")
    if not isinstance(text, str):
        raise _invalid(index, f"must be a text, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(index, "is not valid Unicode: it holds half of a surrogate pair") from None
    return _Input(text, options or {})


def _embeddings(
    spec: ModelSpec,
    results: Sequence[tuple[Any, int]],
    sizes: Sequence[int | None],
    kept: list[tuple[int, int] | None],
) -> Embeddings:
    return Embeddings(
        model=spec.name,
        vector_type=spec.vector_type,
        vectors=[_cut(vector, size) for (vector, _), size in zip(results, sizes, strict=True)],
        tokens=[tokens for _, tokens in results],
        kept=kept,
    )


def _matryoshka_size(spec: ModelSpec, index: int, options: dict[str, Any]) -> int | None:
    size = options.get("mrl")
    if size is None:
        return None
    if not spec.matryoshka:
        raise _invalid(index, f"asks for mrl, but the vectors of model {spec.name} cannot be cut short")
    assert spec.dimensions is not None
    if type(size) is not int or not 1 <= size <= spec.dimensions:
        raise _invalid(index, f"asks for mrl {size!r}; it must be between 1 and {spec.dimensions}")
    return size


def _cut(vector: Any, size: int | None) -> Any:
    """The first ``size`` numbers of a vector, brought back to length one."""
    if size is None:
        return vector
    head: NDArray[np.float32] = vector[:size]
    return head / max(float(np.linalg.norm(head)), 1e-12)


def _invalid(index: int, problem: str) -> InferenceError:
    return InferenceError(400, "invalid_input", f"Input {index} {problem}.")
