"""What the agent says of its nodes' usage and output is what the system and the node say."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clusters.agent.usage import RunningNode, UsageReader, points_in
from clusters.provisioners.node_agent import NodeUsage
from clusters.provisioners.owner import Owner
from tests.clusters.agent.running import RunningAgent
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    running = RunningAgent(tmp_path_factory.mktemp("agent"))
    yield running
    running.stop()


def test_memory_processor_disk_and_points_are_measured(agent: RunningAgent) -> None:
    cluster_id = str(uuid.uuid4())
    status = agent.started(cluster_id)
    with agent.node(cluster_id) as node:
        node.put("/collections/c", json={"vectors": {"size": 4, "distance": "Dot"}}).raise_for_status()
        points = [{"id": number, "vector": [number, 1, 2, 3]} for number in range(37)]
        node.put("/collections/c/points?wait=true", json={"points": points}).raise_for_status()
    storage = agent.data_dir / "clusters" / cluster_id / "storage"
    running = [RunningNode(cluster_id, status.pid, storage, Path(status.socket))]
    reader = UsageReader(lambda: running)

    async def read_twice() -> None:
        await reader.read()
        assert reader.latest[cluster_id].cpu is None
        await reader.read()

    asyncio.run(read_twice())
    one = reader.latest[cluster_id]
    resident = psutil.Process(status.pid).memory_info().rss
    assert 0.5 * resident < one.memory < 2 * resident
    assert 0 < one.file_memory < one.memory
    assert one.cpu_seconds > 0.1
    assert one.cpu >= 0
    assert one.disk > 10_000
    assert one.points == 37
    running.clear()
    asyncio.run(reader.read())
    assert reader.latest == {}


def test_the_agent_tells_usage_and_output_of_its_nodes(agent: RunningAgent) -> None:
    cluster_id = uuid.uuid4()
    agent.started(cluster_id)

    def measured() -> NodeUsage | None:
        return next((one for one in agent.provisioner.usage() if one.cluster_id == str(cluster_id)), None)

    one = wait_until(measured, seconds=60, what="the agent has measured the node")
    assert one.memory > 1_000_000
    agent.provisioner.stop(cluster_id, Owner(2))
    lines = [text for _, text in agent.provisioner.lines(cluster_id)]
    assert any("message=ready" in line for line in lines)
    assert lines[-1].endswith("message=stopped")


def test_an_unknown_cluster_has_no_lines(agent: RunningAgent) -> None:
    assert agent.provisioner.lines(uuid.uuid4()) == []


def test_points_are_summed_over_collections() -> None:
    text = '# TYPE collection_points gauge\ncollection_points{id="a"} 3\ncollection_points{id="b"} 4\n'
    assert points_in(text + "# TYPE collections_total gauge\ncollections_total 2\n") == 7
