"""Filters: which points a request is about."""

from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge

from clusters.node.engine.conversion import point_id, register, to_engine
from clusters.node.errors import ValidationFailed
from clusters.node.models import m

_FIELD_CONDITIONS = (
    "match",
    "range",
    "geo_bounding_box",
    "geo_radius",
    "geo_polygon",
    "values_count",
    "is_empty",
    "is_null",
)


def engine_filter(model: m.Filter | None) -> Any:
    """The engine's filter, or None for none."""
    return None if model is None else to_engine(model)


def excluding(condition: Any, ids: set[int | str | UUID]) -> Any:
    """A filter that also leaves these points out; ``condition`` is an engine filter or None."""
    if not ids:
        return condition
    others = edge.Filter(must_not=[edge.HasIdCondition(ids)])
    return others if condition is None else edge.Filter(must=[condition, others])


@register(m.Filter)
def _filter(model: m.Filter) -> Any:
    # A clause without conditions asks for nothing; inside of nested objects the engine takes it for one that fails.
    clauses = {name: value for name, value in model.__dict__.items() if value is not None and value != []}
    for name, value in clauses.items():
        if name != "min_should":
            clauses[name] = [to_engine(item) for item in (value if isinstance(value, list) else [value])]
        else:
            clauses[name] = to_engine(value)
    return edge.Filter(**clauses)


@register(m.FieldCondition)
def _field_condition(model: m.FieldCondition) -> Any:
    chosen = {name: to_engine(getattr(model, name)) for name in _FIELD_CONDITIONS if getattr(model, name) is not None}
    if not chosen:
        raise ValidationFailed("filter", "at least one field condition must be specified")
    return edge.FieldCondition(model.key, **chosen)


@register(m.IsEmptyCondition)
def _is_empty(model: m.IsEmptyCondition) -> Any:
    return edge.IsEmptyCondition(model.is_empty.key)


@register(m.IsNullCondition)
def _is_null(model: m.IsNullCondition) -> Any:
    return edge.IsNullCondition(model.is_null.key)


@register(m.HasIdCondition)
def _has_id(model: m.HasIdCondition) -> Any:
    return edge.HasIdCondition({point_id(value) for value in model.has_id})


@register(m.HasVectorCondition)
def _has_vector(model: m.HasVectorCondition) -> Any:
    return edge.HasVectorCondition(model.has_vector)


@register(m.SliceCondition)
def _slice(model: m.SliceCondition) -> Any:
    return edge.SliceCondition(model.slice.total, model.slice.index)  # type: ignore[attr-defined]  # not in its stubs


@register(m.NestedCondition)
def _nested(model: m.NestedCondition) -> Any:
    return edge.NestedCondition(model.nested.key, to_engine(model.nested.filter))


@register(m.MatchValue)
def _match_value(model: m.MatchValue) -> Any:
    # The binding takes Python's True for the number 1, and NumPy's for what it is.
    value: Any = np.bool_(model.value) if isinstance(model.value, bool) else model.value
    return edge.MatchValue(value)


@register(m.MatchAny)
def _match_any(model: m.MatchAny) -> Any:
    values: Any = list(model.any)
    return edge.MatchAny(values)


@register(m.MatchExcept)
def _match_except(model: m.MatchExcept) -> Any:
    values: Any = list(model.except_)
    return edge.MatchExcept(values)


@register(m.GeoPolygon)
def _geo_polygon(model: m.GeoPolygon) -> Any:
    rings = [[to_engine(point) for point in ring.points] for ring in model.interiors or []]
    return edge.GeoPolygon([to_engine(point) for point in model.exterior.points], rings or None)
