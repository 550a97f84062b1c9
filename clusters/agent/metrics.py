"""What the agent tells Prometheus: what its nodes use and in which state they are."""

import asyncio
from collections.abc import Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clusters.agent.nodes import Nodes
from clusters.agent.usage import Usage, UsageReader

_PATIENCE_SECONDS = 5


class NodeMetrics(Collector):
    """Reads what the agent has in memory anyway, on its event loop: Prometheus asks from a thread of its own."""

    def __init__(self, nodes: Nodes, usage: UsageReader) -> None:
        self._nodes = nodes
        self._usage = usage
        self._loop = asyncio.get_running_loop()

    async def _statuses(self) -> list[dict[str, Any]]:
        return self._nodes.statuses()

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would ask ``collect`` otherwise, from the loop that this waits for."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Usage and state of each node, by its cluster."""
        usage = list(self._usage.latest.values())
        yield _gauge("memory_bytes", "Resident memory of the node's processes", [(u, u.memory) for u in usage])
        yield _gauge("file_memory_bytes", "Its part that are pages of files", [(u, u.file_memory) for u in usage])
        yield _gauge("disk_bytes", "What the node's data takes on disk", [(u, u.disk) for u in usage])
        yield _gauge("points", "Points in all collections", [(u, u.points) for u in usage])
        cpu = CounterMetricFamily("cloudconsole_node_cpu_seconds", "Processor time", labels=["cluster"])
        for one in usage:
            cpu.add_metric([one.cluster_id], one.cpu_seconds)
        yield cpu
        states = GaugeMetricFamily("cloudconsole_node_state", "1 for the node's state", labels=["cluster", "state"])
        restarts = CounterMetricFamily("cloudconsole_node_restarts", "Ends that nobody asked for", labels=["cluster"])
        for status in asyncio.run_coroutine_threadsafe(self._statuses(), self._loop).result(_PATIENCE_SECONDS):
            states.add_metric([status["cluster_id"], status["state"]], 1)
            restarts.add_metric([status["cluster_id"]], status["restarts"])
        yield states
        yield restarts


def _gauge(name: str, explanation: str, values: list[tuple[Usage, int | None]]) -> Metric:
    family = GaugeMetricFamily(f"cloudconsole_node_{name}", explanation, labels=["cluster"])
    for usage, value in values:
        if value is not None:
            family.add_metric([usage.cluster_id], value)
    return family
