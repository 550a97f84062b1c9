"""The page of exports: asking, watching, downloading."""

from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from billing.reports.models import Export
from billing.reports.services import run_export
from clusters.models import Cluster, DatabaseApiKey
from tests.console.conftest import record_usage
from tests.console.html import parse

PAGE = "/billing/exports"
WISH = {"from": "2026-11", "to": "", "format": "csv"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.BILLING_EXPORTS_DIR = tmp_path
    return tmp_path


def test_from_the_form_to_the_file(console: Client, make_cluster) -> None:
    record_usage(make_cluster("one"), "mixedbread-ai/mxbai-embed-large-v1", 4321)
    answer = console.post(PAGE, WISH)
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    waiting = parse(console.get(PAGE)).one(id="exports")
    assert waiting.attributes["hx-get"] == PAGE
    assert waiting.one("progress").attributes["value"] == "0"
    run_export(Export.objects.get().pk)
    done = parse(console.get(PAGE, headers={"HX-Request": "true", "HX-Target": "exports"})).one(id="exports")
    assert "hx-get" not in done.attributes
    assert "Done" in done.text
    assert Export.objects.get().sha256 in done.text
    link = done.one("a", class_="button").attributes["href"]
    file = console.get(link)

    async def read() -> bytes:
        return b"".join([piece async for piece in file])

    assert b",4321," in async_to_sync(read)()


def test_filters_of_the_account_are_offered(console: Client, make_cluster, foreign_cluster: Cluster) -> None:
    cluster = make_cluster("mine")
    page = parse(console.get(PAGE))
    choices = [option.text for option in page.one("select", id="id_cluster").all("option")]
    assert choices == ["All", "mine"]
    assert console.post(PAGE, WISH | {"cluster": str(cluster.pk)}).status_code == 302
    assert Export.objects.get().cluster_id == cluster.pk


def test_a_wrong_wish_is_told_at_its_field(console: Client) -> None:
    answer = console.post(PAGE, WISH | {"label": "team"})
    assert answer.status_code == 422
    assert "A label is written as key=value." in parse(answer).one(id="id_label_error").text
    answer = console.post(PAGE, WISH | {"to": "2026-01"})
    assert "are none" in parse(answer).one(id="id_to_error").text


def test_a_failed_export_says_why(console: Client) -> None:
    console.post(PAGE, WISH)
    Export.objects.update(state="failed", error="OSError: no space left")
    assert "no space left" in parse(console.get(PAGE)).one(id="exports").text
    assert console.get(f"/billing/exports/{Export.objects.get().pk}/file").status_code == 404


def test_whoever_may_read_bills_may_export_them(readers_console: Client) -> None:
    assert readers_console.post(PAGE, WISH).status_code == 302
    assert "2026-11" in parse(readers_console.get(PAGE)).one(id="exports").text


def test_whoever_may_not_does_not(base_console: Client) -> None:
    assert base_console.get(PAGE).status_code == 403
    assert base_console.post(PAGE, WISH).status_code == 403


def test_others_do_not_see_them(console: Client, foreign_cluster: Cluster) -> None:
    console.post(PAGE, WISH)
    Export.objects.update(account=foreign_cluster.account)
    assert "No export yet" in parse(console.get(PAGE)).text
    assert console.get(f"/billing/exports/{Export.objects.get().pk}/file").status_code == 404


def test_of_many_clusters_some_are_offered_and_others_found(
    console: Client, make_cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.choices.MOST_OFFERED", 2)
    wanted, *_ = [make_cluster(name) for name in ("sought", "second", "third")]
    key = DatabaseApiKey.objects.create(cluster=wanted, name="reader", prefix="k", secret_hash="h")

    def offered(query: str, field: str = "cluster") -> list[str]:
        return [one.text for one in parse(console.get(f"{PAGE}{query}")).one("select", id=f"id_{field}").all("option")]

    assert offered("") == ["All", "third", "second"]
    assert "find_key" not in [one.attributes.get("name") for one in parse(console.get(PAGE)).all("input")]
    assert offered("?find_cluster=SOUGHT") == ["All", "sought"]
    assert offered(f"?find_cluster={wanted.pk}") == ["All", "sought"]
    assert offered("?find_cluster=nothing") == ["All"]
    assert offered("?find_key=sought+read", "api_key") == ["All", "sought: reader"]
    page = parse(console.get(f"{PAGE}?cluster={wanted.pk}&api_key={key.pk}"))
    chosen = [one.text for one in page.all("option") if "selected" in one.attributes]
    assert {"sought", "sought: reader"} <= set(chosen)
    assert console.post(PAGE, WISH | {"cluster": str(wanted.pk)}).status_code == 302
    answer = console.post(PAGE, WISH | {"cluster": str(wanted.pk), "label": "team"})
    chosen = [one.text for one in parse(answer).all("option") if "selected" in one.attributes]
    assert "sought" in chosen, "what was chosen stays chosen"
