"""The routes that left Qdrant's API answer what the query they stand for answers; and distance matrices."""

import uuid
from typing import Any

import httpx
import pytest

from tests.clusters.node.running import RunningNode

POINTS = {1: [1.0, 0.0], 2: [0.9, 0.1], 3: [0.0, 1.0], 4: [-1.0, 0.0]}


@pytest.fixture(scope="module")
def path(node: RunningNode) -> str:
    """Four points around a circle with an unnamed and a sparse vector; 1 and 2 are red, 3 and 4 blue."""
    path = f"/collections/{uuid.uuid4()}"
    sparse = {"words": {}}
    node.ok("PUT", path, {"vectors": {"size": 2, "distance": "Cosine"}, "sparse_vectors": sparse})
    points = [
        {
            "id": id,
            "vector": {"": vector, "words": {"indices": [id], "values": [1.0]}},
            "payload": {"colour": "red" if id < 3 else "blue"},
        }
        for id, vector in POINTS.items()
    ]
    node.ok("PUT", f"{path}/points?wait=true", {"points": points})
    return path


BLUE = {"must": [{"key": "colour", "match": {"value": "blue"}}]}
PAIR = {"positive": 2, "negative": 4}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("search", {"vector": [1, 0], "limit": 3}, {"query": [1, 0], "limit": 3}),
    (
        "search",
        {"vector": {"name": "", "vector": [1, 0]}, "limit": 2, "offset": 1, "filter": BLUE, "with_payload": True},
        {"query": [1, 0], "limit": 2, "offset": 1, "filter": BLUE, "with_payload": True},
    ),
    (
        "search",
        {"vector": {"name": "words", "vector": {"indices": [2], "values": [1]}}, "limit": 2, "with_vector": True},
        {"query": {"indices": [2], "values": [1]}, "using": "words", "limit": 2, "with_vector": True},
    ),
    ("search", {"vector": [1, 0], "limit": 3, "score_threshold": 0.5}, {"query": [1, 0], "score_threshold": 0.5}),
    (
        "recommend",
        {"positive": [1], "negative": [[0, 1]], "limit": 2},
        {"query": {"recommend": {"positive": [1], "negative": [[0, 1]]}}, "limit": 2},
    ),
    (
        "recommend",
        {"positive": [1], "strategy": "best_score", "limit": 3},
        {"query": {"recommend": {"positive": [1], "strategy": "best_score"}}, "limit": 3},
    ),
    (
        "discover",
        {"target": 1, "context": [PAIR], "limit": 3},
        {"query": {"discover": {"target": 1, "context": [PAIR]}}, "limit": 3},
    ),
    ("discover", {"context": [PAIR], "limit": 3}, {"query": {"context": [PAIR]}, "limit": 3}),
]


@pytest.mark.parametrize(("route", "body", "query"), CASES)
def test_a_legacy_route_answers_as_its_query(
    node: RunningNode, path: str, route: str, body: dict[str, Any], query: dict[str, Any]
) -> None:
    expected = node.ok("POST", f"{path}/points/query", query)["points"]
    assert expected
    assert node.ok("POST", f"{path}/points/{route}", body) == expected
    assert node.ok("POST", f"{path}/points/{route}/batch", {"searches": [body, body]}) == [expected] * 2


@pytest.mark.parametrize(
    ("route", "body", "query"),
    [
        ("search", {"vector": [1, 0]}, [1, 0]),
        ("recommend", {"positive": [1]}, {"recommend": {"positive": [1]}}),
    ],
)
def test_a_legacy_group_route_answers_as_its_query(
    node: RunningNode, path: str, route: str, body: dict[str, Any], query: Any
) -> None:
    grouping = {"group_by": "colour", "group_size": 1, "limit": 2}
    expected = node.ok("POST", f"{path}/points/query/groups", {"query": query, **grouping})
    assert len(expected["groups"]) == 2
    assert node.ok("POST", f"{path}/points/{route}/groups", {**body, **grouping}) == expected


@pytest.mark.parametrize(
    ("route", "body", "status", "named"),
    [
        ("search", {"vector": [1, 0]}, 400, "missing field `limit`"),
        ("search", {"vector": [1, 0], "limit": 0}, 422, "limit: value 0 invalid"),
        ("search", {"vector": [1, 0, 0], "limit": 1}, 400, "expected dim: 2, got 3"),
        ("recommend", {"limit": 1}, 400, "At least one positive"),
        ("discover", {"target": 77, "limit": 1}, 404, "77"),
        ("search/groups", {"vector": [1, 0], "limit": 1, "group_by": "a", "group_size": 0}, 422, "group_size"),
    ],
)
def test_a_wrong_legacy_request_is_refused_in_the_same_words(
    node: RunningNode, path: str, route: str, body: dict[str, Any], status: int, named: str
) -> None:
    answer: httpx.Response = node.request("POST", f"{path}/points/{route}", body)
    assert (answer.status_code, named in answer.text) == (status, True), answer.text


def test_a_matrix_of_pairs_tells_each_points_neighbours(node: RunningNode, path: str) -> None:
    pairs = node.ok("POST", f"{path}/points/search/matrix/pairs", {"sample": 10, "limit": 1})["pairs"]
    assert [(pair["a"], pair["b"]) for pair in pairs] == [(1, 2), (2, 1), (3, 2), (4, 3)]
    assert pairs[0]["score"] == pytest.approx(0.9 / 0.82**0.5)


def test_a_matrix_of_offsets_tells_the_same(node: RunningNode, path: str) -> None:
    body = {"sample": 10, "limit": 3, "using": "", "filter": BLUE}
    offsets = node.ok("POST", f"{path}/points/search/matrix/offsets", body)
    assert offsets["ids"] == [3, 4]
    assert (offsets["offsets_row"], offsets["offsets_col"]) == ([0, 1], [1, 0])
    assert offsets["scores"] == [0, 0]


def test_a_matrix_of_one_point_is_empty_and_of_an_unknown_vector_refused(node: RunningNode, path: str) -> None:
    one = {"filter": {"must": [{"has_id": [1]}]}}
    assert node.ok("POST", f"{path}/points/search/matrix/pairs", one) == {"pairs": []}
    assert node.request("POST", f"{path}/points/search/matrix/pairs", {"using": "x"}).status_code == 400
    assert node.request("POST", f"{path}/points/search/matrix/pairs", {"sample": 1}).status_code == 422
    sparse = node.ok("POST", f"{path}/points/search/matrix/pairs", {"using": "words"})
    assert sparse["pairs"] == []
