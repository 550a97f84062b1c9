"""What the engine answers, as the JSON of Qdrant's REST API.

Vectors and scores are 32-bit floats and are printed as such: they become NumPy values, which orjson writes with
the fewest digits that give the same 32-bit number.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import qdrant_edge as edge

from clusters.node.engine.groups import Group, GroupedPoints
from clusters.node.engine.matrices import Matrix
from clusters.node.engine.vectors import DEFAULT_VECTOR


def unchanged(value: Any) -> Any:
    """A result that is JSON already."""
    return value


@dataclass(frozen=True)
class Applied:
    """The ids of the operations a write consisted of, and whether its caller waited for them."""

    operation_ids: list[int]
    waited: bool


def updated(write: Applied) -> dict[str, Any]:
    """The result of a write of one operation."""
    return updated_each(write)[-1]


def updated_each(write: Applied) -> list[dict[str, Any]]:
    """The results of a write of several operations."""
    status = "completed" if write.waited else "acknowledged"
    return [{"operation_id": identifier, "status": status} for identifier in write.operation_ids]


def completed(operation_id: int) -> dict[str, Any]:
    """The result of a change that was made before it was answered."""
    return {"operation_id": operation_id, "status": "completed"}


def record(point: Any) -> dict[str, Any]:
    """A stored point: ``{"id", "payload"?, "vector"?, "order_value"?}``."""
    return _without_none(
        id=_id(point.id), payload=point.payload, vector=_vectors(point.vector), order_value=point.order_value
    )


def records(points: list[Any]) -> list[dict[str, Any]]:
    """Stored points."""
    return [record(point) for point in points]


def scroll(page: tuple[list[Any], Any]) -> dict[str, Any]:
    """A page of points; ``next_page_offset`` is there even when it is null."""
    points, next_offset = page
    return {"points": records(points), "next_page_offset": None if next_offset is None else _id(next_offset)}


def count(number: int) -> dict[str, int]:
    """A count."""
    return {"count": number}


def facet_hits(hits: list[Any]) -> dict[str, Any]:
    """The values of a facet with their counts."""
    return {"hits": [{"value": _id(hit.value), "count": hit.count} for hit in hits]}


def scored_points(points: list[tuple[Any, bool]]) -> dict[str, Any]:
    """The points of a query."""
    return {"points": points_found(points)}


def points_found(points: list[tuple[Any, bool]]) -> list[dict[str, Any]]:
    """The points of a legacy search."""
    return [_scored(point, point.payload, with_vector) for point, with_vector in points]


def point_lists(answers: list[list[tuple[Any, bool]]]) -> list[list[dict[str, Any]]]:
    """The points of several legacy searches."""
    return [points_found(points) for points in answers]


def scored_batches(answers: list[list[tuple[Any, bool]]]) -> list[dict[str, Any]]:
    """The points of several queries."""
    return [scored_points(points) for points in answers]


def groups(result: GroupedPoints) -> dict[str, Any]:
    """The groups of a grouped query."""
    return {"groups": [_group(group, result.with_vectors) for group in result.groups]}


def matrix_pairs(matrix: Matrix) -> dict[str, Any]:
    """A distance matrix as pairs of points."""
    rows = zip(matrix.ids, matrix.neighbours, strict=True)
    return {"pairs": [{"a": a, "b": _id(hit.id), "score": np.float32(hit.score)} for a, hits in rows for hit in hits]}


def matrix_offsets(matrix: Matrix) -> dict[str, Any]:
    """A distance matrix as rows and columns, which count the points of ``ids``."""
    position = {identifier: offset for offset, identifier in enumerate(matrix.ids)}
    cells = [(row, hit) for row, hits in enumerate(matrix.neighbours) for hit in hits]
    return {
        "offsets_row": [row for row, _ in cells],
        "offsets_col": [position[_id(hit.id)] for _, hit in cells],
        "scores": [np.float32(hit.score) for _, hit in cells],
        "ids": matrix.ids,
    }


def _group(group: Group, with_vectors: bool) -> dict[str, Any]:
    hits = [_scored(hit, group.payloads.get(_id(hit.id)), with_vectors) for hit in group.hits]
    found = {"lookup": record(group.lookup)} if group.lookup is not None else {}
    return {"id": group.value, "hits": hits, **found}


def _scored(point: Any, payload: Any, with_vector: bool) -> dict[str, Any]:
    # MMR reads vectors for itself and hands them over unasked.
    vector = _vectors(point.vector) if with_vector else None
    return {"id": _id(point.id), "version": point.version, "score": np.float32(point.score)} | _without_none(
        payload=payload, vector=vector, order_value=point.order_value
    )


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def _vectors(value: Any) -> Any:
    if isinstance(value, dict):
        if list(value) == [DEFAULT_VECTOR]:
            return _vectors(value[DEFAULT_VECTOR])
        return {name: _vectors(vector) for name, vector in value.items()}
    if isinstance(value, edge.SparseVector):
        return {"indices": list(value.indices), "values": np.array(value.values, dtype=np.float32)}
    return None if value is None else np.array(value, dtype=np.float32)
