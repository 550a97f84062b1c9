"""Strict mode: a collection's own limits, refused with the limit and what to do."""

import uuid
from typing import Any

import pytest

from tests.clusters.node.running import RunningNode

LIMITS = {
    "enabled": True,
    "max_query_limit": 10,
    "max_timeout": 5,
    "unindexed_filtering_retrieve": False,
    "unindexed_filtering_update": False,
    "search_max_hnsw_ef": 64,
    "search_allow_exact": False,
    "search_max_oversampling": 2.0,
    "upsert_max_batchsize": 3,
    "search_max_batchsize": 2,
    "max_points_count": 5,
    "filter_max_conditions": 2,
    "condition_max_size": 2,
    "max_payload_index_count": 3,
}


@pytest.fixture
def path(node: RunningNode) -> str:
    """Three points, an index of ``n`` and one of ``items[].n``, and limits."""
    path = f"/collections/{uuid.uuid4()}"
    node.ok("PUT", path, {"vectors": {"size": 1, "distance": "Dot"}})
    for field in ("n", "items[].n"):
        node.ok("PUT", f"{path}/index?wait=true", {"field_name": field, "field_schema": "integer"})
    node.ok("PUT", f"{path}/points?wait=true", {"points": points(1, 2, 3)})
    node.ok("PATCH", path, {"strict_mode_config": LIMITS})
    return path


def points(*ids: int) -> list[dict[str, Any]]:
    return [{"id": id, "vector": [id], "payload": {"n": id, "free": id}} for id in ids]


def matching(key: str, value: Any) -> dict[str, Any]:
    return {"must": [{"key": key, "match": {"value": value}}]}


UNINDEXED = matching("free", 1)
NESTED = {"must": [{"nested": {"key": "items", "filter": matching("n", 1)}}]}
NESTED_UNINDEXED = {"must": [{"nested": {"key": "items", "filter": matching("free", 1)}}]}
LONG = {"must": [{"key": "n", "match": {"any": [1, 2, 3]}}]}
MANY = {"should": [{"must": [{"has_id": [1]}, {"has_id": [2]}]}, {"has_id": [3]}]}
FUSION = {"fusion": "rrf"}
INDEX = 'Index required but not found for "{}" of one of the following types: [integer]'


@pytest.mark.parametrize(
    ("method", "route", "body", "sentence"),
    [
        ("POST", "scroll", {"limit": 11}, 'Limit exceeded 11 > 10 for "limit". Help: Reduce the "limit" parameter'),
        ("POST", "query", {"query": [1], "limit": 11}, 'Limit exceeded 11 > 10 for "limit"'),
        (
            "POST",
            "query",
            {"query": FUSION, "prefetch": [{"query": [1], "limit": 11}]},
            'Limit exceeded 11 > 10 for "limit"',
        ),
        ("POST", "query/groups", {"query": [1], "group_by": "n", "limit": 4, "group_size": 3}, "exceeded 12 > 10"),
        ("POST", "search", {"vector": [1], "limit": 11}, "exceeded 11 > 10"),
        ("POST", "search/matrix/pairs", {"sample": 6, "limit": 2}, "exceeded 12 > 10"),
        ("POST", "query/batch", {"searches": [{"query": [1]}] * 3}, 'exceeded 3 > 2 for "search batch size"'),
        ("POST", "query", {"query": [1], "params": {"hnsw_ef": 65}}, 'exceeded 65 > 64 for "hnsw_ef"'),
        ("POST", "query", {"query": [1], "params": {"exact": True}}, "Exact search disabled"),
        ("POST", "query", {"query": [1], "params": {"quantization": {"oversampling": 3}}}, '"oversampling"'),
        ("POST", "count", {"filter": UNINDEXED}, INDEX.format("free")),
        ("POST", "count", {"filter": NESTED_UNINDEXED}, INDEX.format("items[].free")),
        (
            "POST",
            "count",
            {"filter": matching("n", "one")},
            'not found for "n" of one of the following types: [keyword',
        ),
        ("POST", "query", {"query": FUSION, "prefetch": [{"query": [1], "filter": UNINDEXED}]}, INDEX.format("free")),
        ("POST", "delete", {"filter": UNINDEXED}, INDEX.format("free")),
        ("POST", "payload", {"payload": {}, "filter": UNINDEXED}, INDEX.format("free")),
        ("POST", "batch", {"operations": [{"delete": {"filter": UNINDEXED}}]}, INDEX.format("free")),
        ("POST", "count", {"filter": LONG}, 'Limit exceeded 3 > 2 for "condition limit"'),
        ("POST", "count", {"filter": MANY}, 'Limit exceeded 3 > 2 for "filter limit"'),
        ("PUT", "", {"points": points(4, 5, 6, 7)}, 'Limit exceeded 4 > 3 for "upsert limit"'),
        ("PUT", "", {"points": points(4, 5, 6)}, "Max points count limit of 5 reached"),
        ("PUT", "", {"batch": {"ids": [4, 5, 6], "vectors": [[1], [1], [1]]}}, "Max points count limit of 5"),
        ("POST", "batch", {"operations": [{"upsert": {"points": points(4, 5)}}] * 2}, "Max points count limit of 5"),
        ("POST", "count?timeout=6", {}, 'Limit exceeded 6 > 5 for "timeout"'),
    ],
)
def test_what_exceeds_a_limit_is_refused(
    node: RunningNode, path: str, method: str, route: str, body: dict[str, Any], sentence: str
) -> None:
    answer = node.request(method, f"{path}/points/{route}".rstrip("/"), body)
    assert answer.status_code == 400
    assert answer.json()["status"]["error"].startswith("Bad request: ")
    assert sentence in answer.json()["status"]["error"]
    node.ok("PATCH", path, {"strict_mode_config": {"enabled": False}})
    assert node.request(method, f"{path}/points/{route}".rstrip("/"), body).status_code == 200


def test_what_keeps_to_the_limits_is_served(node: RunningNode, path: str) -> None:
    for filter in (matching("n", 1), NESTED, {"must": [{"has_id": [1, 2]}]}):
        node.ok("POST", f"{path}/points/count?timeout=5", {"filter": filter})
    node.ok("POST", f"{path}/points/query", {"query": [1], "limit": 10, "params": {"hnsw_ef": 64}})
    node.ok("PUT", f"{path}/points?wait=true", {"points": points(4, 5)})
    node.ok("POST", f"{path}/points/delete?wait=true", {"filter": matching("n", 5)})


def test_indexes_have_a_limit_that_does_not_forbid_the_same_again(node: RunningNode, path: str) -> None:
    for field in ("third", "third"):
        node.ok("PUT", f"{path}/index?wait=true", {"field_name": field, "field_schema": "keyword"})
    answer = node.request("PUT", f"{path}/index", {"field_name": "fourth", "field_schema": "keyword"})
    assert (answer.status_code, "maximum number of payload indices (3)" in answer.text) == (400, True)


def test_a_timeout_that_is_no_number_is_a_format_error(node: RunningNode, path: str) -> None:
    answer = node.request("POST", f"{path}/points/count?timeout=soon", {})
    assert (answer.status_code, "Format error in query parameters" in answer.text) == (400, True)
