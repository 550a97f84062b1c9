"""Values on their way through the engine: floats to the last bit, ids in all their forms."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.node import results
from clusters.node.engine.collection import Collection
from clusters.node.engine.conversion import LARGEST_POINT_ID, enum_member, point_id
from clusters.node.engine.groups import values_at
from clusters.node.engine.recommendation import average_vector
from clusters.node.errors import FormatError, ValidationFailed
from clusters.node.models import m
from clusters.node.operations import OPERATIONS
from clusters.node.routing import Router

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
# The engine reads back some 64-bit floats one bit off, as Qdrant does; eighths have few digits and are exact.
EIGHTHS = st.integers(-(10**6), 10**6).map(lambda number: number / 8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | EIGHTHS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder: Path = tmp_path_factory.mktemp("collection") / "shard"
    configuration = m.CreateCollection(vectors=m.VectorParams(size=4, distance=m.Distance.DOT))
    opened = Collection("c", folder, configuration, folder.with_name("snapshots"))
    opened.create()
    yield opened
    opened.close()


class _Only:
    """A registry of one collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def get(self, _name: str) -> Collection:
        return self._collection


def stored(collection: Collection, point: dict[str, Any]) -> Any:
    """A point after a way through parser, checks, engine and printer."""
    upsert = OPERATIONS["upsert_points"]
    (step,) = upsert.function(_Only(collection), "c", upsert.parse(orjson.dumps({"points": [point]})))
    collection.apply(step)
    (record,) = collection.read("retrieve", [point_id(point["id"])], True, True)
    return orjson.loads(orjson.dumps(results.record(record), option=orjson.OPT_SERIALIZE_NUMPY))


@settings(max_examples=100, deadline=None)
@given(vector=st.lists(FLOATS, min_size=4, max_size=4))
def test_a_vector_is_returned_to_the_last_bit(collection: Collection, vector: list[float]) -> None:
    returned = stored(collection, {"id": 1, "vector": vector})["vector"]
    assert np.array(returned, dtype=np.float32).tobytes() == np.array(vector, dtype=np.float32).tobytes()


@settings(max_examples=100, deadline=None)
@given(payload=st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_a_payload_is_returned_as_it_was_sent(collection: Collection, payload: dict[str, Any]) -> None:
    assert stored(collection, {"id": 1, "vector": [0, 0, 0, 0], "payload": payload})["payload"] == payload


@settings(max_examples=50, deadline=None)
@given(identifier=st.integers(0, LARGEST_POINT_ID) | st.uuids().map(str))
def test_an_id_is_returned_as_it_was_sent(collection: Collection, identifier: int | str) -> None:
    assert stored(collection, {"id": identifier, "vector": [0, 0, 0, 0]})["id"] == identifier


@given(name=st.uuids())
def test_every_spelling_of_a_uuid_is_the_same_id(name: uuid.UUID) -> None:
    assert {point_id(form) for form in (name, str(name), name.hex, str(name).upper(), name.urn)} == {str(name)}


@given(value=st.integers(max_value=-1) | st.integers(LARGEST_POINT_ID + 1) | st.text(max_size=20))
def test_what_is_no_id_is_a_format_error(value: int | str) -> None:
    with pytest.raises(FormatError, match="is not a valid point ID"):
        point_id(value)


@pytest.mark.parametrize("value", [3.5e38, -1e300])
def test_a_float_beyond_32_bits_is_refused(collection: Collection, value: float) -> None:
    with pytest.raises(ValidationFailed, match="finite 32-bit floats"):
        stored(collection, {"id": 1, "vector": [0, 0, 0, value]})


@pytest.mark.parametrize(
    "enum",
    [
        m.Distance,
        m.Datatype,
        m.ScalarType,
        m.CompressionRatio,
        m.BinaryQuantizationEncoding,
        m.BinaryQuantizationQueryEncoding,
        m.TurboQuantBitSize,
        m.UpdateMode,
        m.Direction,
        m.PayloadSchemaType,
        m.TokenizerType,
        m.Memory,
        m.Language,
        m.SnowballLanguage,
    ],
)
def test_every_choice_of_the_api_is_a_choice_of_the_engine(enum: Any) -> None:
    converted = [enum_member(member) for member in enum]
    assert len({str(member) for member in converted}) == len(list(enum))


def test_the_average_vector_moves_away_from_the_negatives() -> None:
    assert average_vector([[1.0, 0.0], [3.0, 0.0]], []) == [2.0, 0.0]
    assert average_vector([[1.0, 0.0]], [[0.0, 1.0]]) == [2.0, -1.0]
    assert average_vector([[[1.0, 2.0]]], [[[3.0, 4.0]]]) == [[1.0, 2.0], [-3.0, -4.0]]


@pytest.mark.parametrize(
    ("path", "values"),
    [("a", ["x"]), ("b.c", [1, 2]), ("b[].c", [1, 2]), ("d", [3, "y"]), ("e", []), ("missing.path", [])],
)
def test_group_values_are_found_along_a_payload_path(path: str, values: list[Any]) -> None:
    payload = {"a": "x", "b": [{"c": 1}, {"c": 2}, {"d": 3}], "d": [3, "y", True, None, 1.5], "e": {"f": 1}}
    assert values_at(payload, path) == values


def test_names_in_paths_are_decoded_once_and_literals_win() -> None:
    router = Router()
    found = router.match("GET", b"/collections/a%2Fb%252F/points/%31")
    assert (found.operation.name, found.collection, found.parameters) == ("get_point", "a/b%2F", {"id": "1"})
    assert router.match("POST", b"/collections/c/points/query").operation.name == "query_points"
