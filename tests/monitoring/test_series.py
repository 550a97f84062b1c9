"""Time series: written once a minute, rolled up into hours, read in as many points as are asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from clusters.models import Cluster
from clusters.monitoring.models import GatewayLine, NodeSample, TrafficSample
from clusters.monitoring.queries import Window, node_averages, node_series, traffic_series
from clusters.monitoring.recording import ADD_TRAFFIC, NodeReading, record_readings
from clusters.monitoring.retention import tidy_up
from clusters.monitoring.rules import BOUNDS, BUCKETS, MOST_POINTS, quantile, step_for

NOW = datetime(2026, 11, 22, 13, 37, 20, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def add_traffic(cluster_id: UUID, at: datetime, requests: int = 1, failures: int = 0, seconds: float = 0.5) -> None:
    histogram = [0] * BUCKETS
    histogram[3] = requests
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_TRAFFIC, [cluster_id, at.replace(second=0, microsecond=0), requests, failures, seconds, histogram]
        )


def kept(cluster: Cluster) -> list[TrafficSample]:
    return list(TrafficSample.objects.filter(cluster_id=cluster.pk))


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    return make_cluster(created_at=NOW - 60 * DAY)


class TestRules:
    def test_a_window_of_any_length_has_few_points(self) -> None:
        for hours in (0.01, 1, 4, 24, 24 * 7, 24 * 35):
            window = timedelta(hours=hours)
            assert window / step_for(window) <= MOST_POINTS
        assert step_for(HOUR) == MINUTE

    def test_a_quantile_lies_in_the_bucket_that_holds_it(self) -> None:
        histogram = [0] * BUCKETS
        assert quantile(histogram, 0.5) is None
        histogram[4] = 100
        assert quantile(histogram, 0.5) == pytest.approx((BOUNDS[3] + BOUNDS[4]) / 2)
        histogram[-1] = 1
        assert quantile(histogram, 1.0) == BOUNDS[-1]


@pytest.mark.django_db
class TestReadings:
    def test_readings_of_a_minute_become_their_mean_and_unknown_values_stay_unknown(self) -> None:
        cluster_id = uuid4()
        for cpu, memory in ((None, 100), (0.5, 200), (1.5, 300)):
            record_readings([NodeReading(cluster_id, cpu=cpu, memory=memory)], at=NOW)
        [row] = NodeSample.objects.filter(cluster_id=cluster_id)
        assert (row.at, row.readings, row.memory, row.points) == (NOW.replace(second=0), 3, 200.0, None)
        assert row.cpu == pytest.approx(0.8333, abs=0.001)

    def test_a_thousand_nodes_are_one_statement(self, django_assert_num_queries: Callable) -> None:
        readings = [NodeReading(uuid4(), cpu=0.1) for _ in range(1000)]
        with django_assert_num_queries(3):  # the savepoint around it
            record_readings(readings, at=NOW)
        assert NodeSample.objects.count() == 1000


@pytest.mark.django_db
class TestTraffic:
    def test_every_minute_has_a_point_and_rates_are_per_second(self, cluster: Cluster) -> None:
        add_traffic(cluster.pk, NOW - 10 * MINUTE, requests=120, failures=3, seconds=6.0)
        points = traffic_series(cluster, Window.of(NOW - HOUR, NOW, now=NOW))
        assert len(points) == 61
        [busy] = [point for point in points if point.requests]
        assert (busy.at, busy.per_second, busy.mean_latency) == (NOW.replace(second=0) - 10 * MINUTE, 2.0, 0.05)
        assert {point.per_second for point in points} == {0.0, 2.0}

    def test_a_long_window_sums_up_what_a_short_one_shows(self, cluster: Cluster) -> None:
        for minutes in range(0, 2000, 7):
            add_traffic(cluster.pk, NOW - minutes * MINUTE, requests=minutes % 5 + 1)
        fine = traffic_series(cluster, Window.of(NOW - 3 * HOUR, NOW, now=NOW))
        coarse = traffic_series(cluster, Window.of(NOW - 30 * DAY, NOW, now=NOW))
        assert sum(point.requests for point in coarse) == sum(row.requests for row in kept(cluster))
        assert 0 < sum(point.requests for point in fine) < sum(point.requests for point in coarse)
        assert all(sum(point.histogram) == point.requests for point in coarse)

    def test_before_it_was_made_a_cluster_has_no_points(self, make_cluster: Callable[..., Cluster]) -> None:
        young = make_cluster(created_at=NOW - 5 * MINUTE)
        assert len(traffic_series(young, Window.of(NOW - HOUR, NOW, now=NOW))) == 6

    def test_no_other_clusters_requests_are_among_them(self, cluster: Cluster) -> None:
        add_traffic(uuid4(), NOW)
        assert not any(point.requests for point in traffic_series(cluster, Window.of(NOW - HOUR, NOW, now=NOW)))


@pytest.mark.django_db
class TestNodes:
    def test_nodes_have_series_of_their_own_and_averages_over_the_last_while(self, cluster: Cluster) -> None:
        for minutes in range(1, 90):
            for node in (0, 1):
                reading = NodeReading(cluster.pk, node=node, cpu=node + minutes / 100, disk=10.0)
                record_readings([reading], at=NOW - minutes * MINUTE)
        series = node_series(cluster, Window.of(NOW - HOUR, NOW, now=NOW))
        assert {node: len(points) for node, points in series.items()} == {0: 60, 1: 60}
        averages = node_averages(cluster, [5 * MINUTE, DAY], now=NOW)
        assert averages[0][5 * MINUTE].cpu == pytest.approx(0.025)
        assert averages[1][DAY].cpu == pytest.approx(1.45)
        assert averages[0][DAY].memory is None


@pytest.mark.django_db
class TestRetention:
    def test_old_minutes_become_hours_and_no_request_is_lost(self, cluster: Cluster) -> None:
        for hours in range(0, 80):
            for minutes in (1, 31):
                at = NOW - hours * HOUR - minutes * MINUTE
                add_traffic(cluster.pk, at, requests=hours + 1, failures=1, seconds=0.25)
                record_readings([NodeReading(cluster.pk, cpu=1.0)], at=at)
        requests = sum(row.requests for row in kept(cluster))
        for _ in range(2):
            tidy_up(now=NOW)
        rows = kept(cluster)
        assert sum(row.requests for row in rows) == requests
        assert all(sum(row.histogram) == row.requests for row in rows)
        boundary = (NOW - 2 * DAY).replace(minute=0, second=0)
        assert {row.minutes for row in rows if row.at < boundary} == {60}
        assert {row.minutes for row in rows if row.at >= boundary} == {1}
        assert NodeSample.objects.filter(minutes=60, cpu=1.0).exists()
        assert not NodeSample.objects.filter(minutes=1, at__lt=boundary).exists()
        shown = traffic_series(cluster, Window.of(NOW - 30 * DAY, NOW, now=NOW))
        assert sum(point.requests for point in shown) == requests

    def test_an_hours_rate_is_over_the_hour(self, cluster: Cluster) -> None:
        add_traffic(cluster.pk, NOW - 3 * DAY, requests=3600)
        tidy_up(now=NOW)
        at = (NOW - 3 * DAY).replace(minute=0, second=0)
        [point] = [one for one in traffic_series(cluster, Window.of(at, at + HOUR, now=NOW)) if one.requests]
        assert point.per_second == 1.0

    def test_what_is_very_old_is_gone_and_lines_are_bounded(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clusters.monitoring.retention.MOST_LOG_LINES", 10)
        add_traffic(cluster.pk, NOW - 40 * DAY)
        record_readings([NodeReading(cluster.pk, cpu=1.0)], at=NOW - 40 * DAY)
        other = uuid4()
        for number in range(30):
            GatewayLine.objects.create(cluster_id=cluster.pk, at=NOW - number * MINUTE, message=str(number))
        GatewayLine.objects.create(cluster_id=other, at=NOW, message="kept")
        GatewayLine.objects.create(cluster_id=other, at=NOW - 8 * DAY, message="old")
        tidy_up(now=NOW)
        assert not kept(cluster)
        assert not NodeSample.objects.filter(cluster_id=cluster.pk).exists()
        lines = GatewayLine.objects.filter(cluster_id=cluster.pk).order_by("-at").values_list("message", flat=True)
        assert list(lines) == [str(number) for number in range(10)]
        assert GatewayLine.objects.get(cluster_id=other).message == "kept"
