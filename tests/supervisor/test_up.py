"""`manage.py up` as a person meets it: starting, stopping, starting again, and everything that can be in the way."""

import os
import signal
import socket
import stat
import subprocess
import sys

import grpc
import httpx
import pytest
from qdrant_client import grpc as q

from cloudconsole.paths import PROJECT_DIR
from cloudconsole.supervisor.cloud import check_ports
from cloudconsole.supervisor.folders import StartRefused
from tests.running_cloud import PORTS, RunningCloud, free_port, start_cloud
from tests.waiting import wait_until

SETTINGS = {"CLOUDCONSOLE_PORT": "CONSOLE_PORT", "CLOUDCONSOLE_GRPC_PORT": "API_GRPC_PORT"}  # others: the same name


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory):
    """A cloud that these tests may stop and kill."""
    with start_cloud(tmp_path_factory.mktemp("up")) as cloud:
        yield cloud


def points(cloud: RunningCloud) -> httpx.Client:
    cluster = cloud.cluster("new-us")
    return httpx.Client(base_url=cluster["rest"], headers={"api-key": cluster["api_key"]}, timeout=30)


def test_the_demo_is_there_and_reachable(own_cloud):
    status = own_cloud.status
    assert status["ready"]
    assert {c["name"]: (c["region"], c["phase"]) for c in status["clusters"]} == {
        "legacy-us": ("gcp/us-east4", "HEALTHY"),
        "new-us": ("aws/us-east-1", "HEALTHY"),
        "paid-eu": ("aws/eu-central-1", "HEALTHY"),
        "free-us": ("aws/us-east-1", "HEALTHY"),
    }
    assert {c["name"]: c["inference"]["applied"] for c in status["clusters"]} == {
        "legacy-us": False,
        "new-us": True,
        "paid-eu": False,
        "free-us": False,
    }
    assert httpx.get(status["urls"]["console"], follow_redirects=True).status_code == 200
    assert httpx.get(status["urls"]["rest"]).json()["version"] == "1.19.0"
    with grpc.insecure_channel(status["urls"]["grpc"]) as channel:
        assert q.QdrantStub(channel).HealthCheck(q.HealthCheckRequest(), timeout=10).version == "1.19.0"
        for cluster in status["clusters"]:
            key = [("api-key", cluster["api_key"])]
            assert not q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=key).collections


def test_secrets_and_sockets_are_private(own_cloud):
    assert stat.S_IMODE(own_cloud.paths.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(own_cloud.paths.demo_secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(own_cloud.paths.run.stat().st_mode) == 0o700


def test_the_environment_form_of_the_status_can_be_read_by_a_shell(own_cloud):
    lines = own_cloud.manage("status", "--format", "env").stdout
    script = f"{lines}\necho $CLOUDCONSOLE_READY $NEW_US_API_KEY"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert said == ["1", own_cloud.cluster("new-us")["api_key"]]


def test_a_second_supervisor_on_the_same_data_is_refused(own_cloud):
    second = own_cloud.manage("up")
    assert second.returncode != 0
    assert "running" in second.stderr
    assert "CLOUDCONSOLE_DATA_DIR" in second.stderr


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_up_does_not_start_where_a_port_is_taken(own_cloud, taken_port, tmp_path):
    changed = {"GATEWAY_REST_PORT": str(taken_port), "CLOUDCONSOLE_DATA_DIR": str(tmp_path / "d")}
    changed |= {option: str(free_port()) for option in PORTS if option not in changed}
    refused = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=PROJECT_DIR,
        env=own_cloud.environment | changed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert refused.returncode != 0
    assert f"Port {taken_port} cannot be used" in refused.stderr
    assert "GATEWAY_REST_PORT=" in refused.stderr


@pytest.mark.parametrize("option", PORTS)
def test_a_taken_port_is_named_with_the_option_that_changes_it(option, taken_port, settings):
    for other in PORTS:
        setattr(settings, SETTINGS.get(other, other), taken_port if other == option else free_port())
    with pytest.raises(StartRefused, match=rf"Port {taken_port} .*{option}="):
        check_ports()


def test_a_killed_process_is_started_again_and_said(own_cloud):
    before = own_cloud.process_id("gateway")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: own_cloud.process_id("gateway") != before, seconds=20, what="a new gateway process")
    wait_until(lambda: own_cloud.status["ready"], seconds=30, what="ready again")
    assert "gateway ended with signal SIGKILL; starting it again" in own_cloud.log.read_text()


def test_data_survives_a_stop_and_a_start(own_cloud):
    with points(own_cloud) as client:
        client.put("/collections/kept", json={"vectors": {"size": 2, "distance": "Dot"}}).raise_for_status()
        body = {"points": [{"id": 1, "vector": [1.0, 2.0], "payload": {"kept": True}}]}
        client.put("/collections/kept/points", params={"wait": "true"}, json=body).raise_for_status()
    secrets = own_cloud.status["demo"]
    assert own_cloud.stop() == 0
    assert not own_cloud.status["ready"]
    own_cloud.start()
    assert own_cloud.status["demo"] == secrets
    with points(own_cloud) as client:
        assert client.get("/collections/kept/points/1").json()["result"]["payload"] == {"kept": True}


def test_after_a_killed_supervisor_nothing_is_left_and_the_next_start_works(own_cloud):
    names = ["postgres", "redis", "node agent", "inference", "gateway", "console", "task worker", "beat"]
    pids = [own_cloud.process_id(name) for name in names]
    pids.append(own_cloud.node_process_id(own_cloud.cluster("new-us")["id"]))
    own_cloud.kill()
    wait_until(lambda: not any(map(alive, pids)), seconds=20, what="all processes are gone")
    own_cloud.start()
    with points(own_cloud) as client:
        assert client.get("/collections/kept/points/1").json()["result"]["payload"] == {"kept": True}


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_paths_of_sockets_stay_short_wherever_the_data_lies(tmp_path):
    from cloudconsole.paths import resolve_paths

    paths = resolve_paths(tmp_path / ("very-long-folder-name-" * 8))
    assert len(str(paths.run / "n-00000000-0000-0000-0000-000000000000.sock")) <= 103
    assert len(str(paths.postgres_socket_dir / ".s.PGSQL.5432")) <= 103
