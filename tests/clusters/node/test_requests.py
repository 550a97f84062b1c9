"""Requests as bytes: shapes of answers, and every bad one refused with a sentence before the engine sees it."""

import time
import uuid
from typing import Any

import httpx
import pytest

from tests.clusters.node.running import RunningNode, error_of


class TestAnswers:
    def test_the_root_names_a_qdrant_of_the_cluster_version(self, node: RunningNode) -> None:
        assert node.request("GET", "/").json() == {
            "title": "qdrant - vector search engine",
            "version": "1.19.0",
            "commit": None,
        }

    @pytest.mark.parametrize(
        ("path", "text"),
        [("/healthz", "healthz check passed"), ("/livez", "healthz check passed"), ("/readyz", "all shards are ready")],
    )
    def test_health_is_plain_text(self, node: RunningNode, path: str, text: str) -> None:
        assert node.request("GET", path).text == text

    def test_a_result_comes_with_status_and_time(self, node: RunningNode, collection: str) -> None:
        body = node.request("POST", f"{collection}/points/count", {}).json()
        assert (body["result"], body["status"]) == ({"count": 1}, "ok")
        assert 0 < body["time"] < 1
        assert "usage" not in body

    def test_a_write_that_does_not_wait_is_acknowledged(self, node: RunningNode, collection: str) -> None:
        body = {"payload": {"n": 1}, "points": [1]}
        assert node.ok("POST", f"{collection}/points/payload", body)["status"] == "acknowledged"
        assert node.ok("POST", f"{collection}/points/payload?wait=true", body)["status"] == "completed"

    def test_the_last_page_says_so_with_null(self, node: RunningNode, collection: str) -> None:
        assert node.ok("POST", f"{collection}/points/scroll", {})["next_page_offset"] is None

    def test_floats_are_printed_as_32_bit_floats(self, node: RunningNode, collection: str) -> None:
        body = {"points": [{"id": 5, "vector": {"dense": [0.1, 0.2, 0.3]}}]}
        node.ok("PUT", f"{collection}/points?wait=true", body)
        assert '"dense":[0.1,0.2,0.3]' in node.request("GET", f"{collection}/points/5").text
        query = {"query": [0.1, 0.0, 0.0], "using": "dense", "filter": {"must": [{"has_id": [5]}]}}
        assert '"score":0.010000001' in node.request("POST", f"{collection}/points/query", query).text

    def test_unknown_fields_are_ignored(self, node: RunningNode, collection: str) -> None:
        body = {"filter": {"must": [{"key": "n", "match": {"value": 1}, "colour": "red"}]}, "exact": True, "hue": 3}
        assert node.ok("POST", f"{collection}/points/count", body)["count"] == 1

    def test_a_batch_may_have_points_without_payload(self, node: RunningNode, collection: str) -> None:
        body = {"batch": {"ids": [61, 62], "vectors": {"dense": [[1, 1, 1], [2, 2, 2]]}, "payloads": [None, {"n": 2}]}}
        node.ok("PUT", f"{collection}/points?wait=true", body)
        assert node.ok("POST", f"{collection}/points", {"ids": [61]})[0]["payload"] == {}


class TestNames:
    @pytest.mark.parametrize("name", ["a b", "☃", "%", "räksmörgås", "a.b", "-"])
    def test_any_allowed_name_is_one_collection(self, node: RunningNode, name: str) -> None:
        path = f"/collections/{httpx.URL('http://x').copy_with(path='/' + name).raw_path.decode()[1:]}"
        node.ok("PUT", path, {"vectors": {"size": 1, "distance": "Dot"}})
        assert node.ok("GET", f"{path}/exists") == {"exists": True}
        assert {"name": name} in node.ok("GET", "/collections")["collections"]
        assert node.ok("DELETE", path) is True

    @pytest.mark.parametrize("name", ["%2e%2e", "a%2Fb", "..%2F..%2Fetc", "a%00b", "%22", "%5C", "x" * 256])
    def test_a_name_no_folder_may_have_is_refused(self, node: RunningNode, name: str) -> None:
        answer = node.request("PUT", f"/collections/{name}", {"vectors": {"size": 1, "distance": "Dot"}})
        assert answer.status_code == 422
        assert error_of(answer).startswith("Validation error in path: [name: ")

    def test_folders_are_not_named_after_collections(self, node: RunningNode) -> None:
        for folder in (node.data_dir / "collections").iterdir():
            assert str(uuid.UUID(folder.name)) == folder.name


