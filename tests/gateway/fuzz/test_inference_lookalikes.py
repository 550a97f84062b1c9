"""Bodies that look like inference objects and are not quite, in every place where one may stand."""

from typing import Any

import grpc
import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import grpc as q

from tests.gateway.conftest import Door
from tests.gateway.fuzz.conftest import FUZZING, WRONG
from tests.gateway.grpc_door import MINILM

pytestmark = pytest.mark.django_db

WORDS = st.sampled_from(
    ["a cat", "", "\x00", "\ud7ff", "x" * 3000, MINILM, "data:image/png;base64,AAAA", "file:///etc"]
)
MODELS = st.sampled_from([MINILM, "bm25", "qdrant/clip-vit-b-32-vision", "openai/x", "nonsense", "", 7, None])
KEYS = st.sampled_from(
    [
        *("text", "image", "object", "model", "options", "mrl", "vector", "vectors", "points", "batch", "ids", "id"),
        *("payload", "query", "nearest", "recommend", "positive", "negative", "discover", "target", "context"),
        *("prefetch", "fusion", "filter", "using", "limit", "lookup_from", "mmr", "relevance_feedback", "feedback"),
        *("example", "searches", "operations", "upsert", "update_vectors", "two", "words", "indices", "values"),
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 2**65), st.floats(allow_nan=False), WORDS, MODELS)
OBJECTS = st.fixed_dictionaries(
    {"model": MODELS},
    optional={
        "text": WORDS,
        "image": WORDS,
        "object": SCALARS,
        "options": st.none() | st.dictionaries(st.sampled_from(["mrl", "k", "b", "openai-api-key"]), SCALARS),
    },
)
ANYTHING = st.recursive(
    SCALARS | OBJECTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
VECTORS = (
    OBJECTS | ANYTHING | st.dictionaries(st.sampled_from(["", "two", "words", "model", "text"]), OBJECTS | ANYTHING)
)
POINTS = st.lists(
    st.fixed_dictionaries({"id": st.just(1) | SCALARS, "vector": VECTORS}, optional={"payload": ANYTHING})
)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "query": VECTORS | st.dictionaries(KEYS, VECTORS, max_size=2),
        "prefetch": ANYTHING | st.lists(st.fixed_dictionaries({"query": VECTORS}), max_size=2),
        "using": SCALARS,
        "limit": st.integers(0, 5),
        "filter": ANYTHING,
    },
)
UPDATES = st.one_of(
    st.fixed_dictionaries({"points": POINTS}),
    st.fixed_dictionaries({"batch": st.fixed_dictionaries({"ids": st.just([1]), "vectors": VECTORS})}),
    ANYTHING,
)
BODIES = {
    ("PUT", "points"): UPDATES,
    ("PUT", "points/vectors"): UPDATES,
    ("POST", "points/batch"): st.fixed_dictionaries(
        {"operations": st.lists(st.dictionaries(st.sampled_from(["upsert", "update_vectors"]), UPDATES, max_size=2))}
    ),
    ("POST", "points/query"): QUERIES,
    ("POST", "points/query/groups"): QUERIES,
    ("POST", "points/query/batch"): st.fixed_dictionaries({"searches": st.lists(QUERIES, max_size=3)}),
}


@pytest.mark.parametrize("route", BODIES)
@FUZZING
@given(data=st.data())
def test_nothing_that_looks_like_an_inference_object_is_a_fault(fuzzed: Door, route: tuple[str, str], data: Any):
    body = data.draw(BODIES[route])
    try:
        content = orjson.dumps(body)
    except TypeError:
        content = repr(body).encode("utf-8", "replace")
    answer = send(fuzzed, *route, content)
    assert answer.status_code not in WRONG, answer.text


@pytest.mark.parametrize("route", BODIES)
@FUZZING
@given(st.binary(max_size=300), st.integers(0, 40), st.binary(max_size=3))
def test_no_mangled_json_is_a_fault(fuzzed: Door, route: tuple[str, str], noise: bytes, place: int, change: bytes):
    good = orjson.dumps({"points": [{"id": 1, "vector": {"text": "a cat", "model": MINILM}}], "query": {"text": "a"}})
    for content in (noise, good[:place] + change + good[place + len(change) :], good[:place], good + noise):
        assert send(fuzzed, *route, content).status_code not in WRONG


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
def test_no_depth_is_a_fault(fuzzed: Door, depth: int):
    for open_, close in ((b"[", b"]"), (b'{"prefetch":', b"}"), (b'{"query":{"nearest":', b"}}")):
        content = open_ * depth + b'{"text":"a","model":"m"}' + close * depth
        for method, path in BODIES:
            assert send(fuzzed, method, path, content).status_code not in WRONG


def send(door: Door, method: str, path: str, content: bytes) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return door.http.request(method, f"/collections/fuzz/{path}", content=content, headers=headers)


VALUES = st.one_of(
    WORDS.map(lambda text: q.Value(string_value=text)),
    st.integers(-5, 5).map(lambda number: q.Value(integer_value=number)),
    st.just(q.Value()),
    st.just(q.Value(list_value=q.ListValue(values=[q.Value(double_value=float("nan"))]))),
)
NAMES = st.sampled_from([MINILM, "bm25", "nonsense", ""])
REMOTE_OBJECTS = st.one_of(
    st.builds(lambda text, model: {"document": q.Document(text=text, model=model)}, WORDS, NAMES),
    st.builds(lambda image, model: {"image": q.Image(image=image, model=model)}, VALUES, NAMES),
    st.builds(lambda thing, model: {"object": q.InferenceObject(object=thing, model=model)}, VALUES, NAMES),
)


@FUZZING
@given(REMOTE_OBJECTS, st.sampled_from(["", "two", "words", "none"]))
def test_nothing_of_the_kind_is_a_fault_over_grpc(fuzzed: Door, channel: grpc.Channel, one: dict[str, Any], name: str):
    vectors = q.Vectors(vectors=q.NamedVectors(vectors={name: q.Vector(**one)}))
    points = [q.PointStruct(id=q.PointId(num=1), vectors=vectors)]
    query = q.Query(nearest=q.VectorInput(**one))
    for method, message in (
        ("Upsert", q.UpsertPoints(collection_name="fuzz", points=points)),
        ("Query", q.QueryPoints(collection_name="fuzz", query=query, using=name)),
    ):
        call = getattr(q.PointsStub(channel), method).future(message, metadata=[("api-key", fuzzed.secret)], timeout=30)
        assert call.code() not in FAULTS, call.details()


FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED}
