"""Models share a bounded memory: the one used longest ago makes room, and one in use stays."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from inference.catalogue import CATALOGUE
from inference.worker.embedding import Embedder
from inference.worker.protocol import InferenceError
from inference.worker.weight_files import size_in_memory
from tests.inference.conftest import text_inputs
from tests.inference.embedders import offline_store, running_embedder

E5, MXBAI, SPLADE = (
    CATALOGUE[name]
    for name in ("intfloat/multilingual-e5-small", "mixedbread-ai/mxbai-embed-large-v1", "prithivida/splade_pp_en_v1")
)
MODELS = [E5, MXBAI, SPLADE]


def size(spec: Any, root: Path) -> int:
    return size_in_memory(spec, root / spec.name)


async def loaded(embedder: Embedder) -> set[str]:
    return {model["name"] for model in await embedder.registry.describe() if model["state"] == "ready"}


def value(registry: CollectorRegistry, name: str) -> float:
    return registry.get_sample_value(name) or 0


def test_the_model_used_longest_ago_makes_room(tiny_models_dir: Path) -> None:
    async def story() -> None:
        limit = sum(size(spec, tiny_models_dir) for spec in MODELS) - 1
        async with running_embedder(offline_store(tiny_models_dir), MODELS, memory=limit) as embedder:
            for spec in (MXBAI, E5, MXBAI, SPLADE):
                await embedder.embed(spec.name, "search", text_inputs("a"))
            assert await loaded(embedder) == {MXBAI.name, SPLADE.name}
            again = await embedder.embed(E5.name, "search", text_inputs("abc"))
            assert len(again.vectors[0]) == 384
            assert await loaded(embedder) == {SPLADE.name, E5.name}
            assert value(embedder.metrics.registry, "inference_unloaded_models_total") == 2
            assert value(embedder.metrics.registry, "inference_loaded_models") == 2
            assert value(embedder.metrics.registry, "inference_loaded_bytes") <= limit

    asyncio.run(story())


def test_a_model_in_use_stays_and_who_needs_its_room_waits(tiny_models_dir: Path) -> None:
    async def story() -> None:
        limit = max(size(spec, tiny_models_dir) for spec in MODELS)
        async with running_embedder(offline_store(tiny_models_dir), MODELS, memory=limit) as embedder:
            async with embedder.registry.using(E5):
                other = asyncio.ensure_future(embedder.embed(MXBAI.name, "search", text_inputs("a")))
                await asyncio.sleep(0.3)
                assert not other.done()
                assert await loaded(embedder) == {E5.name}
                assert (await embedder.embed(E5.name, "search", text_inputs("a"))).model == E5.name
            assert (await other).model == MXBAI.name
            assert await loaded(embedder) == {MXBAI.name}

    asyncio.run(story())


def test_many_requests_for_more_models_than_fit_are_all_answered(tiny_models_dir: Path) -> None:
    async def story() -> None:
        limit = max(size(spec, tiny_models_dir) for spec in MODELS)
        async with running_embedder(offline_store(tiny_models_dir), MODELS, memory=limit) as embedder:
            wanted = [MODELS[number % 3].name for number in range(30)]
            answers = await asyncio.gather(*(embedder.embed(name, "update", text_inputs("a")) for name in wanted))
            assert [answer.model for answer in answers] == wanted

    asyncio.run(story())


def test_a_model_that_can_never_fit_is_refused_with_the_numbers(tiny_models_dir: Path) -> None:
    async def story() -> None:
        async with running_embedder(offline_store(tiny_models_dir), MODELS, memory=1000) as embedder:
            with pytest.raises(InferenceError, match=r"take 1 MB, and INFERENCE_MEMORY_MB allows 1") as refused:
                await embedder.embed(MXBAI.name, "search", text_inputs("a"))
            assert (refused.value.status, refused.value.code) == (503, "model_unavailable")

    asyncio.run(story())
