"""A collection's configuration: the engine's form of it, changes to it, and what a client is told of it."""

from typing import Any, TypeVar

import qdrant_edge as edge
from pydantic import BaseModel

from clusters.node.engine.conversion import enum_member, fields, register, to_engine
from clusters.node.engine.vectors import DEFAULT_VECTOR
from clusters.node.errors import WrongInput
from clusters.node.models import m

Model = TypeVar("Model", bound=BaseModel)

# What Qdrant 1.19 uses, and reports, where nothing was asked for.
_HNSW_DEFAULTS = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000}
_OPTIMIZER_DEFAULTS = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10000,
    "flush_interval_sec": 5,
}
_WAL_DEFAULTS = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}
_ENGINE_OPTIMIZER_FIELDS = (
    "deleted_threshold",
    "vacuum_min_vector_number",
    "default_segment_number",
    "max_segment_size",
    "indexing_threshold",
    "prevent_unoptimized",
)


def engine_config(configuration: m.CreateCollection) -> Any:
    """The engine's configuration of a collection's shard.

    The engine's own log is off: an operation that panics would already be in it and end the shard for good.
    One search thread, because a node has many collections and a machine many nodes.
    """
    vectors = configuration.vectors or {}
    if isinstance(vectors, m.VectorParams):
        vectors = {DEFAULT_VECTOR: vectors}
    sparse = configuration.sparse_vectors or {}
    if not vectors and not sparse:
        raise WrongInput("a collection of this node needs at least one dense or sparse vector")
    payload = configuration.payload
    return edge.EdgeConfig(
        vectors={name: _vector_params(params, configuration.hnsw_config) for name, params in vectors.items()},
        sparse_vectors={name: _sparse_params(params) for name, params in sparse.items()} or None,
        on_disk_payload=configuration.on_disk_payload,
        payload_memory=enum_member(payload.memory) if payload and payload.memory else None,
        hnsw_config=_hnsw(configuration.hnsw_config) if configuration.hnsw_config else None,
        quantization_config=to_engine(configuration.quantization_config),
        optimizers=_optimizers(configuration.optimizers_config),
        max_search_threads=1,
        wal_enabled=False,
    )


def updated_configuration(configuration: m.CreateCollection, change: m.UpdateCollection) -> m.CreateCollection:
    """The configuration after an update; raises WrongInput for a vector the collection does not have."""
    new = configuration.model_copy(deep=True)
    new.hnsw_config = _merged(new.hnsw_config, change.hnsw_config)
    new.optimizers_config = _merged(new.optimizers_config, change.optimizers_config)
    new.strict_mode_config = _merged(new.strict_mode_config, change.strict_mode_config)
    if change.quantization_config is not None:
        new.quantization_config = _quantization(change.quantization_config)
    if change.params is not None:
        for name in ("replication_factor", "write_consistency_factor", "on_disk_payload", "payload"):
            if getattr(change.params, name) is not None:
                setattr(new, name, getattr(change.params, name))
    if change.metadata is not None:
        merged = {**(new.metadata or {}), **change.metadata}
        new.metadata = {key: value for key, value in merged.items() if value is not None}
    _update_vectors(new, change)
    return new


def reported_configuration(configuration: m.CreateCollection) -> dict[str, Any]:
    """The ``config`` of a collection's info, with the defaults for everything that was not set."""
    given = configuration.model_dump(mode="json", exclude_none=True)
    params = {
        "vectors": given.get("vectors", {}),
        "shard_number": given.get("shard_number", 1),
        "replication_factor": given.get("replication_factor", 1),
        "write_consistency_factor": given.get("write_consistency_factor", 1),
        "on_disk_payload": given.get("on_disk_payload", True),
    }
    config = {
        "params": params | {name: given[name] for name in ("sparse_vectors", "payload") if name in given},
        "hnsw_config": {**_HNSW_DEFAULTS, "max_indexing_threads": 0, "on_disk": False} | given.get("hnsw_config", {}),
        "optimizer_config": _OPTIMIZER_DEFAULTS | given.get("optimizers_config", {}),
        "wal_config": _WAL_DEFAULTS | given.get("wal_config", {}),
        "quantization_config": given.get("quantization_config"),
        "strict_mode_config": {"enabled": False} | given.get("strict_mode_config", {}),
    }
    return config | ({"metadata": given["metadata"]} if "metadata" in given else {})


def indexing_threshold(configuration: m.CreateCollection) -> int:
    """The size of unindexed vectors in kilobytes from which an index is built; 0 for never."""
    given = configuration.optimizers_config.indexing_threshold if configuration.optimizers_config else None
    return int(_OPTIMIZER_DEFAULTS["indexing_threshold"] if given is None else given)


@register(m.HnswConfigDiff)
def _hnsw(model: m.HnswConfigDiff) -> Any:
    return edge.HnswIndexConfig(**{**_HNSW_DEFAULTS, **fields(model)})


def _vector_params(params: m.VectorParams, collection_hnsw: m.HnswConfigDiff | None) -> Any:
    """A vector's parameters; what its own HNSW configuration leaves open comes from the collection's."""
    hnsw = _merged(collection_hnsw, params.hnsw_config) if params.hnsw_config else None
    return edge.EdgeVectorParams(**fields(params, without=("hnsw_config",)), hnsw_config=_hnsw(hnsw) if hnsw else None)


def _sparse_params(params: m.SparseVectorParams) -> Any:
    modifier = edge.Modifier.Idf if params.modifier == m.Modifier.IDF else None
    return edge.EdgeSparseVectorParams(modifier=modifier, **(fields(params.index) if params.index else {}))


def _optimizers(model: m.OptimizersConfigDiff | None) -> Any:
    if model is None:
        return None
    given = {name: getattr(model, name) for name in _ENGINE_OPTIMIZER_FIELDS}
    return edge.EdgeOptimizersConfig(**{name: value for name, value in given.items() if value is not None})


def _quantization(change: Any) -> Any:
    return None if change == m.Disabled.DISABLED else change


def _merged(old: Model | None, change: Model | None) -> Model | None:
    if old is None or change is None:
        return change or old
    return old.model_copy(update={k: v for k, v in change.__dict__.items() if v is not None})


def _update_vectors(new: m.CreateCollection, change: m.UpdateCollection) -> None:
    stored = {DEFAULT_VECTOR: new.vectors} if isinstance(new.vectors, m.VectorParams) else new.vectors or {}
    for name, diff in (change.vectors or {}).items():
        params = stored.get(name)
        if params is None:
            raise WrongInput(f"Not existing vector name error: {name}")
        params.hnsw_config = _merged(params.hnsw_config, diff.hnsw_config)
        params.on_disk = params.on_disk if diff.on_disk is None else diff.on_disk
        params.memory = params.memory if diff.memory is None else diff.memory
        if diff.quantization_config is not None:
            params.quantization_config = _quantization(diff.quantization_config)
    for name, sparse in (change.sparse_vectors or {}).items():
        if new.sparse_vectors is None or name not in new.sparse_vectors:
            raise WrongInput(f"Not existing vector name error: {name}")
        old = new.sparse_vectors[name]
        new.sparse_vectors[name] = m.SparseVectorParams(
            index=_merged(old.index, sparse.index), modifier=sparse.modifier or old.modifier
        )
