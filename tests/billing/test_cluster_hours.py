"""Cluster hours: every started hour once, however often and however late the task runs."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.cluster_hours import HOUR, Period, hour_of, meter_cluster_hours, started_hours
from billing.models import MeteredCluster, UsageEvent
from clusters.models import Cluster, ComputePeriod, Package
from tests.billing.usage import Customer
from tests.together import at_once

DAY = datetime(2025, 3, 15, tzinfo=UTC)
SMALL, LARGE = UUID(int=1), UUID(int=2)


def period(start: float, end: float | None, nodes: int = 1, disk: int = 0, ram: int = 2) -> Period:
    """With times in hours of the day."""
    ended_at = None if end is None else DAY + end * HOUR
    return Period(DAY + start * HOUR, ended_at, SMALL if ram == 2 else LARGE, ram, nodes, disk)


class TestStartedHours:
    def hours(self, *periods: Period, since: float = 0, until: float = 24) -> list[tuple[int, int]]:
        """Which hour of the day, and how many nodes."""
        found = started_hours(periods, DAY + since * HOUR, DAY + until * HOUR)
        return [((hour - DAY) // HOUR, of.nodes) for hour, of in found]

    def test_a_started_hour_counts_whole(self):
        assert self.hours(period(1.9, 2.1)) == [(1, 1), (2, 1)]
        assert self.hours(period(1, 2)) == [(1, 1)]

    def test_an_hour_without_compute_does_not(self):
        assert self.hours(period(1, 2), period(4.5, 4.6)) == [(1, 1), (4, 1)]
        assert self.hours(period(3, 3)) == []

    def test_an_open_period_goes_on_until_now(self):
        assert self.hours(period(21, None)) == [(21, 1), (22, 1), (23, 1)]

    def test_the_largest_configuration_of_the_hour_counts(self):
        assert self.hours(period(1, 1.2, nodes=3), period(1.2, 3, nodes=2)) == [(1, 3), (2, 2)]

    @given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 10)), max_size=8), st.integers(0, 24))
    def test_looking_twice_finds_what_looking_once_finds(self, spans, middle):
        periods = [period(start, start + length) for start, length in spans]
        once = self.hours(*periods)
        assert self.hours(*periods, until=middle) + self.hours(*periods, since=middle) == once
        assert len({hour for hour, _ in once}) == len(once)


@pytest.fixture
def cluster(customer: Customer) -> Cluster:
    return customer.clusters[0]


def run_on(cluster: Cluster, start: datetime, end: datetime | None, nodes: int = 1, disk: int = 0) -> ComputePeriod:
    return ComputePeriod.objects.create(
        cluster=cluster,
        package=cluster.package,
        nodes=nodes,
        additional_disk_gib=disk,
        started_at=start,
        ended_at=end,
    )


def events() -> list[tuple[str, datetime, int]]:
    return list(UsageEvent.objects.order_by("occurred_at", "kind").values_list("kind", "occurred_at", "hours"))


@pytest.mark.django_db(transaction=True)
class TestMetering:
    def test_nodes_and_additional_disk_have_events_of_their_own(self, cluster: Cluster):
        run_on(cluster, DAY + timedelta(minutes=30), DAY + timedelta(minutes=80), nodes=3, disk=10)
        meter_cluster_hours(now=DAY + 5 * HOUR)
        assert events() == [
            ("compute", DAY, 3),
            ("disk", DAY, 30),
            ("compute", DAY + HOUR, 3),
            ("disk", DAY + HOUR, 30),
        ]
        row = UsageEvent.objects.first()
        assert (row.account_id, row.package_id, row.model_id) == (cluster.account_id, cluster.package_id, None)

    def test_again_at_once_and_a_year_later_add_nothing(self, cluster: Cluster):
        run_on(cluster, DAY, DAY + 3 * HOUR)
        at_once(*[partial(meter_cluster_hours, now=now) for now in [DAY + 2 * HOUR, DAY + 9 * HOUR] * 4])
        meter_cluster_hours(now=DAY + timedelta(days=365))
        assert [hour for _, hour, _ in events()] == [DAY, DAY + HOUR, DAY + 2 * HOUR]
        MeteredCluster.objects.all().delete()  # as if nothing had been metered
        meter_cluster_hours(now=DAY + timedelta(days=366))
        assert len(events()) == 3

    def test_an_hour_is_metered_when_it_is_over(self, cluster: Cluster):
        run_on(cluster, DAY, None)
        for now, metered in ((DAY + HOUR, 0), (DAY + HOUR + timedelta(minutes=5), 1), (DAY + 30 * HOUR, 29)):
            meter_cluster_hours(now=now)
            assert len(events()) == metered

    def test_a_period_that_is_written_late_is_found(self, cluster: Cluster):
        run_on(cluster, DAY, DAY + HOUR)
        meter_cluster_hours(now=DAY + 10 * HOUR)
        run_on(cluster, DAY + 3 * HOUR, DAY + 4 * HOUR)
        meter_cluster_hours(now=DAY + 11 * HOUR)
        assert [hour for _, hour, _ in events()] == [DAY, DAY + 3 * HOUR]

    def test_free_clusters_have_none(self, customer: Customer):
        free = customer.make_cluster("free", account=customer.account, paid=False)
        assert free.package.type == Package.Type.FREE
        run_on(free, DAY, None)
        assert meter_cluster_hours(now=DAY + 10 * HOUR) == 0

    @pytest.mark.parametrize("clusters", [1, 5])
    def test_nothing_is_asked_about_clusters_that_are_metered(
        self, customer: Customer, clusters, django_assert_num_queries
    ):
        for n in range(clusters):
            run_on(customer.make_cluster(f"c{n}", account=customer.account), DAY, DAY + HOUR)
        meter_cluster_hours(now=DAY + 10 * HOUR)
        with django_assert_num_queries(2):
            meter_cluster_hours(now=DAY + 20 * HOUR)


def test_the_hour_of_a_moment():
    assert hour_of(datetime(2025, 3, 15, 12, 59, 59, 999_999, tzinfo=UTC)) == datetime(2025, 3, 15, 12, tzinfo=UTC)
