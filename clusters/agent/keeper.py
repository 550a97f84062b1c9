"""One cluster's node, kept running: started, restarted with back-off when it dies, stopped when told."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from pathlib import Path
from typing import Any, Literal

from cloudconsole.paths import grpc_socket, link_socket
from clusters.agent.process import Lines, NodeProcess
from clusters.agent.spare import SpareProcess
from clusters.agent.usage import RunningNode
from clusters.agent.wanted import WantedNode

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
MOST_LINES = 1_000  # of a node's output that are kept

State = Literal["starting", "running", "backing_off", "stopped"]


class NodeKeeper:
    """Keeps the node of one cluster running between ``start`` and ``stop``."""

    def __init__(self, storage: Path, socket: Path, spare: SpareProcess) -> None:
        self._storage = storage
        self._spare = spare
        self.socket = socket
        self.state: State = "stopped"
        self.restarts = 0
        self.lines: Lines = deque(maxlen=MOST_LINES)
        self._process: NodeProcess | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, wanted: WantedNode) -> None:
        """Start the node and keep it running; returns at once."""
        self._stopping = asyncio.Event()
        self.restarts = 0
        self.state = "starting"
        self._task = asyncio.create_task(self._keep_running(wanted))

    async def stop(self) -> None:
        """Stop the node and wait until its process is gone."""
        self._stopping.set()
        if self._process is not None:
            await self._process.stop()
        if self._task is not None:
            await self._task
            self._task = None

    def report(self) -> dict[str, Any]:
        """What runs: state, readiness, pid, start time, restarts, socket and the memory that the process holds."""
        process = self._process
        return {
            "state": self.state,
            "ready": self.state == "running",
            "pid": process.pid if process else None,
            "started_at": process.started_at.isoformat() if process else None,
            "restarts": self.restarts,
            "socket": str(self.socket),
            "memory_bytes": process.memory_bytes() if process else None,
        }

    def running(self, cluster_id: str) -> RunningNode | None:
        """Where to look for the node's usage; None while no process runs."""
        if self._process is None:
            return None
        return RunningNode(cluster_id, self._process.pid, self._storage, self.socket)

    async def _keep_running(self, wanted: WantedNode) -> None:
        delay = FIRST_DELAY_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_once(wanted)
            if self._stopping.is_set():
                break
            if time.monotonic() - started >= HEALTHY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            log.warning("node %s ended with status %s, restart in %.1f s", wanted.cluster_id, status, delay)
            self.state = "backing_off"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            self.restarts += 1
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        self.state = "stopped"
        self.socket.unlink(missing_ok=True)
        grpc_socket(self.socket).unlink(missing_ok=True)
        link_socket(self.socket).unlink(missing_ok=True)

    async def _run_once(self, wanted: WantedNode) -> int | str:
        """Run one process to its end; returns its exit status, or why it could not start."""
        self.state = "starting"
        try:
            self._process = await NodeProcess.start(wanted, self._storage, self.socket, self.lines, self._spare)
        except OSError as error:
            return str(error)
        if self._stopping.is_set():  # told to stop before there was a process to stop
            await self._process.stop()
        readiness = asyncio.create_task(self._watch_readiness(self._process))
        try:
            return await self._process.wait()
        finally:
            readiness.cancel()
            self._process = None

    async def _watch_readiness(self, process: NodeProcess) -> None:
        await process.wait_ready()
        self.state = "running"
        self._spare.prepare()
