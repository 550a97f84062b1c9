"""The operations of Qdrant's API and what a key must be allowed for each: one table for REST and gRPC.

Source of the requirements: Qdrant's own access checks (``lib/storage/src/rbac``) and the table of its documentation,
https://qdrant.tech/documentation/guides/security/#table-of-access
"""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from clusters.routes import Routes
from clusters.rules.access import Requirement

_READ = Requirement()
_WRITE = Requirement(write=True)
_READ_EXTRAS = Requirement(extras=True)
_WRITE_EXTRAS = Requirement(write=True, extras=True)
_MANAGE = Requirement(manage=True)
_READ_ALL = Requirement(everywhere=True)
_MANAGE_ALL = Requirement(manage=True, everywhere=True)

_COLLECTION = "/collections/{collection_name}"
_POINTS = f"{_COLLECTION}/points"
_SNAPSHOTS = f"{_COLLECTION}/snapshots"
_VECTOR_NAME = f"{_COLLECTION}/vectors/{{vector_name}}"
_FIELD = f"{_COLLECTION}/index/{{field_name}}"
_SHARD = f"{_COLLECTION}/shards/{{shard_id}}"


class Row(NamedTuple):
    """``grpc`` is the method's path without ``/qdrant.``; None where gRPC has no such method."""

    name: str
    method: str
    path: str
    needs: Requirement
    grpc: str | None = None


