"""Named vectors that a collection gets or loses after it was created."""

import uuid
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode

DENSE = {"dense": {"size": 3, "distance": "Dot"}}
SPARSE = {"sparse": {"modifier": "idf"}}


@pytest.fixture
def path(node: RunningNode) -> str:
    """A collection of one unnamed vector with a point in it."""
    path = f"/collections/{uuid.uuid4()}"
    node.ok("PUT", path, {"vectors": {"size": 2, "distance": "Dot"}})
    node.ok("PUT", f"{path}/points?wait=true", {"points": [{"id": 1, "vector": [1, 2], "payload": {"n": 1}}]})
    return path


def test_a_new_vector_can_be_stored_searched_and_removed(node: RunningNode, path: str) -> None:
    for name, config in (("image", DENSE), ("words", SPARSE)):
        assert node.ok("PUT", f"{path}/vectors/{name}", config)["status"] == "completed"
    assert node.ok("GET", f"{path}/points/1") == {"id": 1, "payload": {"n": 1}, "vector": [1, 2]}
    vectors = {"": [1, 2], "image": [1, 2, 3], "words": {"indices": [7], "values": [1]}}
    node.ok("PUT", f"{path}/points?wait=true", {"points": [{"id": 2, "vector": vectors}]})
    for query in ({"query": [1, 1, 1], "using": "image"}, {"query": vectors["words"], "using": "words"}):
        assert [point["id"] for point in node.ok("POST", f"{path}/points/query", query)["points"]] == [2]
    params = node.ok("GET", path)["config"]["params"]
    assert params["vectors"]["image"] == {"size": 3, "distance": "Dot"}
    assert params["sparse_vectors"] == {"words": {"modifier": "idf"}}
    for name in ("image", "words"):
        node.ok("DELETE", f"{path}/vectors/{name}")
    assert node.ok("GET", f"{path}/points/2")["vector"] == [1, 2]
    assert node.ok("GET", path)["config"]["params"]["vectors"] == {"size": 2, "distance": "Dot"}


def test_a_multivector_can_be_added_by_the_official_client(client: QdrantClient, path: str) -> None:
    name = path.rsplit("/", 1)[1]
    late = models.DenseVectorConfig(
        size=2,
        distance=models.Distance.DOT,
        multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
    )
    client.create_vector_name(name, "late", models.DenseVectorNameConfig(dense=late))
    client.upsert(name, [models.PointStruct(id=2, vector={"late": [[1, 0], [0, 1]]})])
    assert client.query_points(name, [[1.0, 1.0]], using="late").points[0].score == 1


def test_the_same_vector_again_is_no_error_and_another_of_that_name_is(node: RunningNode, path: str) -> None:
    node.ok("PUT", f"{path}/vectors/image", DENSE)
    node.ok("PUT", f"{path}/vectors/image", DENSE)
    for config in (SPARSE, {"dense": {"size": 4, "distance": "Dot"}}):
        answer = node.request("PUT", f"{path}/vectors/image", config)
        assert answer.status_code == 400
        assert "already exists with different parameters" in answer.text
    assert node.request("PUT", f"{path}/vectors/huge", {"dense": {"size": 65537, "distance": "Dot"}}).status_code == 422


def test_a_vector_that_is_not_there_or_the_last_one_cannot_be_removed(node: RunningNode, path: str) -> None:
    gone = node.request("DELETE", f"{path}/vectors/gone")
    assert (gone.status_code, "Not existing vector name error: gone" in gone.text) == (400, True)
    node.ok("PUT", "/collections/one", {"vectors": {"only": {"size": 2, "distance": "Dot"}}})
    last = node.request("DELETE", "/collections/one/vectors/only")
    assert (last.status_code, "at least one dense or sparse vector" in last.text) == (400, True)


def test_a_new_vector_and_an_alias_are_there_after_kill_9(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    node.ok("PUT", "/collections/c", {"vectors": {"size": 2, "distance": "Dot"}})
    node.ok("PUT", "/collections/c/points?wait=true", {"points": [{"id": 1, "vector": [1, 2]}]})
    node.ok("PUT", "/collections/c/vectors/image", DENSE)
    node.ok(
        "POST", "/collections/aliases", {"actions": [{"create_alias": {"alias_name": "a", "collection_name": "c"}}]}
    )
    node.ok("PUT", "/collections/a/points?wait=true", {"points": [{"id": 2, "vector": {"image": [1, 2, 3]}}]})
    node.kill()
    with RunningNode(tmp_path).stopped_at_end() as again:
        assert again.ok("GET", "/collections/a/points/1")["vector"] == [1, 2]
        assert again.ok("GET", "/collections/a/points/2")["vector"] == {"image": [1, 2, 3]}
        assert len(list((tmp_path / "collections").iterdir())) == 1
