"""Distance matrices: how near the points of a random sample are to each other, built on the engine's query."""

import uuid
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from clusters.node.engine.conversion import point_id
from clusters.node.engine.filters import engine_filter
from clusters.node.engine.registry import Collections
from clusters.node.engine.vectors import DEFAULT_VECTOR, searched_vector
from clusters.node.errors import WrongInput
from clusters.node.models import m

DEFAULT_SAMPLE = 10
DEFAULT_NEIGHBOURS = 3


@dataclass(frozen=True)
class Matrix:
    """The sampled points' ids in order, and per point its nearest others, best first."""

    ids: list[int | str]
    neighbours: list[list[Any]]


def search_matrix(collections: Collections, name: str, body: m.SearchMatrixRequest) -> Matrix:
    """The nearest neighbours of each point of a sample within the sample; none when there is but one point."""
    collection = collections.get(name)
    vector_name = body.using or DEFAULT_VECTOR
    schema = collection.vectors.get(vector_name)
    if schema is None:
        raise WrongInput(f"Not existing vector name error: {vector_name}")
    points = _sample(collection, vector_name, body)
    ids = [point_id(point.id) for point in points]
    if len(points) < 2:
        return Matrix([], [])
    limit = DEFAULT_NEIGHBOURS if body.limit is None else body.limit
    requests = []
    for point in points:
        vector = searched_vector(_vector(point, vector_name), schema)
        others = edge.Filter(must=[edge.HasIdCondition({i for i in ids if i != point_id(point.id)})])
        query = edge.Query.Nearest(vector, body.using)
        requests.append(edge.QueryRequest(limit=min(limit, len(ids)), query=query, filter=others))
    return Matrix(ids, collection.read("query_batch", edge.QueryBatchRequest(requests)))


def _sample(collection: Any, vector_name: str, body: m.SearchMatrixRequest) -> list[Any]:
    conditions: list[Any] = [edge.HasVectorCondition(vector_name)]
    if body.filter is not None:
        conditions.append(engine_filter(body.filter))
    request = edge.QueryRequest(
        limit=min(DEFAULT_SAMPLE if body.sample is None else body.sample, max(collection.read("info").points_count, 1)),
        query=edge.Sample.Random,
        filter=edge.Filter(must=conditions),
        with_vector=[vector_name],
    )
    return sorted(collection.read("query", request), key=lambda point: _order(point.id))


def _order(identifier: int | uuid.UUID) -> tuple[bool, int]:
    """Numbers before UUIDs, as Qdrant sorts ids."""
    return (True, identifier.int) if isinstance(identifier, uuid.UUID) else (False, identifier)


def _vector(point: Any, vector_name: str) -> Any:
    return point.vector[vector_name] if isinstance(point.vector, dict) else point.vector
