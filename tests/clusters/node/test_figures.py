"""What a node says of itself: telemetry, metrics and its place in a cluster of one."""

import re
import uuid

from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode


def collection_with_a_point(node: RunningNode, name: str) -> str:
    path = f"/collections/{name}"
    node.ok("PUT", path, {"vectors": {"a": {"size": 1, "distance": "Dot"}}, "sparse_vectors": {"b": {}}})
    node.ok("PUT", f"{path}/points?wait=true", {"points": [{"id": 1, "vector": {"a": [1]}}]})
    return path


def test_metrics_are_prometheus_text_under_qdrants_names(node: RunningNode) -> None:
    name = f"m-{uuid.uuid4()}"
    path = collection_with_a_point(node, name)
    node.request("GET", f"{path}/points/7")
    answer = node.request("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert all(re.fullmatch(r'# (HELP|TYPE) .+|\w+({(\w+="[^"]*",?)+})? \d+', line) for line in lines), lines
    for line in (
        'app_info{name="qdrant",version="1.19.0"} 1',
        f'collection_points{{id="{name}"}} 1',
        f'collection_vectors{{collection="{name}",vector="a"}} 1',
        f'collection_vectors{{collection="{name}",vector="b"}} 0',
        'rest_responses_total{method="GET",endpoint="/collections/{collection_name}/points/{id}",status="404"} 1',
    ):
        assert line in lines
    again = node.request("GET", "/metrics").text
    assert 'rest_responses_total{method="GET",endpoint="/metrics",status="200"} 1' in again


def test_a_name_cannot_break_out_of_its_metric(node: RunningNode) -> None:
    node.ok("PUT", "/collections/new%0Aline", {"vectors": {"size": 1, "distance": "Dot"}})
    assert 'collection_points{id="new\\nline"} 0' in node.request("GET", "/metrics").text.splitlines()
    node.ok("DELETE", "/collections/new%0Aline")


def test_telemetry_has_the_shape_the_official_client_reads(node: RunningNode, client: QdrantClient) -> None:
    collection_with_a_point(node, f"t-{uuid.uuid4()}")
    told = client.http.service_api.telemetry().result
    assert told is not None
    assert told.app is not None
    assert told.app.version == "1.19.0"
    assert told.collections.number_of_collections == len(client.get_collections().collections)
    assert told.requests is not None
    assert told.requests.rest.responses["PUT /collections/{collection_name}"]["200"].count >= 1


def test_a_node_is_a_cluster_of_one(node: RunningNode, client: QdrantClient) -> None:
    name = f"c-{uuid.uuid4()}"
    path = collection_with_a_point(node, name)
    assert node.ok("GET", "/cluster") == {"status": "disabled"}
    info = client.http.distributed_api.collection_cluster_info(name).result
    assert info is not None
    assert (info.shard_count, info.remote_shards, info.shard_transfers) == (1, [], [])
    (shard,) = info.local_shards
    assert (shard.points_count, shard.state) == (1, models.ReplicaState.ACTIVE)
    assert node.request("GET", f"{path}-gone/cluster").status_code == 404
