"""Named vectors of a collection that exists already: added and removed.

The engine changes its segments one after the other and in place, so a crash in between would leave a shard that
fits no configuration. The change is made to a copy, which then takes the collection's place in the registry.
"""

from typing import Any

import qdrant_edge as edge

from clusters.node.engine.collection import Collection, Step
from clusters.node.engine.configuration import engine_config
from clusters.node.engine.conversion import enum_member, to_engine
from clusters.node.engine.registry import Collections
from clusters.node.engine.vectors import DEFAULT_VECTOR, check_vector_names
from clusters.node.errors import WrongInput
from clusters.node.files import copy_tree, sync_tree
from clusters.node.models import m

_Update = edge.UpdateOperation


def create_vector_name(collections: Collections, name: str, body: Any, vector_name: str) -> int:
    """Add a named vector, which no point has yet; returns the operation's id. The same one again changes nothing."""
    check_vector_names([vector_name])
    collection = collections.get(name)
    dense, sparse = _vectors(collection)
    if isinstance(body, m.DenseVectorNameConfig):
        given = body.dense
        params = m.VectorParams(**dict(given))
        if vector_name in sparse or dense.get(vector_name, params) != params:
            raise _taken(vector_name)
        dense[vector_name] = params
        multi, datatype = to_engine(given.multivector_config), to_engine(given.datatype)
        update = _Update.create_dense_vector(vector_name, given.size, enum_member(given.distance), multi, datatype)
    else:
        index = m.SparseIndexParams(datatype=body.sparse.datatype) if body.sparse.datatype else None
        sparse_params = m.SparseVectorParams(index=index, modifier=body.sparse.modifier)
        if vector_name in dense or sparse.get(vector_name, sparse_params) != sparse_params:
            raise _taken(vector_name)
        sparse[vector_name] = sparse_params
        modifier = edge.Modifier.Idf if body.sparse.modifier == m.Modifier.IDF else None
        update = _Update.create_sparse_vector(vector_name, modifier, to_engine(body.sparse.datatype))
    return _changed(collections, collection, dense, sparse, update)


def delete_vector_name(collections: Collections, name: str, _body: None, vector_name: str) -> int:
    """Remove a named vector from the collection and from all points; returns the operation's id."""
    collection = collections.get(name)
    dense, sparse = _vectors(collection)
    if vector_name not in dense and vector_name not in sparse:
        raise WrongInput(f"Not existing vector name error: {vector_name}")
    dense.pop(vector_name, None)
    sparse.pop(vector_name, None)
    return _changed(collections, collection, dense, sparse, _Update.delete_vector_name(vector_name))


def _vectors(collection: Collection) -> tuple[dict[str, m.VectorParams], dict[str, m.SparseVectorParams]]:
    dense = collection.configuration.vectors or {}
    if isinstance(dense, m.VectorParams):
        dense = {DEFAULT_VECTOR: dense}
    return dict(dense), dict(collection.configuration.sparse_vectors or {})


def _changed(
    collections: Collections,
    collection: Collection,
    dense: dict[str, m.VectorParams],
    sparse: dict[str, m.SparseVectorParams],
    update: Any,
) -> int:
    configuration = collection.configuration.model_copy()
    configuration.vectors = dense[DEFAULT_VECTOR] if list(dense) == [DEFAULT_VECTOR] else dense
    configuration.sparse_vectors = sparse or None
    engine_config(configuration)  # refuses what no shard can have before anything is copied
    return _replaced(collections, collection, configuration, update)


def _replaced(collections: Collections, collection: Collection, configuration: m.CreateCollection, update: Any) -> int:
    """Put a changed copy of the collection in its place; a failure leaves the collection as it was."""
    collection.flush()
    copy = collections.draft(collection.name, collection.configuration)
    copy.continue_from(collection)
    try:
        copy_tree(collection.folder, copy.folder)
        copy.load()
        operation_id = copy.apply(Step(copy, update))
        copy.flush()
        copy.close()
        copy.configuration = configuration
        copy.load()
        sync_tree(copy.folder)
    except Exception:
        copy.remove()
        raise
    collections.register(copy)
    return operation_id


def _taken(vector_name: str) -> WrongInput:
    return WrongInput(
        f"vector '{vector_name}' already exists with different parameters; "
        "delete it before recreating with a different configuration"
    )
