"""The node agent through its client: generations, restarts, deaths, deletions."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import psutil
import pytest
from qdrant_client import grpc as q

from cloudconsole.paths import grpc_socket
from clusters.provisioners.errors import GenerationRefused, ProvisionerUnavailable
from clusters.provisioners.node_agent import NodeAgentProvisioner
from clusters.provisioners.owner import Owner
from tests.clusters.agent.running import CONFIGURATION, PROJECT_DIR, RunningAgent
from tests.waiting import wait_until

LAST = Owner(100)
UNKNOWN = uuid.UUID(int=404)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    running = RunningAgent(tmp_path_factory.mktemp("agent"))
    yield running
    running.stop()


@pytest.fixture
def cluster_id(agent: RunningAgent) -> Iterator[uuid.UUID]:
    """A cluster that is deleted after the test."""
    identifier = uuid.uuid4()
    yield identifier
    agent.provisioner.delete(identifier, LAST)


def store_a_point(agent: RunningAgent, cluster_id: uuid.UUID) -> None:
    with agent.node(cluster_id) as node:
        vectors = {"size": 2, "distance": "Dot"}
        assert node.put("/collections/c", json={"vectors": vectors}).is_success
        points = [{"id": 1, "vector": [1, 2], "payload": {"a": "b"}}]
        assert node.put("/collections/c/points?wait=true", json={"points": points}).is_success


def stored_point(agent: RunningAgent, cluster_id: uuid.UUID) -> dict:
    with agent.node(cluster_id) as node:
        return node.get("/collections/c/points/1").json()["result"]


POINT = {"id": 1, "payload": {"a": "b"}, "vector": [1.0, 2.0]}


class TestGenerations:
    def test_a_started_node_answers_on_its_socket(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        status = agent.started(cluster_id)
        assert (status.state, status.ready, status.generation, status.restarts) == ("running", True, 1, 0)
        assert status.socket == agent.provisioner.upstream(cluster_id)
        assert psutil.pid_exists(status.pid or 0)
        with agent.node(cluster_id) as node:
            assert node.get("/").json()["version"] == "1.19.0"
        with grpc.insecure_channel(f"unix:{grpc_socket(Path(status.socket))}") as channel:
            assert q.QdrantStub(channel).HealthCheck(q.HealthCheckRequest(), timeout=10).version == "1.19.0"

    def test_the_same_generation_never_starts_twice(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        first = agent.started(cluster_id)
        for _ in range(3):
            agent.provisioner.start(cluster_id, Owner(1), {**CONFIGURATION, "inference_enabled": True})
        assert agent.status(cluster_id) == first

    def test_concurrent_starts_make_one_process(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        before = len(agent.node_processes())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: agent.provisioner.start(cluster_id, Owner(1), CONFIGURATION), range(4)))
        agent.ready(cluster_id)
        assert len(agent.node_processes()) == before + 1

    def test_a_restart_is_another_process_with_the_same_data(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        first = agent.started(cluster_id)
        store_a_point(agent, cluster_id)
        agent.provisioner.stop(cluster_id, Owner(2))
        assert not psutil.pid_exists(first.pid or 0)
        assert agent.status(cluster_id).state == "stopped"
        second = agent.started(cluster_id, generation=2)
        assert second.pid != first.pid
        assert stored_point(agent, cluster_id) == POINT

    def test_a_newer_generation_waits_for_the_older_to_stop(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        first = agent.started(cluster_id)
        with pytest.raises(GenerationRefused, match="generation 1 is running, stop it first"):
            agent.provisioner.start(cluster_id, Owner(2), CONFIGURATION)
        assert agent.status(cluster_id) == first

    def test_an_older_generation_never_comes_back(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.started(cluster_id, generation=5)
        with pytest.raises(GenerationRefused, match="generation 4 is stale"):
            agent.provisioner.start(cluster_id, Owner(4), CONFIGURATION)
        agent.provisioner.stop(cluster_id, Owner(7))
        with pytest.raises(GenerationRefused, match="generation 6 is stale"):
            agent.provisioner.start(cluster_id, Owner(6), CONFIGURATION)
        assert agent.status(cluster_id).state == "stopped"

    def test_a_stop_leaves_its_own_generation_alone(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        first = agent.started(cluster_id, generation=3)
        agent.provisioner.stop(cluster_id, Owner(3))
        agent.provisioner.stop(cluster_id, Owner(2))
        assert agent.status(cluster_id) == first

    def test_a_stop_takes_its_own_generation_along_when_told(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.started(cluster_id)
        agent.provisioner.stop(cluster_id, Owner(1), including_own=True)
        assert agent.status(cluster_id).state == "stopped"
        agent.started(cluster_id)

    def test_an_owner_that_lost_its_claim_comes_too_late(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.provisioner.start(cluster_id, Owner(3, token=2), CONFIGURATION)
        first = agent.ready(cluster_id, 3)
        with pytest.raises(GenerationRefused, match="stale"):
            agent.provisioner.start(cluster_id, Owner(3, token=1), CONFIGURATION)
        agent.provisioner.stop(cluster_id, Owner(3, token=1), including_own=True)
        with pytest.raises(GenerationRefused, match="stale"):
            agent.provisioner.delete(cluster_id, Owner(3, token=1))
        assert agent.status(cluster_id) == first

    def test_after_a_deletion_no_earlier_owner_starts_a_node(self, agent: RunningAgent) -> None:
        cluster_id = uuid.uuid4()
        agent.started(cluster_id)
        agent.provisioner.delete(cluster_id, Owner(2, token=1))
        with pytest.raises(GenerationRefused, match="stale"):
            agent.provisioner.start(cluster_id, Owner(1, token=9), CONFIGURATION)
        assert agent.provisioner.status(cluster_id) is None

    def test_an_unknown_cluster_has_no_status_and_is_stopped(self, agent: RunningAgent) -> None:
        unknown = uuid.uuid4()
        assert agent.provisioner.status(unknown) is None
        assert not agent.provisioner.ready(unknown, 1)
        agent.provisioner.stop(unknown, Owner(9))

    def test_a_deleted_cluster_leaves_nothing_behind(self, agent: RunningAgent) -> None:
        cluster_id = uuid.uuid4()
        status = agent.started(cluster_id)
        store_a_point(agent, cluster_id)
        for _ in range(2):
            agent.provisioner.delete(cluster_id, LAST)
        assert not psutil.pid_exists(status.pid or 0)
        assert agent.provisioner.status(cluster_id) is None
        assert not (agent.data_dir / "clusters" / str(cluster_id)).exists()
        assert not Path(agent.provisioner.upstream(cluster_id)).exists()


class TestTheProcessInWaiting:
    def test_it_becomes_the_next_node(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.started(cluster_id)
        store_a_point(agent, cluster_id)
        waiting = wait_until(agent.waiting_process, seconds=20, what="a process waits")
        agent.provisioner.stop(cluster_id, Owner(2))
        assert agent.started(cluster_id, generation=2).pid == waiting
        assert stored_point(agent, cluster_id) == POINT

    def test_without_it_a_node_starts_all_the_same(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.started(cluster_id)
        os.kill(wait_until(agent.waiting_process, seconds=20, what="a process waits"), signal.SIGKILL)
        agent.provisioner.stop(cluster_id, Owner(2))
        assert agent.started(cluster_id, generation=2).state == "running"

    def test_it_ends_with_its_agent(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        running = RunningAgent(tmp_path_factory.mktemp("waiting"))
        running.started(uuid.uuid4())
        waiting = wait_until(running.waiting_process, seconds=20, what="a process waits")
        running.stop(signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(waiting), seconds=20, what="it ends too")


class TestDeaths:
    def test_a_dead_node_is_started_again_and_counted(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        first = agent.started(cluster_id)
        store_a_point(agent, cluster_id)
        os.kill(first.pid or 0, signal.SIGKILL)
        wait_until(lambda: agent.status(cluster_id).restarts == 1, seconds=10, what="the death is noticed")
        second = agent.ready(cluster_id)
        assert second.pid != first.pid
        assert (second.generation, second.restarts) == (1, 1)
        assert stored_point(agent, cluster_id) == POINT

    def test_a_node_that_cannot_start_is_tried_ever_more_slowly(
        self, agent: RunningAgent, cluster_id: uuid.UUID
    ) -> None:
        storage = agent.data_dir / "clusters" / str(cluster_id) / "storage"
        storage.mkdir(parents=True)
        (storage / "collections.json").write_text("{")
        agent.provisioner.start(cluster_id, Owner(1), CONFIGURATION)
        wait_until(lambda: agent.status(cluster_id).restarts >= 2, seconds=20, what="two restarts")
        wait_until(lambda: agent.status(cluster_id).state == "backing_off", seconds=20, what="backing off")
        (storage / "collections.json").unlink()
        agent.ready(cluster_id)
        prefix = str(cluster_id)[:8]
        lines = agent.log.read_text().splitlines()
        assert any(line.startswith(f"{prefix} level=error") and "cannot be loaded" in line for line in lines)
        delays = [line for line in lines if f"{cluster_id} ended" in line]
        assert "restart in 0.2 s" in delays[0]
        assert "restart in 0.4 s" in delays[1]

    def test_a_stop_does_not_wait_for_a_back_off(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        storage = agent.data_dir / "clusters" / str(cluster_id) / "storage"
        storage.mkdir(parents=True)
        (storage / "collections.json").write_text("{")
        agent.provisioner.start(cluster_id, Owner(1), CONFIGURATION)
        wait_until(lambda: agent.status(cluster_id).state == "backing_off", seconds=20, what="backing off")
        agent.provisioner.stop(cluster_id, Owner(2))
        assert (agent.status(cluster_id).state, agent.status(cluster_id).pid) == ("stopped", None)


class TestRequests:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "sentence"),
        [
            ("GET", "/nodes/seven", None, 400, "a cluster id is a UUID"),
            ("PUT", f"/nodes/{UNKNOWN}", {"generation": 1}, 400, "configuration: Field required"),
            ("PUT", f"/nodes/{UNKNOWN}", {"generation": -1, "configuration": CONFIGURATION}, 400, "generation"),
            ("POST", f"/nodes/{UNKNOWN}/stop", [], 400, "Input should be"),
            ("GET", f"/nodes/{UNKNOWN}", None, 404, "there is no node of cluster"),
        ],
    )
    def test_a_wrong_request_gets_a_sentence(
        self, agent: RunningAgent, method: str, path: str, body: object, status: int, sentence: str
    ) -> None:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(agent.run_dir / "agent.sock"))) as client:
            answer = client.request(method, f"http://agent{path}", json=body)
        assert answer.status_code == status
        assert sentence in answer.json()["error"]

    def test_all_nodes_are_listed(self, agent: RunningAgent, cluster_id: uuid.UUID) -> None:
        agent.provisioner.start(cluster_id, Owner(1), CONFIGURATION)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(agent.run_dir / "agent.sock"))) as client:
            nodes = client.get("http://agent/nodes").json()["nodes"]
        assert str(cluster_id) in [node["cluster_id"] for node in nodes]

    def test_an_agent_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(ProvisionerUnavailable, match=r"cannot be reached at .*agent.sock.*manage.py node_agent"):
            NodeAgentProvisioner(tmp_path).status(uuid.uuid4())


class TestAgentItself:
    def test_wanted_nodes_outlive_the_agent_and_processes_do_not(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("again")
        agent, wanted, unwanted = RunningAgent(folder), uuid.uuid4(), uuid.uuid4()
        first = agent.started(wanted)
        store_a_point(agent, wanted)
        agent.started(unwanted)
        agent.provisioner.stop(unwanted, Owner(2))
        agent.stop(signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(first.pid or 0), seconds=10, what="the node dies with its agent")

        again = RunningAgent(folder)
        assert again.ready(wanted).pid != first.pid
        assert stored_point(again, wanted) == POINT
        assert again.status(unwanted).state == "stopped"
        with pytest.raises(GenerationRefused, match="stale"):
            again.provisioner.start(unwanted, Owner(1), CONFIGURATION)

        last = again.status(wanted)
        assert again.stop() == 0
        assert not psutil.pid_exists(last.pid or 0)
        assert "message=stopped" in again.log.read_text().splitlines()[-1]
        assert list(again.run_dir.glob("*.sock")) == []

    def test_a_second_agent_on_the_same_data_refuses_to_run(self, agent: RunningAgent) -> None:
        command = [sys.executable, "manage.py", "node_agent"]
        second = subprocess.run(command, cwd=PROJECT_DIR, env=agent.environment, capture_output=True, timeout=20)
        assert second.returncode == 1
        assert b"another node agent holds" in second.stderr
        assert agent.process.poll() is None
