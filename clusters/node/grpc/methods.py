"""The table of Qdrant's gRPC methods: which operation each is, and how its messages become the operation's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clusters.node.grpc import legacy_requests, points, replies, requests
from clusters.qdrant_messages import message_classes


@dataclass(frozen=True)
class Method:
    """``body`` makes the REST body of a request, ``reply`` a reply's fields of the operation's result.

    ``parameters`` are the fields of the request that REST has in its path, the collection's name aside.
    ``quickly`` makes the operation's own request of the messages it can, without the way over JSON, and None of others.
    """

    operation: str
    body: Callable[[Any], Any]
    reply: Callable[[Any], replies.Fields]
    parameters: tuple[str, ...] = ()
    quickly: Callable[[Any], Any] | None = None


_POINTS = {
    "Upsert": Method("upsert_points", requests.upsert, replies.updated, quickly=points.plain_upsert),
    "Delete": Method("delete_points", requests.selection, replies.updated),
    "Get": Method("get_points", requests.get_points, replies.records),
    "UpdateVectors": Method("update_vectors", requests.update_vectors, replies.updated),
    "DeleteVectors": Method("delete_vectors", requests.delete_vectors, replies.updated),
    "SetPayload": Method("set_payload", requests.set_payload, replies.updated),
    "OverwritePayload": Method("overwrite_payload", requests.set_payload, replies.updated),
    "DeletePayload": Method("delete_payload", requests.delete_payload, replies.updated),
    "ClearPayload": Method("clear_payload", requests.selection, replies.updated),
    "CreateFieldIndex": Method("create_field_index", requests.field_index, replies.updated),
    "DeleteFieldIndex": Method("delete_field_index", requests.nothing, replies.updated, ("field_name",)),
    "Scroll": Method("scroll_points", requests.scroll, replies.scroll),
    "Count": Method("count_points", requests.count, replies.count),
    "Facet": Method("facet", requests.facet, replies.facet),
    "UpdateBatch": Method("batch_update", requests.batch, replies.updated_each),
    "Query": Method("query_points", requests.query, replies.scored),
    "QueryBatch": Method("query_batch_points", requests.query_batch, replies.scored_batches),
    "SearchMatrixPairs": Method("search_matrix_pairs", requests.matrix, replies.matrix_pairs),
    "SearchMatrixOffsets": Method("search_matrix_offsets", requests.matrix, replies.matrix_offsets),
    "CreateVectorName": Method("create_vector_name", requests.vector_name, replies.updated, ("vector_name",)),
    "DeleteVectorName": Method("delete_vector_name", requests.nothing, replies.updated, ("vector_name",)),
    "QueryGroups": Method("query_points_groups", requests.query_groups, replies.groups),
}
_OLDER_SEARCHES = {
    "Search": Method("search_points", legacy_requests.search, replies.points_found),
    "SearchBatch": Method("search_batch_points", legacy_requests.search_batch, replies.point_lists),
    "SearchGroups": Method("search_point_groups", legacy_requests.search_groups, replies.groups),
    "Recommend": Method("recommend_points", legacy_requests.recommend, replies.points_found),
    "RecommendBatch": Method("recommend_batch_points", legacy_requests.recommend_batch, replies.point_lists),
    "RecommendGroups": Method("recommend_point_groups", legacy_requests.recommend_groups, replies.groups),
    "Discover": Method("discover_points", legacy_requests.discover, replies.points_found),
    "DiscoverBatch": Method("discover_batch_points", legacy_requests.discover_batch, replies.point_lists),
}
_COLLECTIONS = {
    "UpdateAliases": Method("update_aliases", requests.aliases, replies.done),
    "ListAliases": Method("get_collections_aliases", requests.nothing, replies.aliases),
    "ListCollectionAliases": Method("get_collection_aliases", requests.nothing, replies.aliases),
    "List": Method("get_collections", requests.nothing, replies.collections),
    "Get": Method("get_collection", requests.nothing, replies.collection_info),
    "CollectionClusterInfo": Method("collection_cluster_info", requests.nothing, replies.cluster_info),
    "CollectionExists": Method("collection_exists", requests.nothing, replies.exists),
    "Create": Method("create_collection", requests.create_collection, replies.done),
    "Update": Method("update_collection", requests.update_collection, replies.done),
    "Delete": Method("delete_collection", requests.nothing, replies.done),
}
_SNAPSHOTS = {
    "Create": Method("create_snapshot", requests.nothing, replies.snapshot),
    "List": Method("list_snapshots", requests.nothing, replies.snapshots),
    "Delete": Method("delete_snapshot", requests.nothing, replies.nothing, ("snapshot_name",)),
}

METHODS: dict[str, Method] = {
    **{f"/qdrant.Points/{name}": method for name, method in (_POINTS | _OLDER_SEARCHES).items()},
    **{f"/qdrant.Collections/{name}": method for name, method in _COLLECTIONS.items()},
    **{f"/qdrant.Snapshots/{name}": method for name, method in _SNAPSHOTS.items()},
}


def parse_message(operation: str, message: bytes) -> Any:
    """The operation's request of a message that was read without JSON when it came."""
    path, method = next((path, method) for path, method in METHODS.items() if method.operation == operation)
    request_class, _ = message_classes(path)
    return method.quickly(request_class.FromString(message)) if method.quickly else None


_FILE = "gRPC carries no files"
_FIGURES = "figures of the process, which gRPC has no method for"

# Operations that are served over REST alone, each with the reason.
ONLY_IN_REST = {
    "get_optimizations": "gRPC has no such method",
    "get_point": "Get takes one id as well",
    **dict.fromkeys(("get_snapshot", "recover_from_uploaded_snapshot"), _FILE),
    **dict.fromkeys(("telemetry", "metrics", "cluster_status"), _FIGURES),
}
