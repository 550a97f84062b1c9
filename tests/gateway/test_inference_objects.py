"""Where an inference object may stand in a request, and where something only looks like one."""

import copy
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.inference_objects import (
    LONGEST_TEXT,
    batch_update_slots,
    query_batch_slots,
    query_slots,
    update_vectors_slots,
    upsert_slots,
)

PLAIN = [0.25, -1.0]


def document(text: str = "hello", model: str = "a/model", **options: Any) -> dict[str, Any]:
    return {"text": text, "model": model} | ({"options": options} if options else {})


def found(slots: Any) -> list[tuple[str, str]]:
    """What was found: the vector's name and the text."""
    return sorted((slot.vector_name, slot.object.data) for slot in slots)


def test_right_under_vector_every_key_is_a_vector_name():
    vector = {name: document(name) for name in ("payload", "model", "text", "filter", "vector", "options", "object")}
    assert found(upsert_slots({"points": [{"id": 1, "vector": vector}]})) == sorted((n, n) for n in vector)
    vectors = {name: [document(name)] for name in vector}
    assert found(upsert_slots({"batch": {"ids": [1], "vectors": vectors}})) == sorted((n, n) for n in vector)


def test_nothing_in_payloads_and_filters_is_ever_an_inference_object():
    decoy = {"vector": document(), "query": document(), "points": [{"vector": document()}], "nearest": document()}
    filter_ = {"must": [{"key": "a", "match": document()}], "vector": document()}
    assert not found(upsert_slots({"points": [{"id": 1, "vector": PLAIN, "payload": decoy}], "update_filter": filter_}))
    assert not found(upsert_slots({"batch": {"ids": [1], "vectors": [PLAIN], "payloads": [decoy]}}))
    assert not found(update_vectors_slots({"points": [{"id": 1, "vector": PLAIN}], "update_filter": filter_}))
    operations = [{"set_payload": {"payload": decoy}}, {"delete": {"filter": filter_}}, {"overwrite_payload": decoy}]
    assert not found(batch_update_slots({"operations": operations}))
    plain = {"query": PLAIN, "filter": filter_, "prefetch": {"query": PLAIN, "filter": decoy}, "params": decoy}
    assert not found(query_slots(plain | {"with_payload": decoy, "lookup_from": decoy}))


def test_a_vector_can_be_unnamed_or_named_in_every_form_of_upsert():
    points = [{"id": 1, "vector": document("one")}, {"id": 2, "vector": {"a": document("two"), "b": PLAIN}}]
    assert found(upsert_slots({"points": points})) == [("", "one"), ("a", "two")]
    batch = {"ids": [1, 2], "vectors": {"a": [document("one"), PLAIN], "b": [PLAIN, document("two")]}}
    assert found(upsert_slots({"batch": batch})) == [("a", "one"), ("b", "two")]


def test_batched_operations_carry_upserts_and_vector_updates():
    operations = [
        {"upsert": {"points": [{"id": 1, "vector": document("one")}]}},
        {"upsert": {"batch": {"ids": [1], "vectors": {"a": [document("two")]}}}},
        {"update_vectors": {"points": [{"id": 1, "vector": {"b": document("three")}}]}},
    ]
    assert found(batch_update_slots({"operations": operations})) == [("", "one"), ("a", "two"), ("b", "three")]


@pytest.mark.parametrize(
    "query",
    [
        document("x"),
        {"nearest": document("x")},
        {"nearest": document("x"), "mmr": {"diversity": 0.5}},
        {"recommend": {"positive": [1, document("x")], "negative": [PLAIN]}},
        {"recommend": {"negative": [document("x")]}},
        {"discover": {"target": document("x"), "context": None}},
        {"discover": {"target": 1, "context": {"positive": document("x"), "negative": 2}}},
        {"discover": {"target": 1, "context": [{"positive": 1, "negative": document("x")}]}},
        {"context": {"positive": document("x"), "negative": 2}},
        {"context": [{"positive": 1, "negative": document("x")}]},
        {"relevance_feedback": {"target": document("x"), "feedback": [], "strategy": {}}},
        {"relevance_feedback": {"target": 1, "feedback": [{"example": document("x"), "score": 1.0}]}},
    ],
)
def test_every_kind_of_query_takes_inference_objects(query):
    assert found(query_slots({"query": query, "using": "dense"})) == [("dense", "x")]
    assert found(query_slots({"prefetch": {"prefetch": [{"query": query}]}})) == [("", "x")]
    assert found(query_batch_slots({"searches": [{"query": 1}, {"query": query, "using": "a"}]})) == [("a", "x")]


