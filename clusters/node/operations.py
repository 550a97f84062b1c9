"""The operation table: every operation of Qdrant's API that a node has. REST and gRPC are generated from it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from pydantic_core import SchemaValidator

from clusters.node import legacy, results
from clusters.node.engine import (
    aliases,
    catalogue,
    figures,
    groups,
    matrices,
    optimisation,
    reads,
    rewriting,
    snapshots,
    updates,
    vector_names,
)
from clusters.node.models import m
from clusters.node.points import points_in_json
from clusters.node.shapes import body_validator, parse_body


class Kind(Enum):
    """How an operation runs: reads answer at once, writes are grouped and flushed, registry changes run alone."""

    READ = "read"
    WRITE = "write"
    REGISTRY = "registry"


@dataclass(frozen=True)
class Operation:
    """One operation.

    ``function(collections, collection name, body, **path parameters)`` returns the engine's answer, or, for a
    write, the steps to apply. ``result`` makes JSON of the answer, or of the ids of the applied operations.
    ``quickly`` reads the bodies it can, and None of others. ``query`` names the parameters behind the path that the
    function takes too.
    """

    name: str
    method: str
    path: str
    kind: Kind
    function: Callable[..., Any]
    result: Callable[[Any], Any]
    request: Any = None
    quickly: Callable[[bytes], Any] | None = None
    query: tuple[str, ...] = ()

    @cached_property
    def _validator(self) -> SchemaValidator:
        return body_validator(self.request)

    def parse(self, raw: bytes) -> Any:
        """The request model of a body; None for an operation without one. Raises FormatError, ValidationFailed."""
        if self.request is None:
            return None
        body = self.quickly(raw) if self.quickly else None
        return parse_body(self._validator, raw) if body is None else body


_COLLECTION = "/collections/{collection_name}"
_POINTS = f"{_COLLECTION}/points"
_SNAPSHOTS = f"{_COLLECTION}/snapshots"
_SNAPSHOT = f"{_SNAPSHOTS}/{{snapshot_name}}"
_VECTOR_NAME = f"{_COLLECTION}/vectors/{{vector_name}}"
_MATRIX = f"{_POINTS}/search/matrix"


def _read(name: str, method: str, path: str, function: Any, result: Any, request: Any = None) -> Operation:
    return Operation(name, method, path, Kind.READ, function, result, request)


def _write(name: str, method: str, path: str, function: Any, request: Any = None) -> Operation:
    return Operation(name, method, path, Kind.WRITE, function, results.updated, request)


def _registry(
    name: str, method: str, path: str, function: Any, request: Any = None, result: Any = results.unchanged
) -> Operation:
    return Operation(name, method, path, Kind.REGISTRY, function, result, request)


_TABLE = [
    _read("get_collections", "GET", "/collections", catalogue.list_collections, results.unchanged),
    _read("get_collection", "GET", _COLLECTION, catalogue.get_collection, results.unchanged),
    _read("collection_exists", "GET", f"{_COLLECTION}/exists", catalogue.collection_exists, results.unchanged),
    _registry("create_collection", "PUT", _COLLECTION, catalogue.create_collection, m.CreateCollection),
    _registry("update_collection", "PATCH", _COLLECTION, catalogue.update_collection, m.UpdateCollection),
    _registry("delete_collection", "DELETE", _COLLECTION, catalogue.delete_collection),
    Operation(
        "get_optimizations",
        "GET",
        f"{_COLLECTION}/optimizations",
        Kind.READ,
        optimisation.get_optimizations,
        results.unchanged,
        query=("with", "completed_limit"),
    ),
    _read("get_collections_aliases", "GET", "/aliases", aliases.list_aliases, results.unchanged),
    _read(
        "get_collection_aliases",
        "GET",
        f"{_COLLECTION}/aliases",
        aliases.list_collection_aliases,
        results.unchanged,
    ),
    _registry("update_aliases", "POST", "/collections/aliases", aliases.update_aliases, m.ChangeAliasesOperation),
    _registry(
        "create_vector_name",
        "PUT",
        _VECTOR_NAME,
        vector_names.create_vector_name,
        m.DenseVectorNameConfig | m.SparseVectorNameConfig,
        results.completed,
    ),
    _registry(
        "delete_vector_name",
        "DELETE",
        _VECTOR_NAME,
        vector_names.delete_vector_name,
        result=results.completed,
    ),
    _registry("create_snapshot", "POST", _SNAPSHOTS, snapshots.create_snapshot),
    _registry("delete_snapshot", "DELETE", _SNAPSHOT, snapshots.delete_snapshot),
    _registry("recover_from_uploaded_snapshot", "POST", f"{_SNAPSHOTS}/upload", snapshots.recover_snapshot),
    _read("list_snapshots", "GET", _SNAPSHOTS, snapshots.list_snapshots, results.unchanged),
    _read("get_snapshot", "GET", _SNAPSHOT, snapshots.get_snapshot, results.unchanged),
    _read("telemetry", "GET", "/telemetry", figures.all_figures, results.unchanged),
    _read("metrics", "GET", "/metrics", figures.all_figures, results.unchanged),
    _read("cluster_status", "GET", "/cluster", figures.cluster_status, results.unchanged),
    _read(
        "collection_cluster_info", "GET", f"{_COLLECTION}/cluster", figures.collection_cluster_info, results.unchanged
    ),
    _write("create_field_index", "PUT", f"{_COLLECTION}/index", updates.create_field_index, m.CreateFieldIndex),
    _write("delete_field_index", "DELETE", f"{_COLLECTION}/index/{{field_name}}", updates.delete_field_index),
    _read("get_point", "GET", f"{_POINTS}/{{id}}", reads.get_point, results.record),
    _read("get_points", "POST", _POINTS, reads.get_points, results.records, m.PointRequest),
    _read("scroll_points", "POST", f"{_POINTS}/scroll", reads.scroll_points, results.scroll, m.ScrollRequest),
    _read("count_points", "POST", f"{_POINTS}/count", reads.count_points, results.count, m.CountRequest),
    _read("facet", "POST", f"{_COLLECTION}/facet", reads.facet, results.facet_hits, m.FacetRequest),
    Operation(
        "upsert_points",
        "PUT",
        _POINTS,
        Kind.WRITE,
        updates.upsert_points,
        results.updated,
        m.PointInsertOperations,
        points_in_json,
    ),
    _write("delete_points", "POST", f"{_POINTS}/delete", updates.delete_points, m.PointsSelector),
    _write("update_vectors", "PUT", f"{_POINTS}/vectors", updates.update_vectors, m.UpdateVectors),
    _write("delete_vectors", "POST", f"{_POINTS}/vectors/delete", updates.delete_vectors, m.DeleteVectors),
    _write("set_payload", "POST", f"{_POINTS}/payload", updates.set_payload, m.SetPayload),
    _write("overwrite_payload", "PUT", f"{_POINTS}/payload", updates.overwrite_payload, m.SetPayload),
    _write("delete_payload", "POST", f"{_POINTS}/payload/delete", updates.delete_payload, m.DeletePayload),
    _write("clear_payload", "POST", f"{_POINTS}/payload/clear", updates.clear_payload, m.PointsSelector),
    Operation(
        "batch_update",
        "POST",
        f"{_POINTS}/batch",
        Kind.WRITE,
        updates.batch_update,
        results.updated_each,
        m.UpdateOperations,
    ),
    _read("query_points", "POST", f"{_POINTS}/query", reads.query_points, results.scored_points, m.QueryRequest),
    _read(
        "query_batch_points",
        "POST",
        f"{_POINTS}/query/batch",
        reads.query_batch_points,
        results.scored_batches,
        m.QueryRequestBatch,
    ),
    _read(
        "query_points_groups",
        "POST",
        f"{_POINTS}/query/groups",
        groups.query_points_groups,
        results.groups,
        m.QueryGroupsRequest,
    ),
    _read(
        "search_matrix_pairs",
        "POST",
        f"{_MATRIX}/pairs",
        matrices.search_matrix,
        results.matrix_pairs,
        m.SearchMatrixRequest,
    ),
    _read(
        "search_matrix_offsets",
        "POST",
        f"{_MATRIX}/offsets",
        matrices.search_matrix,
        results.matrix_offsets,
        m.SearchMatrixRequest,
    ),
    # left the API, but clients still call them
    _read(
        "search_points",
        "POST",
        f"{_POINTS}/search",
        rewriting.legacy_points,
        results.points_found,
        legacy.SearchRequest,
    ),
    _read(
        "search_batch_points",
        "POST",
        f"{_POINTS}/search/batch",
        rewriting.legacy_batch,
        results.point_lists,
        legacy.SearchRequestBatch,
    ),
    _read(
        "search_point_groups",
        "POST",
        f"{_POINTS}/search/groups",
        rewriting.legacy_groups,
        results.groups,
        legacy.SearchGroupsRequest,
    ),
    _read(
        "recommend_points",
        "POST",
        f"{_POINTS}/recommend",
        rewriting.legacy_points,
        results.points_found,
        legacy.RecommendRequest,
    ),
    _read(
        "recommend_batch_points",
        "POST",
        f"{_POINTS}/recommend/batch",
        rewriting.legacy_batch,
        results.point_lists,
        legacy.RecommendRequestBatch,
    ),
    _read(
        "recommend_point_groups",
        "POST",
        f"{_POINTS}/recommend/groups",
        rewriting.legacy_groups,
        results.groups,
        legacy.RecommendGroupsRequest,
    ),
    _read(
        "discover_points",
        "POST",
        f"{_POINTS}/discover",
        rewriting.legacy_points,
        results.points_found,
        legacy.DiscoverRequest,
    ),
    _read(
        "discover_batch_points",
        "POST",
        f"{_POINTS}/discover/batch",
        rewriting.legacy_batch,
        results.point_lists,
        legacy.DiscoverRequestBatch,
    ),
]

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
