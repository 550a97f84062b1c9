"""Vectors, payloads and numbers that cannot be: refused whole, with a sentence, and nothing of them stored."""

from typing import Any

import pytest

from tests.clusters.node.running import RunningNode, error_of


class TestValues:
    @pytest.mark.parametrize(
        ("vector", "status", "sentence"),
        [
            ([1, 2, 3], 400, "Wrong input: Not existing vector name error: "),
            ({"other": [1]}, 400, "Wrong input: Not existing vector name error: other"),
            ({"dense": [1, 2]}, 400, "Wrong input: Vector dimension error: expected dim: 3, got 2"),
            ({"dense": []}, 422, "must not be empty"),
            ({"dense": [1e39, 0, 0]}, 422, "finite 32-bit floats"),
            ({"dense": [[1, 2, 3]]}, 400, "got a multivector"),
            ({"dense": {"indices": [1], "values": [1]}}, 400, "got a sparse vector"),
            ({"dense": {"text": "a", "model": "b"}}, 400, "inference objects"),
            ({"late": []}, 422, "must not be empty"),
            ({"late": [[]]}, 400, "expected dim: 2, got 0"),
            ({"late": [[1, 2], [3]]}, 400, "expected dim: 2, got 1"),
            ({"words": [1, 2]}, 400, "got a dense vector"),
            ({"words": {"indices": [1, 1], "values": [1, 2]}}, 422, "indices: must be unique"),
            ({"words": {"indices": [1, 2], "values": [1]}}, 422, "same length as indices"),
            ({"words": {"indices": [2**32], "values": [1]}}, 422, "indices: must be from 0"),
            ({"words": {"indices": [1], "values": [1e39]}}, 422, "finite 32-bit floats"),
        ],
    )
    def test_a_vector_that_does_not_fit_stores_nothing(
        self, node: RunningNode, collection: str, vector: Any, status: int, sentence: str
    ) -> None:
        points = [{"id": 100, "vector": {"dense": [1, 1, 1]}}, {"id": 101, "vector": vector}]
        answer = node.request("PUT", f"{collection}/points?wait=true", {"points": points})
        assert (answer.status_code, sentence in error_of(answer)) == (status, True), answer.text
        assert node.ok("POST", f"{collection}/points", {"ids": [100, 101]}) == []

    def test_a_refused_update_undoes_the_whole_batch(self, node: RunningNode, collection: str) -> None:
        operations = [
            {"upsert": {"points": [{"id": 200, "vector": {"dense": [1, 1, 1]}}]}},
            {"upsert": {"points": [{"id": 201, "vector": {"dense": [1]}}]}},
        ]
        answer = node.request("POST", f"{collection}/points/batch?wait=true", {"operations": operations})
        assert answer.status_code == 400
        assert node.ok("POST", f"{collection}/points", {"ids": [200]}) == []

    def test_a_missing_point_leaves_the_others_as_they_were(self, node: RunningNode, collection: str) -> None:
        answer = node.request(
            "POST", f"{collection}/points/payload?wait=true", {"payload": {"x": 1}, "points": [1, 999]}
        )
        assert (answer.status_code, error_of(answer)) == (404, "Not found: No point with id 999 found")
        assert "x" not in node.ok("GET", f"{collection}/points/1")["payload"]

    def test_a_payload_too_deep_to_read_back_is_refused(self, node: RunningNode, collection: str) -> None:
        for depth, status in ((99, 200), (100, 400), (900, 400)):
            payload: dict[str, Any] = {}
            for _ in range(depth):
                payload = {"a": payload}
            points = [{"id": 300, "vector": {}, "payload": payload}]
            assert node.request("PUT", f"{collection}/points?wait=true", {"points": points}).status_code == status
        assert node.request("GET", f"{collection}/points/300").status_code == 200

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"limit": 0}, "limit: value 0 invalid, must be 1 or larger"),
            ({"params": {"hnsw_ef": 0}}, "params.hnsw_ef"),
            ({"prefetch": [{"limit": 0}]}, "prefetch[0].limit"),
            ({"query": {"nearest": [1, 2, 3], "mmr": {"diversity": 2}}}, "query.mmr.diversity"),
        ],
    )
    def test_a_number_out_of_range_is_a_validation_error(
        self, node: RunningNode, collection: str, body: Any, field: str
    ) -> None:
        answer = node.request("POST", f"{collection}/points/query", {"query": [1, 2, 3], "using": "dense", **body})
        assert answer.status_code == 422
        assert error_of(answer).startswith(f"Validation error in JSON body: [{field}")

    @pytest.mark.parametrize(
        ("vectors", "status", "sentence"),
        [
            ({"size": 0, "distance": "Dot"}, 422, "[vectors.size: value 0 invalid, must be from 1 to 65536]"),
            ({"a": {"size": 65537, "distance": "Dot"}}, 422, "[vectors.a.size: value 65537 invalid"),
            ({"size": 4}, 400, "vectors: missing field `distance`"),
            ({"size": 4, "distance": "Nearest"}, 400, "vectors.distance: Input should be 'Cosine', 'Euclid'"),
            ({}, 400, "at least one dense or sparse vector"),
        ],
    )
    def test_a_wrong_collection_is_not_created(
        self, node: RunningNode, vectors: Any, status: int, sentence: str
    ) -> None:
        answer = node.request("PUT", "/collections/wrong", {"vectors": vectors})
        assert (answer.status_code, sentence in error_of(answer)) == (status, True), answer.text
        assert node.ok("GET", "/collections/wrong/exists") == {"exists": False}

    @pytest.mark.parametrize("limit", [2**63, 2**64 - 1])
    def test_huge_limits_are_no_trouble(self, node: RunningNode, collection: str, limit: int) -> None:
        assert node.ok("POST", f"{collection}/points/scroll", {"limit": 2**40})["points"]
        body = {"query": [1, 2, 3], "using": "dense", "limit": limit, "offset": 2**63}
        answer = node.request("POST", f"{collection}/points/query", body)
        assert answer.status_code in (200, 400)

    def test_a_formula_without_a_value_is_the_callers_mistake(self, node: RunningNode, collection: str) -> None:
        body = {"query": {"formula": {"ln": -1.0}}, "prefetch": {"query": [1, 2, 3], "using": "dense"}}
        answer = node.request("POST", f"{collection}/points/query", body)
        assert answer.status_code == 400
        assert "the formula has no finite value" in error_of(answer)
