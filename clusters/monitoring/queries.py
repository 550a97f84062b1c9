"""Reading the time series: one query each, grouped by the database into as many points as are shown."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from clusters.models import Cluster
from clusters.monitoring.rules import BUCKETS, MINUTE, first_kept, step_for

_NODES = """
SELECT node, date_bin(%(step)s, at, 'epoch') AS point, avg(cpu), avg(memory), avg(file_memory), avg(disk), avg(points)
FROM monitoring_nodesample
WHERE cluster_id = %(cluster)s AND at >= %(since)s AND at < %(until)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
_TRAFFIC = """
WITH rows AS (
    SELECT date_bin(%(step)s, at, 'epoch') AS point, *
    FROM monitoring_trafficsample
    WHERE cluster_id = %(cluster)s AND at >= %(since)s AND at < %(until)s
), places AS (
    SELECT point, place, sum(count)::bigint AS count
    FROM rows, unnest(histogram) WITH ORDINALITY AS bucket (count, place) GROUP BY 1, 2
), histograms AS (
    SELECT point, array_agg(count ORDER BY place) AS histogram FROM places GROUP BY 1
)
SELECT point, sum(requests)::bigint, sum(failures)::bigint, sum(seconds), max(minutes), min(histograms.histogram)
FROM rows JOIN histograms USING (point) GROUP BY 1 ORDER BY 1
"""
_AVERAGES = """
SELECT node, width, avg(cpu), avg(memory), avg(file_memory), avg(disk), avg(points)
FROM monitoring_nodesample JOIN unnest(%(widths)s::interval[]) AS width ON at >= %(now)s - width
WHERE cluster_id = %(cluster)s AND at >= %(now)s - (SELECT max(width) FROM unnest(%(widths)s::interval[]) AS width)
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Window:
    """A stretch of time and how far apart its points lie. ``since`` is the start of the first point."""

    since: datetime
    until: datetime
    step: timedelta

    @classmethod
    def of(cls, since: datetime, until: datetime, *, now: datetime) -> "Window":
        """The window as far as there can be numbers: neither before they are kept nor after now."""
        since, until = max(since, first_kept(now)), min(until, now)
        step = step_for(until - since)
        return cls(_floor(since, step), until, step)

    @property
    def points(self) -> Iterator[datetime]:
        """The start of each point."""
        at = self.since
        while at < self.until:
            yield at
            at += self.step


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, moment.tzinfo)


@dataclass(frozen=True)
class NodePoint:
    """A node's means over one point; None for what is not measured."""

    at: datetime
    cpu: float | None
    memory: float | None
    file_memory: float | None
    disk: float | None
    points: float | None


@dataclass(frozen=True)
class TrafficPoint:
    """What was answered during one point."""

    at: datetime
    seconds_long: float
    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    histogram: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds_long

    @property
    def mean_latency(self) -> float | None:
        """Seconds; None without requests."""
        return self.seconds / self.requests if self.requests else None


def node_series(cluster: Cluster, window: Window) -> dict[int, list[NodePoint]]:
    """Points of each node that has any, by its number."""
    nodes: dict[int, list[NodePoint]] = {}
    for node, *values in _rows(_NODES, _parameters(cluster, window)):
        nodes.setdefault(node, []).append(NodePoint(*values))
    return nodes


def traffic_series(cluster: Cluster, window: Window) -> list[TrafficPoint]:
    """A point for every step since the cluster was made; those without requests are zero."""
    found = {}
    for at, requests, failures, seconds, minutes, histogram in _rows(_TRAFFIC, _parameters(cluster, window)):
        longest = max(window.step, timedelta(minutes=minutes))
        elapsed = min(longest, max(window.until - at, timedelta(minutes=MINUTE)))
        found[at] = TrafficPoint(at, elapsed.total_seconds(), requests, failures, seconds, histogram)
    born = _floor(cluster.created_at, window.step)
    empty = window.step.total_seconds()
    return [found.get(at) or TrafficPoint(at, empty) for at in window.points if at >= born or at in found]


def node_averages(cluster: Cluster, widths: list[timedelta], *, now: datetime) -> dict[int, dict[timedelta, NodePoint]]:
    """Means over the last so-and-so long, for each node that has any, by its number."""
    nodes: dict[int, dict[timedelta, NodePoint]] = {}
    parameters = {"cluster": cluster.pk, "now": now, "widths": widths}
    for node, width, *values in _rows(_AVERAGES, parameters):
        nodes.setdefault(node, {})[width] = NodePoint(now, *values)
    return nodes


def _parameters(cluster: Cluster, window: Window) -> dict[str, Any]:
    return {"cluster": cluster.pk, "since": window.since, "until": window.until, "step": window.step}


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