def test_a_prefetch_may_be_nested_deeper_than_python_may_call():
    request: dict[str, Any] = {"query": document("bottom"), "using": "a"}
    for _ in range(5_000):
        request = {"prefetch": request}
    assert found(query_slots(request)) == [("a", "bottom")]


def test_a_sparse_vector_is_one_whatever_else_it_carries():
    sparse = {"indices": [1], "values": [0.5], "text": "x", "model": "m"}
    assert not found(upsert_slots({"points": [{"id": 1, "vector": {"a": sparse}}]}))


def test_images_and_objects_are_found_with_their_options():
    image = {"image": "https://example.com/cat.jpg", "model": "m", "options": {"mrl": 64}}
    anything = {"object": {"a": [1]}, "model": "m", "options": None}
    slots = list(upsert_slots({"points": [{"id": 1, "vector": {"a": image, "b": anything}}]}))
    assert [(s.object.data_type, s.object.data, s.object.options) for s in slots] == [
        ("image", "https://example.com/cat.jpg", {"mrl": 64}),
        ("object", {"a": [1]}, None),
    ]


@pytest.mark.parametrize(
    ("slots", "body", "sentence"),
    [
        (
            upsert_slots,
            {"batch": {"vectors": [document()]}},
            "Direct Document processing is not supported in top-level",
        ),
        (
            upsert_slots,
            {"batch": {"vectors": [{"image": "u", "model": "m"}]}},
            "Direct Image processing is not supported in top-level batch vectors. Use named vectors.",
        ),
        (
            update_vectors_slots,
            {"points": [{"id": 1, "vector": document()}]},
            "Direct Document processing not supported for PointVectors. Use named vectors.",
        ),
        (query_slots, {"query": {"model": "m"}}, "query: one of the fields text, image and object is missing"),
        (query_slots, {"query": {"model": "m", "text": 5}}, "query: text must be a string"),
        (query_slots, {"query": {"nearest": document() | {"options": 1}}}, "query.nearest.options must be an object"),
        (
            upsert_slots,
            {"points": [{}, {"vector": {"a": {"model": "m", "text": "x" * (LONGEST_TEXT + 1)}}}]},
            "points[1].vector.a.text has 1000001 characters",
        ),
    ],
)
def test_what_a_real_server_refuses_is_refused(slots, body, sentence):
    with pytest.raises(Refused) as refusal:
        list(slots(body))
    assert refusal.value.status == 400
    assert sentence in refusal.value.sentence


KEYS = [
    "text",
    "model",
    "image",
    "object",
    "options",
    "vector",
    "vectors",
    "points",
    "batch",
    "query",
    "prefetch",
    "nearest",
    "positive",
    "context",
    "target",
    "payload",
    "filter",
    "upsert",
    "operations",
    "searches",
    "using",
    "recommend",
    "discover",
    "relevance_feedback",
    "feedback",
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.just("decoy"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
        | st.just(document("decoy"))
    ),
    max_leaves=12,
)


@given(body=JSON_VALUES)
def test_no_json_at_all_brings_the_walk_down(body):
    for slots in (upsert_slots, update_vectors_slots, batch_update_slots, query_slots, query_batch_slots):
        with suppress(Refused):
            list(slots(body))


@st.composite
def upserts(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    """An upsert full of decoys, and the texts of the inference objects that really are in it."""
    texts = count()
    placed: set[str] = set()

    def vector() -> Any:
        if draw(st.booleans()):
            return PLAIN
        placed.add(text := f"text {next(texts)}")
        return document(text)

    names = st.sampled_from(["payload", "model", "text", "vectors", "dense", ""])
    points = [
        {
            "id": number,
            "vector": vector() if draw(st.booleans()) else {name: vector() for name in draw(st.sets(names))},
            "payload": draw(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3)),
        }
        for number in range(draw(st.integers(0, 4)))
    ]
    return {"points": points, "update_filter": draw(JSON_VALUES)}, placed


@given(upserts())
def test_exactly_the_vectors_are_replaced_and_everything_else_stays(generated):
    body, placed = generated
    before = copy.deepcopy(body)
    slots = list(upsert_slots(body))
    assert {slot.object.data for slot in slots} == placed
    for slot in slots:
        slot.put(["vector of", slot.object.data])
    assert body["update_filter"] == before["update_filter"]
    for point, old in zip(body["points"], before["points"], strict=True):
        assert (point["id"], point["payload"]) == (old["id"], old["payload"])
        assert point["vector"] == _replaced(old["vector"])


def _replaced(vector: Any) -> Any:
    if isinstance(vector, dict) and isinstance(vector.get("model"), str):
        return ["vector of", vector["text"]]
    if isinstance(vector, dict):
        return {name: _replaced(value) for name, value in vector.items()}
    return vector
