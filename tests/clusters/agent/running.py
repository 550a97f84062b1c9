"""A node agent process for tests."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import psutil

from cloudconsole.lifeline import die_with_parent
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.node_agent import NodeAgentProvisioner, NodeStatus
from clusters.provisioners.owner import Owner
from tests.waiting import wait_until

PROJECT_DIR = Path(__file__).resolve().parents[3]
CONFIGURATION = {"version": "v1.19.0", "inference_enabled": False}


class RunningAgent:
    """``manage.py node_agent`` on a data folder of its own, whose path is short enough to hold its sockets."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.run_dir = data_dir / "run"
        own = {"CLOUDCONSOLE_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}
        self.environment = {**os.environ, **own}
        self.log = data_dir / "agent.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "node_agent"],
                cwd=PROJECT_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self.provisioner = NodeAgentProvisioner(self.run_dir)
        wait_until(self._answers, seconds=20, what="the agent answers")

    def _answers(self) -> bool:
        try:
            self.provisioner.status(uuid.uuid4())
        except ProvisionerUnavailable:
            return False
        return True

    def started(self, cluster_id: uuid.UUID, generation: int = 1) -> NodeStatus:
        """Start a node and wait until it is ready."""
        self.provisioner.start(cluster_id, Owner(generation), CONFIGURATION)
        return self.ready(cluster_id, generation)

    def ready(self, cluster_id: uuid.UUID, generation: int = 1) -> NodeStatus:
        """Wait until this generation is ready."""
        wait_until(lambda: self.provisioner.ready(cluster_id, generation), seconds=20, what="the node is ready")
        return self.status(cluster_id)

    def status(self, cluster_id: uuid.UUID) -> NodeStatus:
        """The status of a node that the agent knows."""
        status = self.provisioner.status(cluster_id)
        assert status is not None
        return status

    def node(self, cluster_id: uuid.UUID) -> httpx.Client:
        """A client of a cluster's node."""
        transport = httpx.HTTPTransport(uds=self.provisioner.upstream(cluster_id))
        return httpx.Client(transport=transport, base_url="http://node", timeout=20)

    def node_processes(self) -> list[int]:
        """The pids of the agent's children that listen for requests: the one in waiting does not."""
        return [child.pid for child in psutil.Process(self.process.pid).children() if _listens(child)]

    def waiting_process(self) -> int | None:
        """The pid of the process that waits to become a node; None while there is none."""
        children = psutil.Process(self.process.pid).children()
        waiting = (child.pid for child in children if child.cmdline()[-1:] == ["--standby"] and not _listens(child))
        return next(waiting, None)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def _listens(process: psutil.Process) -> bool:
    return any(str(place.laddr).endswith(".sock") for place in process.net_connections("unix"))
