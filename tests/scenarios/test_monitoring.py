"""A running cloud's numbers are those of what was done to it, and every process tells Prometheus of its own."""

from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, Document, PointStruct, VectorParams

from tests.running_cloud import RunningCloud
from tests.waiting import wait_until

MODEL = "sentence-transformers/all-minilm-l6-v2"
PROCESSES = {
    "CONSOLE_METRICS_PORT": "cloudconsole_console_requests_total",
    "GATEWAY_METRICS_PORT": "cloudconsole_gateway_requests_total",
    "API_METRICS_PORT": "python_info",
    "TASKS_METRICS_PORT": "cloudconsole_tasks_total",
    "NODE_AGENT_METRICS_PORT": "cloudconsole_node_memory_bytes",
}


def monitoring(status: dict[str, Any], cluster_id: str, what: str) -> dict[str, Any]:
    account = status["account_id"]
    answer = httpx.get(
        f"{status['urls']['console']}/api/monitoring/v1/accounts/{account}/cluster/{cluster_id}/{what}",
        headers={"Authorization": f"apikey {status['demo']['management_key']}"},
        timeout=30,
    )
    return answer.raise_for_status().json()


def test_what_was_done_to_a_cluster_shows_in_its_numbers_and_its_log(cloud: RunningCloud) -> None:
    status = cloud.status
    cluster = next(one for one in status["clusters"] if one["name"] == "new-us")
    client = QdrantClient(url=cluster["rest"], api_key=cluster["api_key"], cloud_inference=True)
    client.create_collection("monitored", vectors_config=VectorParams(size=384, distance=Distance.COSINE))
    points = [PointStruct(id=n, vector=Document(text=f"number {n}", model=MODEL)) for n in range(20)]
    client.upsert("monitored", points=points, wait=True)
    for _ in range(30):
        client.count("monitored")
    assert httpx.get(f"{cluster['rest']}/collections/no-such", headers={"api-key": cluster["api_key"]}).is_error

    def requests() -> float:
        usage = monitoring(status, cluster["id"], "usage-metrics")
        return sum(point["value"] for point in usage["rps"]) * 60

    wait_until(lambda: requests() > 30, seconds=60, what="the requests are written down")

    def node() -> dict[str, Any] | None:
        nodes = monitoring(status, cluster["id"], "summary-metrics")["nodes"]
        return nodes[0] if nodes and nodes[0]["ram"]["avg"] and nodes[0]["cpu"]["avg"] else None

    measured = wait_until(node, seconds=90, what="the node is measured")
    resident = psutil.Process(cloud.node_process_id(cluster["id"])).memory_info().rss / 1024**3
    assert resident / 3 < measured["ram"]["avg"][0]["value"] < resident * 3
    messages = [item["message"] for item in monitoring(status, cluster["id"], "logs")["items"]]
    assert any("source=gateway status=404 method=GET" in message for message in messages)
    assert any("source=operation kind=create" in message and "Create cluster" in message for message in messages)
    assert any("source=node level=info message=ready" in message for message in messages)


def test_every_process_tells_prometheus_of_itself(cloud: RunningCloud) -> None:
    httpx.get(f"{cloud.status['urls']['console']}/healthz")
    for port, name in PROCESSES.items():

        def samples(port: str = port) -> set[str]:
            answer = httpx.get(f"http://127.0.0.1:{cloud.environment[port]}/metrics").raise_for_status()
            return {one.name for family in text_string_to_metric_families(answer.text) for one in family.samples}

        wait_until(lambda name=name, samples=samples: name in samples(), seconds=60, what=f"{name} on {port}")
