"""What the nodes of this machine use: read every few seconds from the system and, for the points, from the nodes."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from cloudconsole.unix_sockets import async_unix_transport

READ_EVERY_SECONDS = 10.0
LOOK_CLOSER_EVERY = 6  # readings between two looks at disk and points, which cost more
_NODE_SECONDS = 5.0
_BLOCK = 512  # the unit of st_blocks, whatever the file system's own is


@dataclass(frozen=True)
class RunningNode:
    """Where to look for a node's usage."""

    cluster_id: str
    pid: int
    storage: Path
    socket: Path


@dataclass(frozen=True)
class Usage:
    """``cpu`` in cores, memory and disk in bytes; None until read. ``file_memory`` is a part of ``memory``."""

    cluster_id: str
    cpu: float | None = None
    cpu_seconds: float = 0.0  # since the process began
    memory: int | None = None
    file_memory: int | None = None
    disk: int | None = None
    points: int | None = None


class UsageReader:
    """Keeps the latest usage of every node that runs."""

    def __init__(self, running: Callable[[], Iterable[RunningNode]]) -> None:
        self._running = running
        self._readings = 0
        self._before: dict[int, tuple[float, float]] = {}  # pid -> when, and processor seconds until then
        self.latest: dict[str, Usage] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EVERY_SECONDS)

    async def read(self) -> None:
        """Read once."""
        closer = self._readings % LOOK_CLOSER_EVERY == 0
        self._readings += 1
        nodes = list(self._running())
        self._before = {node.pid: self._before[node.pid] for node in nodes if node.pid in self._before}
        latest = {}
        for node in nodes:
            known = self.latest.get(node.cluster_id, Usage(node.cluster_id))
            with contextlib.suppress(psutil.Error):  # it has just ended
                known = self._of_processes(node, known)
            if closer or known.disk is None:
                known = replace(known, disk=await asyncio.to_thread(_disk_usage, node.storage))
            if closer or known.points is None:
                known = replace(known, points=await _points(node.socket))
            latest[node.cluster_id] = known
        self.latest = latest

    def _of_processes(self, node: RunningNode, known: Usage) -> Usage:
        root = psutil.Process(node.pid)
        times = root.cpu_times()
        # Children that have ended count in the children_ fields, those that live are asked themselves.
        seconds = times.user + times.system + times.children_user + times.children_system
        memory = file_memory = 0
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                held = process.memory_info()
                memory, file_memory = memory + held.rss, file_memory + getattr(held, "shared", 0)
                if process != root:
                    own = process.cpu_times()
                    seconds += own.user + own.system
        now = time.monotonic()
        cpu = None
        if before := self._before.get(node.pid):
            then, seconds_then = before
            cpu = max(0.0, seconds - seconds_then) / (now - then)
        self._before[node.pid] = now, seconds
        return replace(known, cpu=cpu, cpu_seconds=seconds, memory=memory, file_memory=file_memory)


def _disk_usage(folder: Path) -> int:
    """Bytes on disk below a folder; sparse files count what they take."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * _BLOCK
    return total


async def _points(socket: Path) -> int | None:
    """Points in all collections, from the node's own metrics; None while it does not answer."""
    try:
        async with httpx.AsyncClient(transport=async_unix_transport(socket), timeout=_NODE_SECONDS) as client:
            answer = await client.get("http://node/metrics")
    except httpx.HTTPError:
        return None
    if not answer.is_success:
        return None
    return points_in(answer.text)


def points_in(metrics: str) -> int:
    """The sum of ``collection_points`` in a Qdrant server's ``/metrics``."""
    families = text_string_to_metric_families(metrics)
    return int(sum(one.value for family in families for one in family.samples if one.name == "collection_points"))
