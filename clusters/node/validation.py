"""Ranges of numbers in requests, checked before anything else happens: the minima and maxima of Qdrant's OpenAPI."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from clusters.node import legacy
from clusters.node.engine.vectors import LARGEST_VECTOR
from clusters.node.errors import FormatError, ValidationFailed
from clusters.node.models import m

LARGEST_UNSIGNED = 2**64 - 1
Bounds = tuple[float, float | None]

_PAGE: dict[str, Bounds] = {"limit": (1, None), "offset": (0, None)}
_GROUPS: dict[str, Bounds] = {"limit": (1, None), "group_size": (1, None)}
_RANGES: dict[type[BaseModel], dict[str, Bounds]] = {
    m.CreateCollection: {
        "shard_number": (1, None),
        "replication_factor": (1, None),
        "write_consistency_factor": (1, None),
    },
    m.CollectionParamsDiff: {"replication_factor": (1, None), "write_consistency_factor": (1, None)},
    m.VectorParams: {"size": (1, LARGEST_VECTOR)},
    m.DenseVectorConfig: {"size": (1, LARGEST_VECTOR)},
    m.HnswConfigDiff: {
        "m": (0, None),
        "ef_construct": (4, None),
        "full_scan_threshold": (10, None),
        "max_indexing_threads": (0, None),
        "payload_m": (0, None),
    },
    m.SparseIndexParams: {"full_scan_threshold": (0, None)},
    m.WalConfigDiff: {"wal_capacity_mb": (1, None), "wal_segments_ahead": (0, None), "wal_retain_closed": (1, None)},
    m.OptimizersConfigDiff: {
        "deleted_threshold": (0, 1),
        "vacuum_min_vector_number": (100, None),
        "default_segment_number": (0, None),
        "max_segment_size": (1, None),
        "indexing_threshold": (0, None),
    },
    m.ScalarQuantizationConfig: {"quantile": (0.5, 1)},
    m.ScrollRequest: {"limit": (1, None)},
    m.QueryRequest: _PAGE,
    m.QueryGroupsRequest: _GROUPS,
    m.Prefetch: {"limit": (1, None)},
    m.SearchMatrixRequest: {"sample": (2, None), "limit": (1, None)},
    **dict.fromkeys((legacy.SearchRequest, legacy.RecommendRequest, legacy.DiscoverRequest), _PAGE),
    **dict.fromkeys((legacy.SearchGroupsRequest, legacy.RecommendGroupsRequest), _GROUPS),
    m.FacetRequest: {"limit": (1, None)},
    m.Mmr: {"diversity": (0, 1), "candidates_limit": (1, 16384)},
    m.Rrf: {"k": (1, None)},
    m.SearchParams: {"hnsw_ef": (1, None)},
    m.QuantizationSearchParams: {"oversampling": (1, None)},
    m.AcornSearchParams: {"max_selectivity": (0, 1)},
    m.Slice: {"total": (1, None), "index": (0, None)},
    m.MinShould: {"min_count": (1, None)},
    m.ValuesCount: dict.fromkeys(("lt", "gt", "lte", "gte"), (0, None)),
}
_OPAQUE = {"payload", "metadata", "vector", "points", "batch"}  # checked where they are used, too large to walk here


def check_ranges(body: Any) -> None:
    """Raise ValidationFailed for the first number outside its range, FormatError for one no server can hold."""
    for path, model in _models(body, ""):
        for name, (low, high) in _RANGES.get(type(model), {}).items():
            value = getattr(model, name)
            if value is not None:
                _check(f"{path}{name}", value, low, high)


def _check(field: str, value: float, low: float, high: float | None) -> None:
    if isinstance(low, int) and isinstance(value, int) and not 0 <= value <= LARGEST_UNSIGNED:
        raise FormatError(f"{field}: invalid value: integer `{value}`, expected an unsigned 64-bit integer")
    if high is None and value < low:
        raise ValidationFailed(field, f"value {value} invalid, must be {low} or larger")
    if high is not None and not low <= value <= high:
        raise ValidationFailed(field, f"value {value} invalid, must be from {low} to {high}")


def _models(value: Any, path: str) -> Iterator[tuple[str, BaseModel]]:
    if isinstance(value, BaseModel):
        yield path, value
        for name, child in value.__dict__.items():
            if child is not None and name not in _OPAQUE:
                yield from _models(child, f"{path}{name}.")
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _models(child, f"{path}{name}.")
    elif isinstance(value, list) and value and not isinstance(value[0], (int, float, str)):
        for position, child in enumerate(value):
            yield from _models(child, f"{path.removesuffix('.')}[{position}].")
