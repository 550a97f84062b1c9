"""Upserts of points with dense vectors, read without making a Python number of every component.

Most of what a node reads is such vectors, and reading them the general way (JSON to lists, lists through pydantic)
costs more than storing them. What is here takes exactly what the general way would take; of anything else, however
slightly different or wrong, it makes nothing, and the general way reads it and says what is wrong.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import simdjson

from clusters.node.models import m

_FIELDS = {"id", "vector", "payload"}
_LARGEST_KEPT = 2 * 1024 * 1024  # bytes of JSON; a parser keeps many times that
_parser = simdjson.Parser()  # used again: fresh memory costs more than parsing
Vectors = np.ndarray | dict[str, np.ndarray]


class PlainPoint(NamedTuple):
    """What ``m.PointStruct`` holds, which costs ten times as much to make."""

    id: int | str
    vector: Vectors
    payload: dict[str, Any] | None


def points_in_json(raw: bytes) -> m.PointsList | None:
    """The points of ``{"points": [{"id", "vector", "payload"?}, …]}``; their vectors are finite 32-bit floats."""
    if _may_nest(raw):
        return None
    try:
        document = (_parser if len(raw) <= _LARGEST_KEPT else simdjson.Parser()).parse(raw)
        if not isinstance(document, simdjson.Object) or list(document.keys()) != ["points"]:
            return None
        given: Any = document["points"]
        return points_of(_json_point(point) for point in given)
    except (_Otherwise, KeyError, TypeError, ValueError, RuntimeError):
        return None


def points_of(points: Iterable[tuple[Any, Vectors, dict[str, Any] | None]]) -> m.PointsList | None:
    """Points of ids, vectors of numbers of any kind, and payloads; None when a number is no finite 32-bit float."""
    given = list(points)
    rows = [row for _, vectors, _ in given for row in (vectors.values() if isinstance(vectors, dict) else [vectors])]
    if not rows:
        return None
    with np.errstate(over="ignore"):
        numbers = np.concatenate(rows, dtype=np.float32, casting="same_kind")
    if not np.isfinite(numbers).all():
        return None
    ends = np.cumsum([len(row) for row in rows]).tolist()
    checked = (numbers[end - len(row) : end] for row, end in zip(rows, ends, strict=True))
    plain = [
        PlainPoint(
            identifier,
            {name: next(checked) for name in vectors} if isinstance(vectors, dict) else next(checked),
            payload,
        )
        for identifier, vectors, payload in given
    ]
    return m.PointsList.model_construct(points=plain)


class _Otherwise(Exception):
    """The request has another shape than is read here."""


def _json_point(point: Any) -> tuple[Any, Vectors, dict[str, Any] | None]:
    if not isinstance(point, simdjson.Object):
        raise _Otherwise
    names = list(point.keys())
    fields: dict[str, Any] = {name: point[name] for name in names}
    payload = fields.get("payload")
    if len(names) != len(fields) or not fields.keys() <= _FIELDS or type(fields["id"]) not in (int, str):
        raise _Otherwise
    if payload is not None:
        if not isinstance(payload, simdjson.Object):
            raise _Otherwise
        payload = payload.as_dict()
    return fields["id"], _json_vectors(fields["vector"]), payload


def _json_vectors(given: Any) -> Vectors:
    if not isinstance(given, simdjson.Object):
        return _json_row(given)
    names = list(given.keys())
    vectors = {name: _json_row(given[name]) for name in names}
    if len(names) != len(vectors):
        raise _Otherwise
    return vectors


def _json_row(given: Any) -> np.ndarray:
    if not isinstance(given, simdjson.Array):
        raise _Otherwise
    row = np.frombuffer(given.as_buffer(of_type="d"), dtype=np.float64)
    if not len(row) or len(row) != len(given):  # nested arrays come flattened
        raise _Otherwise
    return row


def _may_nest(raw: bytes) -> bool:
    """Whether there is an array of fewer than two items: of those alone the flattened form tells no nesting."""
    start = raw.find(b"[", raw.find(b"[") + 1)
    while start >= 0:
        end, comma = raw.find(b"]", start), raw.find(b",", start)
        if not 0 <= comma < end:
            return True
        start = raw.find(b"[", start + 1)
    return False
