"""A cluster's time series as the Metrics tab shows them: a few charts, each of lines over the same points."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clusters.models import Cluster
from clusters.monitoring import tokens
from clusters.monitoring.queries import NodePoint, TrafficPoint, Window, node_series, traffic_series
from clusters.monitoring.rules import quantile

_MIB = 1024**2
_Series = dict[datetime, float | None]


@dataclass(frozen=True)
class Chart:
    """``rows`` have a value of each line, None where there is none. ``most`` is what the package has of it."""

    key: str
    title: str
    unit: str
    lines: list[str]
    rows: list[tuple[datetime, list[float | None]]]
    most: float | None = None

    @property
    def empty(self) -> bool:
        return not self.rows


def charts_of(cluster: Cluster, window: Window) -> list[Chart]:
    """Everything that is measured of the cluster in the window. Three queries."""
    traffic = traffic_series(cluster, window)
    nodes = node_series(cluster, window)
    used = tokens.source.tokens_by_point(cluster, window)
    package = cluster.package
    disk_gib = package.disk_gib + cluster.additional_disk_gib
    return [
        _of_traffic("requests", "Requests", "per second", traffic, _RATES),
        _of_traffic("latency", "Latency", "ms", traffic, _LATENCIES),
        _of_nodes("processor", "Processor", "cores", nodes, lambda point: point.cpu, package.cpu_millicores / 1000),
        _of_nodes("memory", "Memory", "MiB", nodes, lambda point: _mib(point.memory), package.ram_gib * 1024),
        _of_nodes("disk", "Disk", "MiB", nodes, lambda point: _mib(point.disk), disk_gib * 1024),
        _of_nodes("points", "Points", "points", nodes, lambda point: point.points),
        _chart("tokens", "Inference tokens", f"per {_words(window.step)}", {"Tokens": dict(used)}),
    ]


_RATES: dict[str, Callable[[TrafficPoint], float | None]] = {
    "Answered": lambda point: (point.requests - point.failures) / point.seconds_long,
    "Failed": lambda point: point.failures / point.seconds_long,
}
_LATENCIES: dict[str, Callable[[TrafficPoint], float | None]] = {
    "Mean": lambda point: _milliseconds(point.mean_latency),
    "Median": lambda point: _milliseconds(quantile(point.histogram, 0.5)),
    "95 %": lambda point: _milliseconds(quantile(point.histogram, 0.95)),
    "99 %": lambda point: _milliseconds(quantile(point.histogram, 0.99)),
}


def _of_traffic(
    key: str,
    title: str,
    unit: str,
    traffic: list[TrafficPoint],
    lines: dict[str, Callable[[TrafficPoint], float | None]],
) -> Chart:
    return _chart(
        key, title, unit, {name: {point.at: value(point) for point in traffic} for name, value in lines.items()}
    )


def _of_nodes(
    key: str,
    title: str,
    unit: str,
    nodes: dict[int, list[NodePoint]],
    value: Callable[[NodePoint], float | None],
    most: float | None = None,
) -> Chart:
    lines = {f"Node {node}": {point.at: value(point) for point in points} for node, points in nodes.items()}
    return _chart(key, title, unit, lines, most)


def _chart(key: str, title: str, unit: str, lines: dict[str, _Series], most: float | None = None) -> Chart:
    moments = sorted({at for series in lines.values() for at, value in series.items() if value is not None})
    rows = [(at, [series.get(at) for series in lines.values()]) for at in moments]
    return Chart(key, title, unit, list(lines), rows, most)


def _words(step: timedelta) -> str:
    minutes = int(step.total_seconds() // 60)
    if minutes % 60:
        return "minute" if minutes == 1 else f"{minutes} minutes"
    return "hour" if minutes == 60 else f"{minutes // 60} hours"


def _mib(number: float | None) -> float | None:
    return None if number is None else number / _MIB


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
