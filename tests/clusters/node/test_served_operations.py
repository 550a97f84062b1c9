"""Every operation of Qdrant's API is served, or docs/differences.md says that it is not."""

import re

import pytest

from clusters.node.errors import NotSupported
from clusters.node.operations import OPERATIONS
from clusters.node.routing import Router
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
