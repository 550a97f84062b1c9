"""A whole cloud in processes of its own, as `make run` starts it, and what tests need to know of it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from cloudconsole.paths import PROJECT_DIR, Paths, resolve_paths
from tests.waiting import wait_until

PORTS = (
    "CLOUDCONSOLE_PORT",
    "CLOUDCONSOLE_GRPC_PORT",
    "GATEWAY_REST_PORT",
    "GATEWAY_GRPC_PORT",
    "CONSOLE_METRICS_PORT",
    "GATEWAY_METRICS_PORT",
    "API_METRICS_PORT",
    "TASKS_METRICS_PORT",
    "NODE_AGENT_METRICS_PORT",
)
START_SECONDS = 180  # the first start of all fetches weights


class RunningCloud:
    """One supervisor process and its environment."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` as a user of this cloud would."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    @property
    def status(self) -> dict[str, Any]:
        """What ``manage.py status --json`` says now."""
        return json.loads(self.manage("status", "--json").stdout)

    def cluster(self, name: str) -> dict[str, Any]:
        """One cluster's part of the status."""
        return next(cluster for cluster in self.status["clusters"] if cluster["name"] == name)

    @property
    def paths(self) -> Paths:
        """The folders of this cloud."""
        return resolve_paths(Path(self.environment["CLOUDCONSOLE_DATA_DIR"]))

    def process_id(self, name: str) -> int:
        """The process id of one of the supervisor's children, by the name that its log lines carry."""
        return json.loads(self.paths.processes.read_text())["process_ids"][name]

    def node_process_id(self, cluster_id: str) -> int:
        """The process id of a cluster's node."""
        transport = httpx.HTTPTransport(uds=str(self.paths.run / "agent.sock"))
        with httpx.Client(transport=transport, base_url="http://agent") as agent:
            return agent.get(f"/nodes/{cluster_id}").json()["pid"]

    def database(self) -> psycopg.Connection:
        """A connection to this cloud's own PostgreSQL."""
        return psycopg.connect(
            host=str(self.paths.postgres_socket_dir), user="postgres", dbname="cloudconsole", autocommit=True
        )

    def start(self, *arguments: str) -> None:
        """``manage.py up`` until it says that it is ready."""
        written = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *arguments],
                cwd=PROJECT_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: self._started_or_gone(written), seconds=START_SECONDS, what="the cloud is up")
        if self.process.poll() is not None:
            raise AssertionError(f"the cloud ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        wait_until(lambda: self.status["ready"], seconds=START_SECONDS, what="the cloud is ready")

    def _started_or_gone(self, written: int) -> bool:
        """Asking for the status again and again instead would keep one of two cores busy while the cloud starts."""
        assert self.process
        return self.process.poll() is not None or b"\ncloudconsole is " in self.log.read_bytes()[written:]

    def stop(self) -> int:
        """One Ctrl-C; the exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=90)

    def kill(self) -> None:
        """kill -9 of the supervisor, which has no time for anything."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def start_cloud(folder: Path) -> Iterator[RunningCloud]:
    """A cloud with its data in ``folder`` on free ports, stopped at the end, which SIGTERM brings about too."""
    ports = {name: str(free_port()) for name in PORTS}
    environment = (
        os.environ
        | ports
        | {
            "CLOUDCONSOLE_DATA_DIR": str(folder / "cloud"),
            "DJANGO_SETTINGS_MODULE": "cloudconsole.settings",
            "PYTHONUNBUFFERED": "1",
        }
    )
    cloud = RunningCloud(environment, folder / "cloud.log")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cloud.start()
        yield cloud
    finally:
        cloud.stop()
        cloud.manage("delete_data")
        signal.signal(signal.SIGTERM, before)