_ROWS = [
    Row("get_collections", "GET", "/collections", _READ, "Collections/List"),
    Row("get_collection", "GET", _COLLECTION, _READ, "Collections/Get"),
    Row("collection_exists", "GET", f"{_COLLECTION}/exists", _READ, "Collections/CollectionExists"),
    Row("create_collection", "PUT", _COLLECTION, _MANAGE_ALL, "Collections/Create"),
    Row("update_collection", "PATCH", _COLLECTION, _MANAGE_ALL, "Collections/Update"),
    Row("delete_collection", "DELETE", _COLLECTION, _MANAGE_ALL, "Collections/Delete"),
    Row("get_optimizations", "GET", f"{_COLLECTION}/optimizations", _READ_EXTRAS),
    Row("get_collections_aliases", "GET", "/aliases", _READ, "Collections/ListAliases"),
    Row("get_collection_aliases", "GET", f"{_COLLECTION}/aliases", _READ, "Collections/ListCollectionAliases"),
    Row("update_aliases", "POST", "/collections/aliases", _MANAGE_ALL, "Collections/UpdateAliases"),
    Row("create_vector_name", "PUT", _VECTOR_NAME, _WRITE_EXTRAS, "Points/CreateVectorName"),
    Row(
        "delete_vector_name",
        "DELETE",
        _VECTOR_NAME,
        _WRITE_EXTRAS,
        "Points/DeleteVectorName",
    ),
    Row("create_field_index", "PUT", f"{_COLLECTION}/index", _WRITE_EXTRAS, "Points/CreateFieldIndex"),
    Row("delete_field_index", "DELETE", _FIELD, _WRITE_EXTRAS, "Points/DeleteFieldIndex"),
    # points
    Row("get_point", "GET", f"{_POINTS}/{{id}}", _READ),
    Row("get_points", "POST", _POINTS, _READ, "Points/Get"),
    Row("scroll_points", "POST", f"{_POINTS}/scroll", _READ, "Points/Scroll"),
    Row("count_points", "POST", f"{_POINTS}/count", _READ, "Points/Count"),
    Row("facet", "POST", f"{_COLLECTION}/facet", _READ, "Points/Facet"),
    Row("upsert_points", "PUT", _POINTS, _WRITE, "Points/Upsert"),
    Row("delete_points", "POST", f"{_POINTS}/delete", _WRITE, "Points/Delete"),
    Row("update_vectors", "PUT", f"{_POINTS}/vectors", _WRITE, "Points/UpdateVectors"),
    Row("delete_vectors", "POST", f"{_POINTS}/vectors/delete", _WRITE, "Points/DeleteVectors"),
    Row("set_payload", "POST", f"{_POINTS}/payload", _WRITE, "Points/SetPayload"),
    Row("overwrite_payload", "PUT", f"{_POINTS}/payload", _WRITE, "Points/OverwritePayload"),
    Row("delete_payload", "POST", f"{_POINTS}/payload/delete", _WRITE, "Points/DeletePayload"),
    Row("clear_payload", "POST", f"{_POINTS}/payload/clear", _WRITE, "Points/ClearPayload"),
    Row("batch_update", "POST", f"{_POINTS}/batch", _WRITE, "Points/UpdateBatch"),
    Row("query_points", "POST", f"{_POINTS}/query", _READ, "Points/Query"),
    Row("query_batch_points", "POST", f"{_POINTS}/query/batch", _READ, "Points/QueryBatch"),
    Row("query_points_groups", "POST", f"{_POINTS}/query/groups", _READ, "Points/QueryGroups"),
    Row("search_matrix_pairs", "POST", f"{_POINTS}/search/matrix/pairs", _READ, "Points/SearchMatrixPairs"),
    Row("search_matrix_offsets", "POST", f"{_POINTS}/search/matrix/offsets", _READ, "Points/SearchMatrixOffsets"),
    # left the published API, but clients still call them
    Row("search_points", "POST", f"{_POINTS}/search", _READ, "Points/Search"),
    Row("search_batch_points", "POST", f"{_POINTS}/search/batch", _READ, "Points/SearchBatch"),
    Row("search_point_groups", "POST", f"{_POINTS}/search/groups", _READ, "Points/SearchGroups"),
    Row("recommend_points", "POST", f"{_POINTS}/recommend", _READ, "Points/Recommend"),
    Row("recommend_batch_points", "POST", f"{_POINTS}/recommend/batch", _READ, "Points/RecommendBatch"),
    Row("recommend_point_groups", "POST", f"{_POINTS}/recommend/groups", _READ, "Points/RecommendGroups"),
    Row("discover_points", "POST", f"{_POINTS}/discover", _READ, "Points/Discover"),
    Row("discover_batch_points", "POST", f"{_POINTS}/discover/batch", _READ, "Points/DiscoverBatch"),
    # snapshots
    Row("list_snapshots", "GET", _SNAPSHOTS, _READ_EXTRAS, "Snapshots/List"),
    Row("create_snapshot", "POST", _SNAPSHOTS, _WRITE_EXTRAS, "Snapshots/Create"),
    Row("get_snapshot", "GET", f"{_SNAPSHOTS}/{{snapshot_name}}", _READ_EXTRAS),
    Row("delete_snapshot", "DELETE", f"{_SNAPSHOTS}/{{snapshot_name}}", _WRITE_EXTRAS, "Snapshots/Delete"),
    Row("recover_from_uploaded_snapshot", "POST", f"{_SNAPSHOTS}/upload", _MANAGE_ALL),
    Row("recover_from_snapshot", "PUT", f"{_SNAPSHOTS}/recover", _MANAGE_ALL),
    Row("list_full_snapshots", "GET", "/snapshots", _READ_ALL, "Snapshots/ListFull"),
    Row("create_full_snapshot", "POST", "/snapshots", _MANAGE_ALL, "Snapshots/CreateFull"),
    Row("get_full_snapshot", "GET", "/snapshots/{snapshot_name}", _READ_ALL),
    Row("delete_full_snapshot", "DELETE", "/snapshots/{snapshot_name}", _MANAGE_ALL, "Snapshots/DeleteFull"),
    # shards
    Row("list_shard_keys", "GET", f"{_COLLECTION}/shards", _READ, "Collections/ListShardKeys"),
    Row("create_shard_key", "PUT", f"{_COLLECTION}/shards", _MANAGE_ALL, "Collections/CreateShardKey"),
    Row("delete_shard_key", "POST", f"{_COLLECTION}/shards/delete", _MANAGE_ALL, "Collections/DeleteShardKey"),
    Row("stream_shard_snapshot", "GET", f"{_SHARD}/snapshot", _WRITE_EXTRAS),
    Row("list_shard_snapshots", "GET", f"{_SHARD}/snapshots", _READ_EXTRAS),
    Row("create_shard_snapshot", "POST", f"{_SHARD}/snapshots", _WRITE_EXTRAS),
    Row("get_shard_snapshot", "GET", f"{_SHARD}/snapshots/{{snapshot_name}}", _READ_EXTRAS),
    Row("delete_shard_snapshot", "DELETE", f"{_SHARD}/snapshots/{{snapshot_name}}", _WRITE_EXTRAS),
    Row("recover_shard_from_uploaded_snapshot", "POST", f"{_SHARD}/snapshots/upload", _MANAGE_ALL),
    Row("recover_shard_from_snapshot", "PUT", f"{_SHARD}/snapshots/recover", _MANAGE_ALL),
    # the server as a whole
    Row("collection_cluster_info", "GET", f"{_COLLECTION}/cluster", _READ_EXTRAS, "Collections/CollectionClusterInfo"),
    Row(
        "update_collection_cluster",
        "POST",
        f"{_COLLECTION}/cluster",
        _MANAGE,
        "Collections/UpdateCollectionClusterSetup",
    ),
    Row("cluster_status", "GET", "/cluster", _READ_ALL),
    Row("cluster_telemetry", "GET", "/cluster/telemetry", _READ_ALL),
    Row("recover_current_peer", "POST", "/cluster/recover", _MANAGE_ALL),
    Row("remove_peer", "DELETE", "/cluster/peer/{peer_id}", _MANAGE_ALL),
    Row("telemetry", "GET", "/telemetry", _READ),
    Row("metrics", "GET", "/metrics", _READ_ALL),
    Row("get_issues", "GET", "/issues", _READ_ALL),
    Row("clear_issues", "DELETE", "/issues", _MANAGE_ALL),
    Row("get_quotas", "GET", "/quotas", _READ_ALL),
    Row("update_quotas", "PUT", "/quotas", _MANAGE_ALL),
]
OPERATIONS = {row.name: row for row in _ROWS}
BY_GRPC_PATH = {f"/qdrant.{row.grpc}": row for row in _ROWS if row.grpc}


@dataclass(frozen=True)
class Match:
    """A request line understood: its operation and the decoded value of each parameter in the path."""

    operation: Row
    parameters: dict[str, str]

    @property
    def collection(self) -> str | None:
        return self.parameters.get("collection_name")

    def path(self, **changes: str) -> str:
        """The path with some parameters changed, percent-encoded in the one way that leaves no doubt."""
        values = self.parameters | changes
        encoded = {name: quote(value, safe="") for name, value in values.items()}
        return self.operation.path.format(**encoded)


def match(method: str, path: str) -> Match | None:
    """The operation of a request line whose ``path`` is percent-encoded; None if there is none."""
    found = _ROUTES.find(method, path.encode())
    return Match(*found) if found else None


def _routes() -> Routes[Row]:
    routes: Routes[Row] = Routes()
    for row in _ROWS:
        routes.add(row.method, row.path, row)
    return routes


_ROUTES = _routes()
