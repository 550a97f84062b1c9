"""What the quick ways read of an upsert is what the general way reads of it, or nothing."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import grpc as q
from qdrant_client.conversions.conversion import payload_to_grpc

from clusters.node.errors import NodeError
from clusters.node.grpc import requests
from clusters.node.grpc.points import plain_upsert
from clusters.node.operations import OPERATIONS
from clusters.node.points import points_in_json
from clusters.node.shapes import parse_body

UPSERT = OPERATIONS["upsert_points"]
NUMBERS = st.one_of(st.integers(-(2**64), 2**65), st.floats(allow_nan=False, allow_infinity=False), st.just(0.5))
VECTORS = st.one_of(st.lists(NUMBERS, max_size=3), st.lists(st.lists(NUMBERS, max_size=2), max_size=3))
ODDITIES = st.sampled_from([None, True, "a[b,c]", {}, {"indices": [1], "values": [0.5]}, [1, [2]], [[1], 2], ["1"]])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), NUMBERS, st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
POINTS = st.fixed_dictionaries(
    {
        "id": st.one_of(st.integers(-1, 2**64), st.uuids().map(str), st.booleans(), st.text(max_size=3)),
        "vector": st.one_of(VECTORS, st.dictionaries(st.text(max_size=2), VECTORS | ODDITIES, max_size=2), ODDITIES),
    },
    optional={"payload": st.one_of(st.none(), st.dictionaries(st.text(max_size=3), VALUES, max_size=2), ODDITIES)},
)
BODIES = st.fixed_dictionaries(
    {"points": st.lists(POINTS, max_size=3)}, optional={"shard_key": st.just("a"), "other": VALUES}
)


def general(raw: bytes) -> Any:
    return parse_body(UPSERT._validator, raw)


def plain(points: Any) -> list[Any]:
    """Ids, vectors as 32-bit floats, payloads."""
    return [(point.id, _floats(point.vector), point.payload) for point in points]


def _floats(vector: Any) -> Any:
    if isinstance(vector, dict):
        return {name: _floats(one) for name, one in vector.items()}
    return np.asarray(vector, dtype=np.float32).tolist()


@settings(deadline=None)
@given(BODIES)
def test_json_is_read_alike(body: dict[str, Any]) -> None:
    raw = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS) if _fits(body) else str(body).encode()
    quick = points_in_json(raw)
    if quick is not None:
        assert plain(quick.points) == plain(general(raw).points)


def _fits(value: Any) -> bool:
    """Whether orjson can write it: integers of 64 bits at most."""
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**64


@pytest.mark.parametrize(
    "raw",
    [
        b'{"points":[{"id":1,"vector":[1,[2]]}]}',
        b'{"points":[{"id":1,"vector":[[1],[2]]}]}',
        b'{"points":[{"id":1,"vector":[1e39,1]}]}',
        b'{"points":[{"id":1,"vector":[1,null]}]}',
        b'{"points":[{"id":1,"vector":[1,2]}],"update_filter":{}}',
        b'{"points":[{"id":1,"id":2,"vector":[1,2]}]}',
        b'{"points":[{"id":true,"vector":[1,2]}]}',
        b'{"points":[{"id":1,"vector":{"a":[1,2],"b":{"indices":[1,2],"values":[1,2]}}}]}',
        b'{"batch":{"ids":[1,2],"vectors":[[1,2],[3,4]]}}',
        b'{"points":[{"id":1,"vector":[1,2]}]',
    ],
)
def test_what_is_not_plain_is_left_to_the_general_way(raw: bytes) -> None:
    assert points_in_json(raw) is None


def test_plain_points_are_read_quickly() -> None:
    raw = b'{"points":[{"id":1,"vector":[1,2.5],"payload":{"a":["b","c"]}},{"id":"x","vector":{"v":[0,1e-50]}}]}'
    quick = points_in_json(raw)
    assert quick is not None
    assert plain(quick.points) == [(1, [1, 2.5], {"a": ["b", "c"]}), ("x", {"v": [0, 0]}, None)]


MESSAGES = st.builds(
    lambda vectors, payload, named: q.UpsertPoints(
        points=[
            q.PointStruct(id=q.PointId(num=number), vectors=_message(vector, named), payload=payload_to_grpc(payload))
            for number, vector in enumerate(vectors)
        ]
    ),
    st.lists(st.lists(st.floats(width=32), min_size=1, max_size=40), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(-5, 5) | st.lists(st.booleans(), max_size=2), max_size=2),
    st.booleans(),
)


def _message(vector: list[float], named: bool) -> Any:
    dense = q.Vector(dense=q.DenseVector(data=vector))
    return q.Vectors(vectors=q.NamedVectors(vectors={"a": dense})) if named else q.Vectors(vector=dense)


@settings(deadline=None)
@given(MESSAGES)
def test_messages_are_read_alike(message: Any) -> None:
    quick = plain_upsert(message)
    numbers = [number for point in message.points for number in _components(point.vectors)]
    if not message.points or not all(map(math.isfinite, numbers)):
        assert quick is None
    else:
        assert quick is not None
        assert plain(quick.points) == plain(general(requests.request_json(requests.upsert, message)).points)


def _components(vectors: Any) -> list[float]:
    named = [vector.dense.data for vector in vectors.vectors.vectors.values()]
    return [number for row in (named or [vectors.vector.dense.data]) for number in row]


@pytest.mark.parametrize(
    "message",
    [
        q.UpsertPoints(points=[q.PointStruct(vectors=_message([1.0], False))]),
        q.UpsertPoints(points=[q.PointStruct(id=q.PointId(num=1))]),
        q.UpsertPoints(points=[q.PointStruct(id=q.PointId(num=1), vectors=q.Vectors(vector=q.Vector(data=[1.0])))]),
        q.UpsertPoints(
            points=[q.PointStruct(id=q.PointId(num=1), vectors=_message([1.0], False))], update_filter=q.Filter()
        ),
    ],
)
def test_other_messages_are_left_to_the_general_way(message: Any) -> None:
    assert plain_upsert(message) is None


def test_a_refusal_is_worded_by_the_general_way() -> None:
    with pytest.raises(NodeError, match="missing field `id`"):
        UPSERT.parse(b'{"points":[{"vector":[1,2]}]}')
