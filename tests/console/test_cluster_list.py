"""The list of clusters: what it says of each, and how one is found."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cloudconsole.accounts.models import Account
from clusters.list_views import CLUSTERS_PER_PAGE
from clusters.models import Cluster
from clusters.rules.lifecycle import Phase
from tests.console.conftest import record_usage
from tests.console.html import parse


class TestList:
    def test_it_says_phase_and_inference_in_words(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        make_cluster("on", inference=True)
        make_cluster("off")
        make_cluster("turning", inference=True, phase=Phase.UPDATING, applied_configuration={})
        make_cluster("turning-off", applied_configuration={"inference_enabled": True})
        make_cluster("eu", region="eu-central-1")
        make_cluster("free", paid=False, phase=Phase.FAILED_TO_UPDATE)
        rows = {
            row.one("th").text: [td.text for td in row.all("td")]
            for row in parse(console.get("/clusters")).all("tr")[1:]
        }
        assert {name: cells[:2] for name, cells in rows.items()} == {
            "on": ["Healthy", "On"],
            "off": ["Healthy", "Off"],
            "turning": ["Updating", "Switching on"],
            "turning-off": ["Healthy", "Switching off"],
            "eu": ["Healthy", "Not available"],
            "free": ["Failed to update", "Not available"],
        }
        assert rows["eu"][2:4] == ["aws · eu-central-1", "mx1 paid"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"search": "REC"}, {"recipes"}),
            ({"search": "us-east4"}, {"cars"}),
            ({"search": "gcp cars"}, {"cars"}),
            ({"search": "gcp recipes"}, set()),
            ({"search": "6f0c7d3a-0000"}, {"recipes"}),
            ({"phase": "good"}, {"recipes", "eu"}),
            ({"phase": "bad"}, {"cars"}),
            ({"phase": "quiet"}, {"asleep"}),
            ({"phase": "quiet", "search": "cars"}, set()),
            ({"inference": "on"}, {"recipes"}),
            ({"inference": "off"}, {"asleep"}),
            ({"inference": "switching-on"}, {"cars"}),
            ({"inference": "unavailable"}, {"eu"}),
            ({"inference": "no such state", "page": "x", "search": " "}, {"recipes", "eu", "cars", "asleep"}),
        ],
    )
    def test_it_finds_what_one_looks_for(
        self, query: dict[str, str], found: set[str], console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        make_cluster("recipes", inference=True, id="6f0c7d3a-0000-5c55-9d0e-1f6a3c1f0009")
        failed = {"phase": Phase.FAILED_TO_UPDATE, "applied_configuration": {}}
        make_cluster("cars", provider="gcp", region="us-east4", inference=True, **failed)
        make_cluster("asleep", phase=Phase.SUSPENDED)
        make_cluster("eu", region="eu-central-1")
        page = parse(console.get("/clusters", query))
        assert {row.one("th").text for row in page.one(id="clusters").all("tr")[1:]} == found
        if not found:
            assert "No cluster matches" in page.text
        fragment = console.get("/clusters", query, headers={"HX-Request": "true", "HX-Target": "clusters"})
        assert parse(fragment).one(id="clusters").text == page.one(id="clusters").text

    def test_it_says_what_each_cluster_costs_this_month(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        for name, tokens in (("one", 1_000_000), ("two", 500_000), ("none", 0)):
            record_usage(make_cluster(name), "mixedbread-ai/mxbai-embed-large-v1", tokens)
        foreign = make_cluster("foreign", account=Account.objects.create(name="Somebody else"))
        record_usage(foreign, "mixedbread-ai/mxbai-embed-large-v1", 1_000_000)
        rows = parse(console.get("/clusters?costs=1")).one(id="clusters").all("tr")[1:]
        costs = {row.one("th").text: row.all("td", class_="number")[0].text for row in rows}
        assert costs == {"one": "$0.03", "two": "$0.015", "none": "$0.00"}

    def test_costs_arrive_after_the_rest_and_changes_are_followed(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("one")
        waiting = parse(console.get("/clusters?phase=good")).one(id="clusters")
        assert (waiting.attributes["hx-trigger"], waiting.one("td", class_="number").text) == ("intersect once", "…")
        assert waiting.attributes["hx-get"] == "/clusters?phase=good&page=1&costs=1"
        settled = parse(console.get("/clusters?costs=1")).one(id="clusters")
        assert "hx-get" not in settled.attributes
        Cluster.objects.filter(pk=cluster.pk).update(phase=Phase.UPDATING)
        assert parse(console.get("/clusters?costs=1")).one(id="clusters").attributes["hx-trigger"] == "every 2s"

    def test_many_clusters_stand_on_several_pages(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        template = make_cluster("first", created_at=timezone.now() - timedelta(days=1))
        names = [f"more-{number}" for number in range(CLUSTERS_PER_PAGE)]
        same = {f.name: getattr(template, f.name) for f in Cluster._meta.fields if f.name not in ("id", "created_at")}
        Cluster.objects.bulk_create(Cluster(**same | {"name": name}) for name in names)
        page = parse(console.get("/clusters?search=r"))
        assert len(page.one(id="clusters").all("tr")) == CLUSTERS_PER_PAGE + 1
        older = page.one("a", rel="next").attributes["href"]
        assert [row.one("th").text for row in parse(console.get(older)).one(id="clusters").all("tr")[1:]] == ["first"]

    def test_an_account_without_clusters_is_told_what_to_do(self, console: Client) -> None:
        page = parse(console.get("/clusters"))
        assert page.all("a", href="/clusters/new")
        assert "No clusters yet" in page.text
