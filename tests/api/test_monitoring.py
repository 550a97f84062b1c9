"""MonitoringService: summary, usage and logs, from what was recorded."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from clusters.models import Cluster
from clusters.monitoring.models import GatewayLine
from clusters.monitoring.recording import ADD_TRAFFIC, NodeReading, record_readings
from clusters.monitoring.rules import BUCKETS
from tests.api.conftest import ApiClient

pytestmark = pytest.mark.django_db
GIB = 1024**3


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster of two nodes with ten minutes of readings and one busy minute."""
    cluster = make_cluster(created_at=timezone.now() - timedelta(days=2), additional_disk_gib=3)
    for minutes in range(1, 11):
        readings = [
            NodeReading(cluster.pk, node=node, cpu=0.1 + node, memory=2 * GIB, file_memory=GIB, disk=GIB)
            for node in (0, 1)
        ]
        record_readings(readings, at=timezone.now() - timedelta(minutes=minutes))
    minute = (timezone.now() - timedelta(minutes=5)).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(ADD_TRAFFIC, [cluster.pk, minute, 120, 0, 6.0, [120] + [0] * (BUCKETS - 1)])
    return cluster


def path_of(cluster: Cluster, what: str) -> str:
    return f"/monitoring/v1/accounts/{{account}}/cluster/{cluster.pk}/{what}"


def test_the_summary_has_averages_beside_totals(api: ApiClient, cluster: Cluster) -> None:
    nodes = api.get(path_of(cluster, "summary-metrics")).json()["nodes"]
    assert [node["nodeId"] for node in nodes] == [f"qdrant-{cluster.pk}-0", f"qdrant-{cluster.pk}-1"]
    averages = {one["interval"]: one["value"] for one in nodes[1]["cpu"]["avg"]}
    assert list(averages) == ["300s", "3600s", "86400s"]
    assert averages["3600s"] == pytest.approx(1.1)
    assert nodes[0]["cpu"]["total"] == {"value": cluster.package.cpu_millicores / 1000, "unit": "vcpu/core"}
    assert nodes[0]["ram"]["avg"][0]["value"] == pytest.approx(2.0)
    assert nodes[0]["ramRss"]["avg"][0]["value"] == nodes[0]["ramCache"]["avg"][0]["value"] == pytest.approx(1.0)
    assert nodes[0]["disk"]["total"] == {"value": cluster.package.disk_gib + 3, "unit": "GiB"}
    assert "gpu" not in nodes[0]


@pytest.mark.parametrize(
    ("aggregator", "cpu"), [(None, 1.2), ("AGGREGATOR_SUM", 1.2), ("AGGREGATOR_AVG", 0.6), ("AGGREGATOR_MAX", 1.1)]
)
def test_usage_joins_the_nodes_as_asked(aggregator: str | None, cpu: float, api: ApiClient, cluster: Cluster) -> None:
    usage = api.get(path_of(cluster, "usage-metrics"), **({"aggregator": aggregator} if aggregator else {})).json()
    assert len(usage["cpu"]) == 10
    assert usage["cpu"][0]["value"] == pytest.approx(cpu)
    assert max(point["value"] for point in usage["rps"]) == 2.0
    assert [point["value"] for point in usage["latency"]] == [0.05]
    assert len(usage["nodes"]) == 2
    assert usage["gpu"] == []


def test_usage_keeps_to_its_window(api: ApiClient, cluster: Cluster) -> None:
    until = timezone.now() - timedelta(hours=3)
    window = {"since": (until - timedelta(hours=1)).isoformat(), "until": until.isoformat()}
    usage = api.get(path_of(cluster, "usage-metrics"), **window).json()
    assert usage["cpu"] == usage["latency"] == []
    assert {point["value"] for point in usage["rps"]} == {0.0}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("9999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
        (None, "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_no_window_is_too_strange(since: str | None, until: str | None, api: ApiClient, cluster: Cluster) -> None:
    window = {name: value for name, value in (("since", since), ("until", until)) if value}
    for what in ("usage-metrics", "logs"):
        assert api.get(path_of(cluster, what), **window).status_code == 200


def test_a_window_that_ends_before_it_begins_is_refused(api: ApiClient, cluster: Cluster) -> None:
    window = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    for what in ("usage-metrics", "logs"):
        assert api.get(path_of(cluster, what), **window).status_code == 400


def test_a_cluster_that_was_never_measured_has_empty_answers(
    api: ApiClient, make_cluster: Callable[..., Cluster]
) -> None:
    new = make_cluster("new")
    assert api.get(path_of(new, "summary-metrics")).json() == {"nodes": []}
    assert api.get(path_of(new, "usage-metrics")).json()["cpu"] == []


def test_logs_are_the_last_three_days_in_order(api: ApiClient, cluster: Cluster) -> None:
    for days in (4, 2, 1):
        at = timezone.now() - timedelta(days=days)
        GatewayLine.objects.create(cluster_id=cluster.pk, at=at, message=f"{days} days ago")
    items = api.get(path_of(cluster, "logs")).json()["items"]
    assert [item["message"] for item in items] == ["2 days ago", "1 days ago"]
    assert items[0]["timestamp"].endswith("Z")
