"""The tabs Metrics, Events and Logs of a cluster."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from clusters.models import Cluster
from clusters.monitoring.models import GatewayLine
from clusters.monitoring.recording import ADD_TRAFFIC, NodeReading, record_readings
from clusters.monitoring.rules import BUCKETS
from tests.console.conftest import make_operation, record_usage
from tests.console.html import Element, parse

MIB = 1024**2


@pytest.fixture
def busy(make_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster with one minute of everything, ten minutes ago, and nothing before or after."""
    cluster = make_cluster(inference=True, created_at=timezone.now() - timedelta(days=1))
    at = timezone.now() - timedelta(minutes=10)
    histogram = [0] * BUCKETS
    histogram[5] = 600
    with connection.cursor() as cursor:
        cursor.execute(ADD_TRAFFIC, [cluster.pk, at.replace(second=0, microsecond=0), 600, 60, 15.0, histogram])
    record_readings(
        [NodeReading(cluster.pk, cpu=0.25, memory=512 * MIB, file_memory=MIB, disk=100 * MIB, points=1234)], at=at
    )
    record_usage(cluster, "mixedbread-ai/mxbai-embed-large-v1", 4321, at)
    return cluster


def rows(page: Element, chart: str) -> list[list[str]]:
    """The table of a chart, without the moments."""
    section = page.one("section", aria_labelledby=f"{chart}-title")
    return [[cell.text for cell in row.all("td")] for row in section.one("tbody").all("tr")]


