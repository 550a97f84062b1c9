"""Writes: each function checks a request against its collection and returns the steps that carry it out.

Nothing is applied here, so a request that is refused has changed nothing.
"""

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from clusters.node.engine.collection import Collection, Step
from clusters.node.engine.conversion import enum_member, point_id
from clusters.node.engine.filters import engine_filter
from clusters.node.engine.indexes import index_schema
from clusters.node.engine.registry import Collections
from clusters.node.engine.vectors import stored_vector
from clusters.node.errors import FormatError, ValidationFailed, WrongInput
from clusters.node.models import m

DEEPEST_PAYLOAD = 100  # the engine cannot read back what is nested deeper than 126
_Update = edge.UpdateOperation


def upsert_points(collections: Collections, name: str, body: m.PointsBatch | m.PointsList) -> list[Step]:
    """Insert or replace whole points."""
    collection = collections.get(name)
    points = _batch_points(collection, body.batch) if isinstance(body, m.PointsBatch) else _points(collection, body)
    condition = engine_filter(body.update_filter)
    mode = enum_member(body.update_mode) if body.update_mode else None
    return [
        Step(
            collection,
            _Update.upsert_points(points, condition, mode),
            depends_on_state=condition is not None or body.update_mode not in (None, m.UpdateMode.UPSERT),
        )
    ]


def delete_points(collections: Collections, name: str, body: m.PointIdsList | m.FilterSelector) -> list[Step]:
    """Delete points; unknown ids are no error."""
    return [_selected(collections.get(name), "delete_points", body, must_exist=False)]


def update_vectors(collections: Collections, name: str, body: m.UpdateVectors) -> list[Step]:
    """Replace named vectors of existing points."""
    collection = collections.get(name)
    if not body.points:
        raise ValidationFailed("points", "must not be empty")
    points = [
        edge.PointVectors(point_id(point.id), stored_vector(point.vector, collection.vectors)) for point in body.points
    ]
    condition = engine_filter(body.update_filter)
    return [
        Step(
            collection,
            _Update.update_vectors(points, condition),
            depends_on_state=condition is not None,
            required_points=() if condition else tuple(point_id(point.id) for point in body.points),
        )
    ]


def delete_vectors(collections: Collections, name: str, body: m.DeleteVectors) -> list[Step]:
    """Remove named vectors from points."""
    collection = collections.get(name)
    if not body.vector:
        raise ValidationFailed("vector", "must not be empty")
    for vector in body.vector:
        if vector not in collection.vectors:
            raise WrongInput(f"Not existing vector name error: {vector}")
    return [_selected(collection, "delete_vectors", body, list(body.vector))]


def set_payload(collections: Collections, name: str, body: m.SetPayload) -> list[Step]:
    """Merge keys into the payload, at ``key`` when one is given."""
    _check_payload(body.payload, body.key)
    return [_selected(collections.get(name), "set_payload", body, body.payload, body.key)]


def overwrite_payload(collections: Collections, name: str, body: m.SetPayload) -> list[Step]:
    """Replace the payload, or what lies at ``key``."""
    _check_payload(body.payload, body.key)
    return [_selected(collections.get(name), "overwrite_payload", body, body.payload, body.key)]


def delete_payload(collections: Collections, name: str, body: m.DeletePayload) -> list[Step]:
    """Remove keys from the payload."""
    return [_selected(collections.get(name), "delete_payload", body, list(body.keys))]


def clear_payload(collections: Collections, name: str, body: m.PointIdsList | m.FilterSelector) -> list[Step]:
    """Remove the whole payload."""
    return [_selected(collections.get(name), "clear_payload", body)]


def batch_update(collections: Collections, name: str, body: m.UpdateOperations) -> list[Step]:
    """Several updates, in order, checked before the first is applied."""
    steps = []
    for operation in body.operations:
        kind, content = next(iter(operation.__dict__.items()))
        steps += _BATCHABLE[kind](collections, name, content)
    return steps


def create_field_index(collections: Collections, name: str, body: m.CreateFieldIndex) -> list[Step]:
    """Index a payload field."""
    if body.field_schema is None:
        raise WrongInput("field_schema is required: this node does not guess a field's type")
    schema = index_schema(body.field_schema)
    return [Step(collections.get(name), _Update.create_field_index(body.field_name, schema))]


def delete_field_index(collections: Collections, name: str, _body: None, field_name: str) -> list[Step]:
    """Drop a payload field's index."""
    return [Step(collections.get(name), _Update.delete_field_index(field_name))]


_BATCHABLE: dict[str, Callable[..., list[Step]]] = {
    "upsert": upsert_points,
    "delete": delete_points,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
    "update_vectors": update_vectors,
    "delete_vectors": delete_vectors,
}


def _points(collection: Collection, body: m.PointsList) -> list[Any]:
    return [_point(collection, point.id, point.vector, point.payload) for point in body.points]


def _batch_points(collection: Collection, batch: m.Batch) -> list[Any]:
    count = len(batch.ids)
    payloads = batch.payloads if batch.payloads is not None else [None] * count
    columns = batch.vectors if isinstance(batch.vectors, dict) else {"vectors": batch.vectors}
    for what, values in {"payloads": payloads, **columns}.items():
        if len(values) != count:
            raise ValidationFailed("batch", f"number of ids and {what} must be equal ({count} != {len(values)})")
    points = []
    for position, identifier in enumerate(batch.ids):
        if isinstance(batch.vectors, dict):
            vector: Any = {name: column[position] for name, column in batch.vectors.items()}
        else:
            vector = batch.vectors[position]
        points.append(_point(collection, identifier, vector, payloads[position]))
    return points


def _point(collection: Collection, identifier: Any, vector: Any, payload: dict[str, Any] | None) -> Any:
    if payload:
        _check_payload(payload)
    return edge.Point(point_id(identifier), stored_vector(vector, collection.vectors), payload)


def _selected(collection: Collection, update: str, body: Any, *arguments: Any, must_exist: bool = True) -> Step:
    """A step over the points that a request names by ids or by a filter."""
    selection = getattr(body, "filter", None)
    if selection is not None:
        operation = getattr(_Update, f"{update}_by_filter")(engine_filter(selection), *arguments)
        return Step(collection, operation, depends_on_state=True)
    if getattr(body, "points", None) is None:
        raise ValidationFailed("points", "either list of point ids or `filter` must be provided")
    ids = [point_id(value) for value in body.points]
    operation = getattr(_Update, update)(ids, *arguments)
    return Step(collection, operation, required_points=tuple(ids) if must_exist else ())


def _check_payload(payload: dict[str, Any], key: str | None = None) -> None:
    limit = DEEPEST_PAYLOAD - (key.count(".") + key.count("[") + 1 if key else 0)
    level: list[Any] = [payload]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise FormatError(f"payload: recursion limit exceeded, at most {DEEPEST_PAYLOAD} levels")
