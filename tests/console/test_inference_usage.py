"""The Inference tab's usage: the chart, the sparklines, and how new usage arrives."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from clusters.models import Cluster
from inference.catalogue import CATALOGUE
from tests.console.conftest import record_usage
from tests.console.html import Element, parse
from tests.console.inference_tab import MINILM, tab


class TestUsage:
    MXBAI = "mixedbread-ai/mxbai-embed-large-v1"

    def now(self, console: Client, cluster: Cluster, seen: str) -> object:
        path = f"/clusters/{cluster.pk}/inference/usage"
        return console.get(path, {"seen": seen}, headers={"HX-Request": "true", "HX-Target": "usage"})

    def seen(self, page: Element) -> str:
        return page.one("section", id="usage").attributes["hx-get"].split("seen=")[1]

    def test_the_chart_has_a_line_for_each_model_and_a_row_for_each_of_thirty_days(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster, other = make_cluster("one"), make_cluster("two")
        today = timezone.now()
        record_usage(cluster, MINILM, 1000, today)
        record_usage(cluster, MINILM, 7, today)
        record_usage(cluster, self.MXBAI, 5000, today - timedelta(days=29))
        record_usage(cluster, self.MXBAI, 1, today - timedelta(days=30))
        record_usage(other, MINILM, 9, today)
        usage = tab(console, cluster).one("section", id="usage")
        assert "6,007 tokens" in usage.text
        head, *rows = ([cell.text for cell in row.descendants() if cell.tag in ("th", "td")] for row in usage.all("tr"))
        assert head == ["Day (UTC)", "mxbai-embed-large-v1", "all-MiniLM-L6-v2"]
        assert len(rows) == 30
        assert (rows[0][1:], rows[-1][1:]) == (["5,000", "0"], ["0", "1,007"])
        assert rows[-1][0] == f"{today.day} {today:%b %Y}"
        assert {tuple(row[1:]) for row in rows[1:-1]} == {("0", "0")}

    def test_models_beyond_five_are_summed_up(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        names = [name for name, spec in CATALOGUE.items() if not spec.is_external][:7]
        for number, name in enumerate(names):
            record_usage(cluster, name, 10**number)
        usage = tab(console, cluster).one("section", id="usage")
        assert [cell.text for cell in usage.all("th", class_="number")][-1] == "Other models"
        assert usage.all("tr")[-1].all("td")[-1].text == "11"

    def test_each_model_has_a_sparkline_with_a_bar_for_each_day_it_worked(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        for days, tokens in ((0, 1_000_000), (3, 500_000), (29, 1)):
            record_usage(cluster, MINILM, tokens, timezone.now() - timedelta(days=days))
        page = tab(console, cluster)
        bars = page.one("tr", data_model=MINILM).one("svg", class_="spark").one("path").attributes["d"]
        assert bars == "M0 20v-1h3v1zM104 20v-10h3v10zM116 20v-20h3v20z"
        assert "1,500,001 tokens" in page.one("tr", data_model=MINILM).text
        assert not page.one("tr", data_model=self.MXBAI).one("svg", class_="spark").one("path").attributes["d"]

    def test_new_usage_arrives_by_itself_and_nothing_else_does(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        page = tab(console, cluster)
        assert "No tokens yet" in page.one("section", id="usage").text
        seen = self.seen(page)
        assert self.now(console, cluster, seen).status_code == 204
        record_usage(cluster, self.MXBAI, 1_000_000)
        fragment = parse(self.now(console, cluster, seen))
        assert "1,000,000 tokens" in fragment.one("section", id="usage").text
        later = fragment.one("template")
        model = CATALOGUE[self.MXBAI].id
        assert later.one("td", id=f"tokens-{model}").attributes["data-tokens"] == "1000000"
        assert later.one("td", id=f"cost-{model}").text == "$0.03"
        assert later.one("td", id="total-tokens").text == "1,000,000"
        assert all(cell.attributes["hx-swap-oob"] == "true" for cell in later.all("td"))
        assert self.now(console, cluster, self.seen(fragment)).status_code == 204

    def test_the_cells_that_arrive_are_those_that_are_there(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        there = tab(console, cluster)
        record_usage(cluster, MINILM, 5)
        ids = [cell.attributes["id"] for cell in parse(self.now(console, cluster, "old")).one("template").all("td")]
        assert all(there.one("td", id=id) for id in ids)

    def test_without_a_script_the_address_leads_to_the_tab(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/inference"
        assert console.get(f"{path}/usage").headers["Location"] == path
