"""For every operation a body that it accepts, so that what is refused is refused for its collection."""

from typing import Any

_IDS = {"points": [1]}
_POINT = {"points": [{"id": 1, "vector": [0.5, 0.5]}]}
_NEAREST = {"query": [0.5, 0.5], "limit": 1}
_SEARCH = {"vector": [0.5, 0.5], "limit": 1}
_RECOMMEND = {"positive": [1], "limit": 1}
_DISCOVER = {"target": 1, "context": [{"positive": 1, "negative": 2}], "limit": 1}
_GROUPED = {"group_by": "a", "group_size": 1}

BODIES: dict[str, Any] = {
    "create_collection": {"vectors": {"size": 2, "distance": "Dot"}},
    "update_collection": {"optimizers_config": {"indexing_threshold": 1000}},
    "create_vector_name": {"dense": {"size": 2, "distance": "Dot"}},
    "create_field_index": {"field_name": "a", "field_schema": "keyword"},
    "get_points": {"ids": [1]},
    "facet": {"key": "a"},
    "upsert_points": _POINT,
    "delete_points": _IDS,
    "update_vectors": _POINT,
    "delete_vectors": _IDS | {"vector": ["v"]},
    "set_payload": _IDS | {"payload": {"a": 1}},
    "overwrite_payload": _IDS | {"payload": {"a": 1}},
    "delete_payload": _IDS | {"keys": ["a"]},
    "clear_payload": _IDS,
    "batch_update": {"operations": [{"delete": _IDS}]},
    "query_points": _NEAREST,
    "query_batch_points": {"searches": [_NEAREST]},
    "query_points_groups": _NEAREST | _GROUPED,
    "search_matrix_pairs": {"sample": 2, "limit": 1},
    "search_matrix_offsets": {"sample": 2, "limit": 1},
    "search_points": _SEARCH,
    "search_batch_points": {"searches": [_SEARCH]},
    "search_point_groups": _SEARCH | _GROUPED,
    "recommend_points": _RECOMMEND,
    "recommend_batch_points": {"searches": [_RECOMMEND]},
    "recommend_point_groups": _RECOMMEND | _GROUPED,
    "discover_points": _DISCOVER,
    "discover_batch_points": {"searches": [_DISCOVER]},
    "recover_from_snapshot": {"location": "http://127.0.0.1:1/none"},
    "recover_shard_from_snapshot": {"location": "http://127.0.0.1:1/none"},
    "update_collection_cluster": {"abort_transfer": {"shard_id": 0, "from_peer_id": 1, "to_peer_id": 2}},
    "create_shard_key": {"shard_key": "a"},
    "delete_shard_key": {"shard_key": "a"},
}


def body_of(operation: str, method: str) -> Any:
    """None for an operation without a body."""
    return None if method in ("GET", "DELETE") else BODIES.get(operation, {})


def aliases_of(collection: str) -> dict[str, Any]:
    """A change of aliases that names a collection."""
    return {"actions": [{"create_alias": {"collection_name": collection, "alias_name": "other"}}]}
