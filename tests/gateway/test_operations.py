"""The table of required rights: whole, the same for both transports, and what Qdrant's own tests expect of it."""

import pytest

from clusters.node.grpc.methods import METHODS
from clusters.node.operations import OPERATIONS as SERVED
from clusters.qdrant_messages import method_paths
from clusters.rules.access import FULL_ACCESS, READ_ONLY, CollectionRule, collection_access
from gateway.operations import BY_GRPC_PATH, OPERATIONS, match
from tests.clusters.node.differences import PUBLISHED

PUBLIC = {"root", "healthz", "livez", "readyz"}

# Whom Qdrant's own tests (tests/consensus_tests/auth_tests/test_jwt_access.py) let do what; managers may do everything.
EVERYBODY = [
    "get_collections",
    "get_collection",
    "collection_exists",
    "get_collections_aliases",
    "get_collection_aliases",
    "get_point",
    "get_points",
    "scroll_points",
    "count_points",
    "facet",
    "query_points",
    "query_batch_points",
    "query_points_groups",
    "search_matrix_pairs",
    "search_matrix_offsets",
    "search_points",
    "search_batch_points",
    "search_point_groups",
    "recommend_points",
    "recommend_batch_points",
    "recommend_point_groups",
    "discover_points",
    "discover_batch_points",
    "list_shard_keys",
    "telemetry",
]
WRITERS = [
    "upsert_points",
    "delete_points",
    "update_vectors",
    "delete_vectors",
    "set_payload",
    "overwrite_payload",
    "delete_payload",
    "clear_payload",
    "batch_update",
]
ALL_BUT_POINT_WRITERS = [
    "list_snapshots",
    "get_snapshot",
    "list_shard_snapshots",
    "get_shard_snapshot",
    "collection_cluster_info",
    "get_optimizations",
]
COLLECTION_WRITERS = [
    "create_field_index",
    "delete_field_index",
    "create_vector_name",
    "delete_vector_name",
    "create_snapshot",
    "delete_snapshot",
    "create_shard_snapshot",
    "delete_shard_snapshot",
    "stream_shard_snapshot",
]
GLOBAL_READERS = ["list_full_snapshots", "get_full_snapshot", "cluster_status", "metrics", "get_quotas"]
# Qdrant lets everybody ask, and filters what it answers; here it takes the rights to see everything.
STRICTER = ["cluster_telemetry", "get_issues"]

KEYS = {
    "r": READ_ONLY,
    "collection r": collection_access([CollectionRule("c", "r")]),
    "collection rw": collection_access([CollectionRule("c", "rw")]),
    "collection prw": collection_access([CollectionRule("c", "prw")]),
}


def allowed_by_qdrant(name: str) -> set[str]:
    for names, keys in (
        (EVERYBODY, set(KEYS)),
        (WRITERS, {"collection rw", "collection prw"}),
        (ALL_BUT_POINT_WRITERS, {"r", "collection r", "collection rw"}),
        (COLLECTION_WRITERS, {"collection rw"}),
        (GLOBAL_READERS + STRICTER, {"r"}),
    ):
        if name in names:
            return keys
    return set()


def test_every_operation_that_a_node_serves_is_in_the_table():
    assert {name: (one.method, one.path) for name, one in SERVED.items()} == {
        name: (one.method, one.path) for name, one in OPERATIONS.items() if name in SERVED
    }


def test_every_published_operation_is_in_the_table_and_nothing_else():
    published = {name: (method, path) for name, method, path in PUBLISHED if name not in PUBLIC}
    listed = {name: (one.method, one.path) for name, one in OPERATIONS.items()}
    assert {name: place for name, place in listed.items() if name in published} == published
    assert set(listed) - set(published) == set(SERVED) - set(published)


def test_every_grpc_method_is_in_the_table_as_the_operation_that_it_is():
    assert set(method_paths()) == set(BY_GRPC_PATH)
    assert {path: method.operation for path, method in METHODS.items()} == {
        path: BY_GRPC_PATH[path].name for path in METHODS
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_rights_are_those_of_a_qdrant_server(name: str):
    operation = OPERATIONS[name]
    collections = ["c"] if "{collection_name}" in operation.path else []
    allowed = {key for key, access in KEYS.items() if access.refusal(operation.needs, collections) is None}
    assert allowed == allowed_by_qdrant(name)
    assert FULL_ACCESS.refusal(operation.needs, collections) is None


def test_a_path_is_read_segment_by_segment():
    found = match("POST", "/collections/a%2Fb%20c/points/query")
    assert found
    assert (found.operation.name, found.collection) == ("query_points", "a/b c")
    assert found.path(collection_name="x/ü") == "/collections/x%2F%C3%BC/points/query"
    assert match("POST", "/collections/aliases").operation.name == "update_aliases"  # type: ignore[union-attr]
    assert match("GET", "/collections/c/points/scroll").operation.name == "get_point"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "path", ["/collections//points", "/collections/c/points/", "//collections/c", "/collections/%ff", "/", "/nowhere"]
)
def test_what_is_no_path_of_an_operation_matches_none(path: str):
    assert match("GET", path) is None
