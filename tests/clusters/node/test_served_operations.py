"""Every operation of Qdrant's API is served, or docs/differences.md says that it is not."""

import re

import pytest

from clusters.node.errors import NotSupported
from clusters.node.grpc.methods import METHODS
from clusters.node.grpc.unsupported import UNSUPPORTED_METHODS
from clusters.node.operations import OPERATIONS
from clusters.node.routing import Router
from clusters.qdrant_messages import method_paths
from gateway.grpc_objects import ROUTES
from gateway.inference_requests import route_of
from tests.clusters.node.differences import NOT_SERVED, PUBLISHED

ANSWERED_BY_REST = {"root", "healthz", "livez", "readyz"}
LEGACY = {
    "search_points",
    "search_batch_points",
    "search_point_groups",
    "recommend_points",
    "recommend_batch_points",
    "recommend_point_groups",
    "discover_points",
    "discover_batch_points",
}


@pytest.mark.parametrize(("operation", "method", "template"), PUBLISHED)
def test_every_operation_is_served_or_listed(operation: str, method: str, template: str) -> None:
    if operation in ANSWERED_BY_REST:
        return
    raw_path = re.sub(r"{\w+}", "1", template).encode()
    try:
        served = Router().match(method, raw_path).operation.name
    except NotSupported:
        assert operation in NOT_SERVED
    else:
        assert served == operation
        assert operation not in NOT_SERVED


def test_a_node_has_no_operations_but_qdrants() -> None:
    published = {operation for operation, _, _ in PUBLISHED}
    assert set(OPERATIONS) - published == LEGACY
    assert set(NOT_SERVED) <= published


# Methods of gRPC under the names that the published description has for the same operations.
REFUSED_OVER_GRPC = {
    "/qdrant.Collections/UpdateCollectionClusterSetup": "update_collection_cluster",
    "/qdrant.Collections/CreateShardKey": "create_shard_key",
    "/qdrant.Collections/DeleteShardKey": "delete_shard_key",
    "/qdrant.Collections/ListShardKeys": "list_shard_keys",
    "/qdrant.Snapshots/CreateFull": "create_full_snapshot",
    "/qdrant.Snapshots/ListFull": "list_full_snapshots",
    "/qdrant.Snapshots/DeleteFull": "delete_full_snapshot",
}


def test_every_method_is_served_over_rest_too_or_listed() -> None:
    assert set(METHODS) | set(REFUSED_OVER_GRPC) == set(method_paths())
    assert set(UNSUPPORTED_METHODS) == set(REFUSED_OVER_GRPC)
    assert {method.operation for method in METHODS.values()} <= set(OPERATIONS)
    assert set(REFUSED_OVER_GRPC.values()) <= set(NOT_SERVED)


def test_the_gateway_takes_inference_objects_on_the_same_operations_in_both_transports() -> None:
    over_grpc = {METHODS[path].operation for path in ROUTES}
    over_rest = {
        operation.name
        for operation in OPERATIONS.values()
        if route_of(
            operation.method, operation.path.format(**dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "x"))
        )
    }
    assert over_grpc == over_rest