class TestUnknownThings:
    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "/nothing"), ("POST", "/"), ("GET", "/collections/a/b/c"), ("GET", "/%FF/x")]
    )
    def test_an_unknown_route_is_a_json_404(self, node: RunningNode, method: str, path: str) -> None:
        answer = node.request(method, path)
        assert answer.status_code == 404
        assert error_of(answer).startswith("Not found: ")

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "", None),
            ("PUT", "/points", {"points": [{"id": 1, "vector": [1.0]}]}),
            ("POST", "/points/query", {"query": [1.0]}),
            ("POST", "/points/scroll", {}),
            ("PATCH", "", {}),
        ],
    )
    def test_an_unknown_collection_is_named(self, node: RunningNode, method: str, path: str, body: Any) -> None:
        answer = node.request(method, f"/collections/gone{path}", body)
        assert (answer.status_code, error_of(answer)) == (404, "Not found: Collection `gone` doesn't exist!")

    def test_an_unknown_point_is_named(self, node: RunningNode, collection: str) -> None:
        for method, path, body in [
            ("GET", "/points/999", None),
            ("POST", "/points/query", {"query": 999, "using": "dense"}),
            ("POST", "/points/payload", {"payload": {}, "points": [999]}),
        ]:
            answer = node.request(method, f"{collection}{path}", body)
            assert answer.status_code == 404
            assert "999" in error_of(answer)

    @pytest.mark.parametrize(("method", "path"), [("GET", "/collections/a/shards"), ("POST", "/snapshots")])
    def test_what_a_node_cannot_do_is_said(self, node: RunningNode, method: str, path: str) -> None:
        answer = node.request(method, path)
        assert answer.status_code == 501
        assert "an embedded node" in error_of(answer)


class TestShapes:
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b'{"points"',
            b"\xff\xfe{}",
            b'{"points": [{"id": 1, "vector": {"dense": [NaN, 1, 2]}}]}',
            b'{"points": [{"id": 1, "vector": {"dense": [1e999, 1, 2]}}]}',
            b'{"points": [{"id": 1, "vector": {}, "payload": {"a": "\\ud800"}}]}',
            b"[" * 100_000,
            b'{"points":' * 5_000,
            b"null",
            b'"points"',
        ],
    )
    def test_what_is_not_the_right_json_is_a_format_error(self, node: RunningNode, collection: str, raw: bytes) -> None:
        answer = node.request("PUT", f"{collection}/points", content=raw)
        assert answer.status_code == 400
        assert error_of(answer).startswith("Format error in JSON body: ")

    @pytest.mark.parametrize(
        ("path", "body", "named"),
        [
            ("/points", {"points": [{"id": 1}]}, "points[0]: missing field `vector`"),
            ("/points", {"points": [{"id": 1, "vector": {"dense": ["a"]}}]}, "points[0].vector.dense[0]"),
            ("/points", {"points": [{"id": 1.5, "vector": {}}]}, "points[0].id"),
            ("/points", {"points": [{"id": -1, "vector": {}}]}, "value -1 is not a valid point ID"),
            ("/points", {"points": [{"id": 2**64, "vector": {}}]}, "points[0].id"),
            ("/points", {"points": [{"id": "7", "vector": {}}]}, "value 7 is not a valid point ID"),
            ("/points", {"points": [{"id": 1, "vector": {}, "payload": []}]}, "points[0].payload"),
            ("/points", {"points": "x"}, "points: Input should be a valid list"),
            ("/points/payload", {"points": [1]}, "missing field `payload`"),
        ],
    )
    def test_the_wrong_field_of_a_write_is_named(
        self, node: RunningNode, collection: str, path: str, body: Any, named: str
    ) -> None:
        answer = node.request("PUT", f"{collection}{path}", body)
        assert answer.status_code == 400
        assert named in error_of(answer)

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({"query": "text"}, "value text is not a valid point ID"),
            ({"query": {"nearer": [1]}}, "query: matches none of the forms"),
            ({"query": [1, 2, 3], "limit": -1}, "limit: invalid value: integer `-1`"),
            ({"query": [1, 2, 3], "limit": "x"}, "limit"),
            ({"query": [1, 2, 3], "filter": {"must": [{"key": "n", "match": {"about": 1}}]}}, "filter.must[0].match"),
            ({"query": [1, 2, 3], "filter": {"maybe": []}}, "filter.maybe: unknown field"),
        ],
    )
    def test_the_wrong_field_of_a_query_is_named(
        self, node: RunningNode, collection: str, body: Any, named: str
    ) -> None:
        answer = node.request("POST", f"{collection}/points/query", {"using": "dense", **body})
        assert answer.status_code == 400
        assert named in error_of(answer)

    def test_a_large_wrong_body_is_refused_at_once(self, node: RunningNode, collection: str) -> None:
        points = [{"id": id, "vector": {"dense": ["x"] * 100}} for id in range(5_000)]
        started = time.monotonic()
        assert node.request("PUT", f"{collection}/points", {"points": points}).status_code == 400
        assert time.monotonic() - started < 5

    def test_a_body_over_the_limit_is_refused_however_it_is_sent(self, node: RunningNode, collection: str) -> None:
        def chunks() -> Any:
            for _ in range(600):
                yield b"x" * 65_536

        for content in (b"x" * (33 * 1024 * 1024), chunks()):
            answer = httpx.put(f"{node.url}{collection}/points", content=content, timeout=20)
            assert answer.status_code == 400
            assert "larger than allowed" in error_of(answer)
