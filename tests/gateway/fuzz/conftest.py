"""A cluster to throw things at, and how much of it: FUZZ_EXAMPLES for each test, a handful in the ordinary suite."""

import os
from collections.abc import Callable, Iterator

import psutil
import pytest
from hypothesis import HealthCheck, settings

from tests.gateway.conftest import Door
from tests.gateway.grpc_door import MINILM

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
MOST_MEMORY = 300 * 1024 * 1024  # that all the fuzzing of a module may cost the gateway for good
FUZZING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
WRONG = {500, 502, 504}
SIZES = {"": {"size": 384, "distance": "Cosine"}, "two": {"size": 2, "distance": "Dot"}}


@pytest.fixture(scope="package")
def fuzzed(open_door: Callable[..., Door]) -> Door:
    door = open_door("fuzzed")
    door.collection("fuzz", vectors=SIZES, sparse_vectors={"words": {"modifier": "idf"}})
    points = [{"id": id, "vector": {"two": [id, 1]}, "payload": {"text": "a", "model": MINILM}} for id in (1, 2)]
    door.upsert("fuzz", *points).raise_for_status()
    return door


@pytest.fixture(scope="module", autouse=True)
def _unharmed(fuzzed: Door) -> Iterator[None]:
    """After a module has thrown everything: the gateway answers, the collection too, and memory is bounded."""
    before = psutil.Process().memory_info().rss
    yield
    assert fuzzed.http.get("/collections/fuzz").json()["result"]["status"] in ("green", "yellow", "grey")
    point = {"id": 77, "vector": {"two": [1, 1]}}
    assert fuzzed.upsert("fuzz", point).status_code == 200
    assert fuzzed.http.get("/collections/fuzz/points/77").status_code == 200
    assert psutil.Process().memory_info().rss - before < MOST_MEMORY
