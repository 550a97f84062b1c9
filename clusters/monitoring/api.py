"""MonitoringService of the admin API: usage now, usage over time, logs."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.monitoring.v1 import monitoring_pb2
from cloudconsole.api.registry import serves
from clusters.messages import node_name
from clusters.models import Cluster
from clusters.monitoring.logs import cluster_log
from clusters.monitoring.queries import NodePoint, Window, node_averages, node_series, traffic_series
from clusters.queries import cluster_of

_SERVICE = "qdrant.cloud.monitoring.v1.MonitoringService"
_GIB = 1024**3
_AVERAGED_OVER = [timedelta(minutes=5), timedelta(hours=1), timedelta(hours=24)]
_USAGE_WINDOW = timedelta(hours=1)
_LOG_WINDOW = timedelta(days=3)

# Field of the API's messages -> the value of a node's point, in cores or GiB. ``ram`` is what the process holds;
# ``ram_cache`` the part that are pages of files, ``ram_rss`` the rest.
_RESOURCES: dict[str, Callable[[NodePoint], float | None]] = {
    "cpu": lambda point: point.cpu,
    "ram": lambda point: _gib(point.memory),
    "ram_cache": lambda point: _gib(point.file_memory),
    "ram_rss": lambda point: _gib(_anonymous(point)),
    "ram_qdrant_rss": lambda point: _gib(point.memory),
    "disk": lambda point: _gib(point.disk),
}
_AGGREGATORS: dict[int, Callable[[list[float]], float]] = {
    monitoring_pb2.AGGREGATOR_SUM: sum,
    monitoring_pb2.AGGREGATOR_AVG: lambda values: sum(values) / len(values),
    monitoring_pb2.AGGREGATOR_MAX: max,
    monitoring_pb2.AGGREGATOR_MIN: min,
}


@serves(f"{_SERVICE}.GetClusterSummaryMetrics")
def get_cluster_summary_metrics(
    request: monitoring_pb2.GetClusterSummaryMetricsRequest, caller: Caller
) -> monitoring_pb2.GetClusterSummaryMetricsResponse:
    """Per measured node: averages over the last 5 minutes, hour and day, beside what the package has."""
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    averages = node_averages(cluster, _AVERAGED_OVER, now=timezone.now())
    nodes = []
    for node, by_width in averages.items():
        overviews = {name: _overview(cluster, name, by_width) for name in _RESOURCES}
        nodes.append(monitoring_pb2.ClusterNodeMetrics(node_id=node_name(cluster, node), **overviews))
    return monitoring_pb2.GetClusterSummaryMetricsResponse(nodes=nodes)


def _overview(
    cluster: Cluster, resource: str, by_width: dict[timedelta, NodePoint]
) -> monitoring_pb2.ClusterMetricOverview:
    averages = []
    for width, point in sorted(by_width.items()):
        if (value := _RESOURCES[resource](point)) is not None:
            interval = Duration()
            interval.FromTimedelta(width)
            averages.append(monitoring_pb2.IntervalAverage(interval=interval, value=value))
    return monitoring_pb2.ClusterMetricOverview(avg=averages, total=_total(cluster, resource))


def _total(cluster: Cluster, resource: str) -> monitoring_pb2.ResourceValue:
    package = cluster.package
    if resource == "cpu":
        return monitoring_pb2.ResourceValue(value=package.cpu_millicores / 1000, unit="vcpu/core")
    gib = package.disk_gib + cluster.additional_disk_gib if resource == "disk" else package.ram_gib
    return monitoring_pb2.ResourceValue(value=gib, unit="GiB")


@serves(f"{_SERVICE}.GetClusterUsageMetrics")
def get_cluster_usage_metrics(
    request: monitoring_pb2.GetClusterUsageMetricsRequest, caller: Caller
) -> monitoring_pb2.GetClusterUsageMetricsResponse:
    """Series over a window, by default the last hour: cores, GiB, requests per second, seconds of latency.

    The aggregator joins the nodes' values, by default as their sum. What was not measured has no points.
    """
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    since, until = _window(request, _USAGE_WINDOW)
    window = Window.of(since, until, now=timezone.now())
    aggregate = _AGGREGATORS[request.aggregator or monitoring_pb2.AGGREGATOR_SUM]
    nodes = node_series(cluster, window)
    traffic = traffic_series(cluster, window)
    return monitoring_pb2.GetClusterUsageMetricsResponse(
        **{name: _metrics(_joined(nodes.values(), value, aggregate)) for name, value in _RESOURCES.items()},
        rps=_metrics((point.at, point.per_second) for point in traffic),
        latency=_metrics((point.at, point.mean_latency) for point in traffic),
        nodes=[_node_usage(cluster, node, points) for node, points in nodes.items()],
    )


def _node_usage(cluster: Cluster, node: int, points: list[NodePoint]) -> monitoring_pb2.ClusterNodeUsageMetrics:
    series: dict[str, Any] = {
        name: _metrics((point.at, value(point)) for point in points) for name, value in _RESOURCES.items()
    }
    return monitoring_pb2.ClusterNodeUsageMetrics(node_id=node_name(cluster, node), **series)


def _joined(
    nodes: Iterable[list[NodePoint]],
    value: Callable[[NodePoint], float | None],
    aggregate: Callable[[list[float]], float],
) -> list[tuple[datetime, float | None]]:
    values: dict[datetime, list[float]] = defaultdict(list)
    for points in nodes:
        for point in points:
            if (one := value(point)) is not None:
                values[point.at].append(one)
    return [(at, aggregate(some)) for at, some in sorted(values.items())]


@serves(f"{_SERVICE}.GetClusterLogs")
def get_cluster_logs(
    request: monitoring_pb2.GetClusterLogsRequest, caller: Caller
) -> monitoring_pb2.GetClusterLogsResponse:
    """The cluster's log in a window, by default the last three days, oldest first: the newest 5,000 lines."""
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    since, until = _window(request, _LOG_WINDOW)
    lines = cluster_log(cluster, since=since, until=until)
    return monitoring_pb2.GetClusterLogsResponse(
        items=[monitoring_pb2.LogEntry(timestamp=_timestamp(line.at), message=line.message) for line in lines]
    )


def _window(request: Any, length: timedelta) -> tuple[datetime, datetime]:
    until = request.until.ToDatetime(UTC) if request.HasField("until") else timezone.now()
    try:
        since = request.since.ToDatetime(UTC) if request.HasField("since") else until - length
    except OverflowError:  # the year 1
        since = until
    return since, until


def _metrics(points: Iterable[tuple[datetime, float | None]]) -> list[monitoring_pb2.Metric]:
    return [monitoring_pb2.Metric(timestamp=_timestamp(at), value=value) for at, value in points if value is not None]


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def _gib(number: float | None) -> float | None:
    return None if number is None else number / _GIB


def _anonymous(point: NodePoint) -> float | None:
    if point.memory is None or point.file_memory is None:
        return None
    return max(0.0, point.memory - point.file_memory)
