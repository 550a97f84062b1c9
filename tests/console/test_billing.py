"""The billing page and its exports."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing.exports import EXPORT_FORMATS
from billing.models import Statement
from billing.rules import Month
from billing.statements import close_month
from clusters.models import Cluster, DatabaseApiKey
from tests.console.conftest import record_usage
from tests.console.html import Element, parse

NOVEMBER = datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)
MXBAI, MINILM = "mixedbread-ai/mxbai-embed-large-v1", "sentence-transformers/all-minilm-l6-v2"


@pytest.fixture
def used(make_cluster: Callable[..., Cluster], foreign_cluster: Cluster) -> None:
    one, two = make_cluster("one"), make_cluster("two")
    record_usage(one, MXBAI, 1_234_567, NOVEMBER)
    record_usage(two, MXBAI, 1, NOVEMBER)
    record_usage(two, MINILM, 99, NOVEMBER)
    record_usage(two, MINILM, 5, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    record_usage(foreign_cluster, MXBAI, 1_000_000, NOVEMBER)


def table(page: Element, labelled_by: str) -> list[list[str]]:
    body = page.one("section", aria_labelledby=labelled_by).one("tbody")
    return [[cell.text for cell in row.children if isinstance(cell, Element)] for row in body.all("tr")]


@pytest.mark.usefixtures("used")
class TestMonth:
    def test_it_shows_the_accounts_usage_by_model_and_cluster(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-11"))
        assert table(page, "by-model-title") == [
            [MXBAI, "2", "1,234,568", "$0.03703704"],
            [MINILM, "1", "99", "$0.00"],
        ]
        assert table(page, "by-cluster-title") == [
            ["one", "1", "1,234,567", "$0.03703701"],
            ["two", "2", "100", "$0.00000003"],
        ]
        assert page.one(id="total-cost").text == "$0.03703704"
        assert page.one(id="total-tokens").text == "1,234,667"
        assert "A simulation" in page.one("section", aria_labelledby="total-title").text

    def test_keys_and_hours_add_up_to_the_same_total(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-11&hours=1"))
        for title in ("by-key-title", "by-hour-title"):
            rows = table(page, title)
            assert sum(int(tokens.replace(",", "")) for _, _, tokens, _ in rows) == 1_234_667
            assert sum(Decimal(cost.removeprefix("$")) for *_, cost in rows) == Decimal("0.03703704")
        assert table(page, "by-hour-title")[0][0] == "3 Nov 2026, 04:00:00 UTC"

    def test_keys_of_the_same_name_are_told_apart(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        for name in ("three", "four"):
            cluster = make_cluster(name)
            key = DatabaseApiKey.objects.create(cluster=cluster, name="backend", prefix="k", secret_hash=name)
            record_usage(cluster, MINILM, 7, NOVEMBER, key=key.pk)
        page = parse(console.get("/billing?month=2026-11"))
        names = {name.rpartition(" ")[0] for name, *_ in table(page, "by-key-title")}
        assert names == {"three: backend", "four: backend", "Unknown"}

    def test_hours_are_shown_when_asked_for(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-11")).one(id="hours")
        assert not page.all("table")
        shown = console.get(page.one("a").attributes["href"], headers={"HX-Request": "true", "HX-Target": "hours"})
        assert len(parse(shown).one("tbody").all("tr")) == 1

    def test_the_dearest_are_shown_and_the_others_summed(
        self, console: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("billing.views.MOST_ROWS", 1)
        page = parse(console.get("/billing?month=2026-11"))
        dearest, (others, *sums) = table(page, "by-cluster-title")
        assert dearest == ["one", "1", "1,234,567", "$0.03703701"]
        assert others.startswith("1 other")
        assert sums == ["2", "100", "$0.00000003"]

    def test_another_month_is_another_bill(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-10"))
        assert table(page, "by-model-title") == [[MINILM, "1", "5", "$0.00"]]
        chosen = [option for option in page.all("option") if "selected" in option.attributes]
        assert [option.attributes["value"] for option in chosen] == ["2026-10"]

    def test_a_month_without_usage_says_what_to_do(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-09"))
        assert "Nothing used in September 2026" in page.text
        assert page.one(id="total-cost").text == "$0.00"

    @pytest.mark.parametrize("month", ["2026-13", "soon", "", "1999-01", "9000-01", "2026-1", "٢٠٢٦-١١"])
    def test_what_is_no_month_of_ours_has_no_bill(self, month: str, console: Client) -> None:
        assert console.get("/billing", {"month": month}).status_code == 404
        assert console.get("/billing/export", {"month": month, "format": "csv"}).status_code == 404

    def test_whoever_may_read_payment_information_sees_the_bill(self, readers_console: Client) -> None:
        assert parse(readers_console.get("/billing?month=2026-11")).one(id="total-tokens").text == "1,234,667"


@pytest.mark.usefixtures("used")
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
class TestExport:
    """The answer is made for the ASGI server; Django's test client collects it, with a warning."""

    def export(self, browser: Client, format: str) -> tuple[Any, str]:
        answer = browser.get("/billing/export", {"month": "2026-11", "format": format})
        return answer, b"".join(answer).decode()

    def test_both_formats_sum_to_the_pages_numbers(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-11"))
        _, as_csv = self.export(console, "csv")
        _, as_json = self.export(console, "jsonl")
        for lines in (list(csv.DictReader(io.StringIO(as_csv))), [json.loads(line) for line in as_json.splitlines()]):
            tokens = sum(int(line["tokens"]) for line in lines)
            cost = sum((Decimal(line["cost_usd"]) for line in lines), Decimal(0))
            assert f"{tokens:,}" == page.one(id="total-tokens").text
            assert cost == Decimal(page.one(id="total-cost").text.removeprefix("$"))
            assert {line["cluster_name"] for line in lines} == {"one", "two"}

    @pytest.mark.parametrize(
        ("format", "kind", "extension"),
        [
            ("csv", "text/csv", "csv"),
            ("jsonl", "application/jsonl", "jsonl"),
            ("parquet", "application/vnd.apache.parquet", "parquet"),
            ("focus-csv", "text/csv", "focus.csv"),
            ("focus-parquet", "application/vnd.apache.parquet", "focus.parquet"),
        ],
    )
    def test_it_arrives_as_a_file_with_a_name(self, format: str, kind: str, extension: str, console: Client) -> None:
        answer = console.get("/billing/export", {"month": "2026-11", "format": format})
        assert b"".join(answer)
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Content-Disposition"] == (f'attachment; filename="inference-usage-2026-11.{extension}"')

    def test_the_page_links_every_format(self, console: Client) -> None:
        page = parse(console.get("/billing?month=2026-11"))
        labels = {
            format: page.one("a", href=f"/billing/export?month=2026-11&format={format}").text
            for format in EXPORT_FORMATS
        }
        assert labels == {
            "csv": "CSV",
            "jsonl": "JSON Lines",
            "parquet": "Parquet",
            "focus-csv": "FOCUS 1.2 CSV",
            "focus-parquet": "FOCUS 1.2 Parquet",
        }

    def test_another_format_is_not_there(self, console: Client) -> None:
        answer = console.get("/billing/export", {"month": "2026-11", "format": "xls"})
        assert answer.status_code == 404
        assert "Usage can be exported as one of: csv, jsonl, parquet, focus-csv, focus-parquet." in parse(answer).text


class TestStatement:
    """The page of a month's statement."""

    MARCH = datetime(2025, 3, 3, 4, 5, 6, tzinfo=UTC)

    @pytest.fixture
    def closed(self, make_cluster: Callable[..., Cluster]) -> Statement:
        cluster = make_cluster("one")
        record_usage(cluster, MXBAI, 1_234_567, self.MARCH)
        statement = close_month(account=cluster.account, month=Month(2025, 3))
        assert statement is not None
        return statement

    def test_a_draft_shows_what_it_would_be(self, console: Client, used: None) -> None:
        page = parse(console.get("/billing/statement?month=2026-11"))
        assert "Draft statement" in page.text
        assert [row[-1] for row in table(page, "statement-title")] == ["$0.03703701", "$0.00000003", "$0.00"]
        assert page.one(id="exact").text == "$0.03703704"
        assert (page.one(id="total").text, page.one(id="residual").text) == ("$0.03704", "-$0.00000296")
        assert not page.all("button", name="action")

    def test_a_closed_one_has_its_number_and_says_that_it_is_a_simulation(
        self, console: Client, closed: Statement
    ) -> None:
        page = parse(console.get("/billing/statement?month=2025-03"))
        assert f"Statement {closed.invoice_number}" in page.text
        assert page.one(id="due").text == "$0.03704"
        assert "A simulation" in page.one("section", aria_labelledby="statement-title").text
        assert [row[0] for row in table(page, "all-title")] == [closed.invoice_number]

    def test_it_is_a_pdf_too(self, console: Client, closed: Statement) -> None:
        answer = console.get("/billing/statement.pdf?month=2025-03")
        assert answer.content.startswith(b"%PDF-")
        assert answer.headers["Content-Type"] == "application/pdf"
        name = f'attachment; filename="statement-{closed.invoice_number}.pdf"'
        assert answer.headers["Content-Disposition"] == name

    @pytest.mark.parametrize(("action", "state"), [("pay", "Paid"), ("void", "Void"), ("burn", "Open")])
    def test_it_can_be_paid_or_taken_back_once(
        self, console: Client, closed: Statement, action: str, state: str
    ) -> None:
        for _ in range(2):
            answer = console.post("/billing/statement?month=2025-03", {"action": action}, follow=True)
            assert parse(answer).one(id="state").text == state

    def test_those_who_may_only_look_can_change_nothing(self, readers_console: Client, closed: Statement) -> None:
        assert readers_console.post("/billing/statement?month=2025-03", {"action": "pay"}).status_code == 403
        closed.refresh_from_db()
        assert closed.state == "open"


def test_a_long_statement_is_shown_some_lines_at_a_time(
    console: Client, used: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.statement_views.LINES_PER_PAGE", 1)
    whole = "/billing/statement?month=2026-11"
    first = parse(console.get(whole))
    after = parse(console.get(first.one("a", rel="next").attributes["href"]))
    assert [row[0] for row in table(first, "statement-title") + table(after, "statement-title")] == ["one", "two"]
    assert table(first, "statement-title")[0][3].endswith(" per 1,000,000 tokens")
    assert first.one(id="exact").text == after.one(id="exact").text == "$0.03703704"
