"""The table of Qdrant's gRPC methods: which operation each is, and how its messages become the operation's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clusters.node.grpc import replies, requests


@dataclass(frozen=True)
class Method:
    """``body`` makes the REST body of a request, ``reply`` a reply's fields of the operation's result.

    ``parameters`` are the fields of the request that REST has in its path, the collection's name aside.
    """

    operation: str
    body: Callable[[Any], Any]
    reply: Callable[[Any], replies.Fields]
    parameters: tuple[str, ...] = ()


_POINTS = {
    "Upsert": Method("upsert_points", requests.upsert, replies.updated),
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
    "QueryGroups": Method("query_points_groups", requests.query_groups, replies.groups),
}
_COLLECTIONS = {
    "List": Method("get_collections", requests.nothing, replies.collections),
    "Get": Method("get_collection", requests.nothing, replies.collection_info),
    "CollectionExists": Method("collection_exists", requests.nothing, replies.exists),
    "Create": Method("create_collection", requests.create_collection, replies.done),
    "Update": Method("update_collection", requests.update_collection, replies.done),
    "Delete": Method("delete_collection", requests.nothing, replies.done),
}

METHODS: dict[str, Method] = {
    **{f"/qdrant.Points/{name}": method for name, method in _POINTS.items()},
    **{f"/qdrant.Collections/{name}": method for name, method in _COLLECTIONS.items()},
}
# Operations that gRPC has no method for, each with the method that does the same.
ONLY_IN_REST = {"get_point": "/qdrant.Points/Get"}