class TestMetrics:
    @pytest.mark.parametrize("window", ["1h", "6h", "24h", "7d", "30d", "garbage", ""])
    def test_every_window_shows_what_was_measured(self, window: str, console: Client, busy: Cluster) -> None:
        page = parse(console.get(f"/clusters/{busy.pk}/metrics", {"window": window}))
        assert rows(page, "processor") == [["0.25"]]
        assert rows(page, "memory") == [["512"]]
        assert rows(page, "disk") == [["100"]]
        assert rows(page, "points") == [["1234"]]
        assert rows(page, "tokens") == [["4321"]]
        [[mean, median, *_]] = rows(page, "latency")
        assert mean == "25"
        assert 25 < float(median) < 50

    def test_requests_are_per_second_and_minutes_without_any_are_zero(self, console: Client, busy: Cluster) -> None:
        shown = rows(parse(console.get(f"/clusters/{busy.pk}/metrics?window=1h")), "requests")
        assert ["9", "1"] in shown
        assert shown.count(["0", "0"]) == len(shown) - 1 >= 59

    def test_a_new_cluster_says_that_nothing_was_measured(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        page = parse(console.get(f"/clusters/{make_cluster().pk}/metrics"))
        assert page.text.count("Nothing measured in this time.") >= 5

    def test_the_fragment_is_the_charts_alone(self, console: Client, busy: Cluster) -> None:
        headers = {"HX-Request": "true", "HX-Target": "charts"}
        fragment = parse(console.get(f"/clusters/{busy.pk}/metrics?window=6h", headers=headers))
        assert not fragment.all("h1")
        assert fragment.one(id="charts").attributes["hx-get"].endswith("window=6h")

    def test_it_takes_the_same_few_queries_however_much_was_measured(
        self, console: Client, busy: Cluster, django_assert_max_num_queries: Callable
    ) -> None:
        for minutes in range(200):
            record_readings([NodeReading(busy.pk, cpu=1.0)], at=timezone.now() - timedelta(minutes=minutes))
        with django_assert_max_num_queries(9):
            console.get(f"/clusters/{busy.pk}/metrics?window=24h")


class TestEvents:
    def test_who_asked_for_what_how_long_it_took_and_what_went_wrong(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        done = make_operation(cluster, "succeeded", steps_done=4, generation=2)
        done.created_at, done.finished_at = done.started_at, done.started_at + timedelta(seconds=12.5)
        done.save()
        make_operation(cluster, "failed", generation=3, error="The node did not become ready.")
        page = parse(console.get(f"/clusters/{cluster.pk}/events"))
        failed, succeeded = page.all("section")
        assert "Succeeded in 12.5 s" in succeeded.text
        assert "Asked for by owner@acme.example" in succeeded.text
        assert "open" not in succeeded.one("details").attributes
        assert [step.attributes["class"] for step in succeeded.all("li")] == ["done"] * 4
        assert "The node did not become ready." in failed.text
        assert "open" in failed.one("details").attributes

    def test_a_running_operation_is_followed(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        make_operation(cluster, "running", steps_done=1)
        page = parse(console.get(f"/clusters/{cluster.pk}/events"))
        assert page.one(id="live").attributes["hx-trigger"] == "every 700ms"

    def test_many_events_have_pages(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        for generation in range(1, 46):
            make_operation(cluster, "succeeded", steps_done=4, generation=generation)
        seen, address = 0, f"/clusters/{cluster.pk}/events"
        while address:
            page = parse(console.get(address))
            seen += len(page.all("section"))
            address = next((a.attributes["href"] for a in page.all("a") if "before=" in a.attributes["href"]), None)
        assert seen == 45
        assert console.get(f"/clusters/{cluster.pk}/events?before=99999999999").status_code == 200


class TestLogs:
    def test_operations_and_failed_requests_stand_in_the_order_of_time(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster, now = make_cluster(), timezone.now()
        GatewayLine.objects.create(cluster_id=cluster.pk, at=now - timedelta(hours=2), message="source=gateway <early>")
        GatewayLine.objects.create(cluster_id=cluster.pk, at=now - timedelta(days=30), message="source=gateway old")
        make_operation(cluster, "pending", created_at=now - timedelta(hours=1), started_at=None)
        lines = [li.text for li in parse(console.get(f"/clusters/{cluster.pk}/logs")).one("ol").all("li")]
        assert len(lines) == 2
        assert "Switch inference on: asked for by owner@acme.example" in lines[0]
        assert "<early>" in lines[1]
        one = parse(console.get(f"/clusters/{cluster.pk}/logs", {"source": "gateway"})).one("ol").all("li")
        assert len(one) == 1

    def test_what_happened_stands_before_its_details_and_warnings_are_marked(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        message = r'level=warning source=gateway status=404 path="/collections/\"a\"" message="No \u201ca\u201d here"'
        GatewayLine.objects.create(cluster_id=cluster.pk, at=timezone.now(), message=message)
        [line] = parse(console.get(f"/clusters/{cluster.pk}/logs")).one("ol").all("li")
        assert line.text.endswith(r'gateway warning: No “a” here status=404 path="/collections/\"a\""')

    def test_no_other_clusters_lines_are_among_them(
        self, console: Client, make_cluster: Callable[..., Cluster], foreign_cluster: Cluster
    ) -> None:
        GatewayLine.objects.create(cluster_id=foreign_cluster.pk, at=timezone.now(), message="secret")
        assert "No lines in this time." in parse(console.get(f"/clusters/{make_cluster().pk}/logs")).text

    def test_a_flood_is_cut_off_and_says_so(
        self, console: Client, make_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clusters.monitoring.views.MOST_LINES", 5)
        cluster = make_cluster()
        for number in range(9):
            at = timezone.now() - timedelta(seconds=number)
            GatewayLine.objects.create(cluster_id=cluster.pk, at=at, message=f"line {number}")
        page = parse(console.get(f"/clusters/{cluster.pk}/logs"))
        lines = [li.all("span")[-1].text for li in page.one("ol").all("li")]
        assert lines == [f"line {number}" for number in range(5)]
        assert "Only the newest 5 lines are shown." in page.text


def test_tabs_of_foreign_clusters_do_not_exist(console: Client, foreign_cluster: Cluster) -> None:
    for tab in ("metrics", "events", "logs"):
        assert console.get(f"/clusters/{foreign_cluster.pk}/{tab}").status_code == 404
