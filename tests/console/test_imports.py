"""The pages of imports: a file, its rows, choices and refusals; the data plane is away."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cloudconsole.accounts.models import AuditEvent
from clusters.models import Cluster
from inference.imports.models import BadRow, Import
from inference.imports.services import MOST_UNFINISHED, remove_old_files
from tests.console.html import Element, parse

MINILM = "sentence-transformers/all-minilm-l6-v2"
FILE = b"id,text,tag\n1,Tomato soup,a\n2,Bread <b>,b\n"
CHOICES = {"column": "text", "model": MINILM, "collection": "soups", "id_column": "id", "payload_columns": ["tag"]}
State = Import.State


@pytest.fixture(autouse=True)
def nobody_answers(settings: Any, tmp_path: Path) -> Path:
    settings.GATEWAY_URL = "http://127.0.0.1:1"
    settings.INFERENCE_ADDRESSES = [str(tmp_path / "no-worker.sock")]
    settings.INFERENCE_IMPORTS_DIR = tmp_path / "imports"
    return tmp_path / "imports"


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    return make_cluster(inference=True)


def upload(console: Client, cluster: Cluster, content: bytes = FILE) -> Any:
    return console.post(f"/clusters/{cluster.pk}/inference/imports", {"file": SimpleUploadedFile("soups.csv", content)})


@pytest.fixture
def draft(console: Client, cluster: Cluster) -> Import:
    assert upload(console, cluster).status_code == 302
    return Import.objects.get()


def page_of(one: Import, rest: str = "") -> str:
    return f"/clusters/{one.cluster_id}/inference/imports/{one.pk}{rest}"


def standing(draft: Import, state: str, **fields: Any) -> Import:
    chosen = {"column": "text", "model": MINILM, "collection": "soups"}
    Import.objects.filter(pk=draft.pk).update(state=state, **(chosen | fields))
    return Import.objects.get(pk=draft.pk)


def test_a_file_is_shown_with_likely_choices_before_anything_is_sent(
    console: Client, draft: Import, nobody_answers: Path
) -> None:
    page = parse(console.get(page_of(draft)))
    assert "2 rows, 3 columns" in page.text
    assert [cell.text for cell in page.one("table").all("td")] == ["1", "Tomato soup", "a", "2", "Bread <b>", "b"]
    chosen = {
        select.attributes["name"]: option.attributes["value"]
        for select in page.all("select")
        for option in select.all("option")
        if "selected" in option.attributes
    }
    assert {name: chosen[name] for name in ("column", "model", "id_column")} == {
        "column": "text",
        "model": MINILM,
        "id_column": "id",
    }
    assert page.one(id="id_collection").attributes["value"] == "soups"
    assert "The gateway does not answer" in page.text
    assert oct(nobody_answers.stat().st_mode & 0o777) == "0o700"


def test_the_estimate_follows_the_choices_and_says_what_it_is_made_of(console: Client, draft: Import) -> None:
    def estimated(**choices: str) -> Element:
        answer = console.get(page_of(draft), choices, headers={"HX-Request": "true", "HX-Target": "estimate"})
        return parse(answer).one(id="estimate")

    one = estimated(column="text", model=MINILM)
    assert one.one("strong").attributes["data-tokens"] == str((11 // 4 + 2) + (9 // 4 + 2))
    assert "four characters a token" in one.text
    assert "$0.00" in estimated(column="text", model="mixedbread-ai/mxbai-embed-large-v1").text
    assert "Choose a column and a model" in estimated(column="nothing", model=MINILM).text


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"", "empty"), (b"[1]", "Write one object in each line"), (b"a\n", "has no rows")]
)
def test_a_file_that_cannot_be_read_is_refused_with_the_way_out_and_not_kept(
    content: bytes, sentence: str, console: Client, cluster: Cluster, nobody_answers: Path
) -> None:
    answer = upload(console, cluster, content)
    assert answer.status_code == 422
    assert sentence in parse(answer).one(id="id_file_error").text
    assert not Import.objects.exists()
    assert not nobody_answers.exists() or not list(nobody_answers.iterdir())


def test_so_many_files_wait_at_a_time(
    console: Client, cluster: Cluster, django_capture_on_commit_callbacks: Callable
) -> None:
    for _ in range(MOST_UNFINISHED):
        upload(console, cluster)
    answer = upload(console, cluster)
    assert answer.status_code == 422
    assert "Wait for one, or cancel one." in parse(answer).text
    one = Import.objects.first()
    with django_capture_on_commit_callbacks(execute=True):
        console.post(page_of(one, "/cancel"))
    assert not one.path.exists()
    assert upload(console, cluster).status_code == 302


@pytest.mark.parametrize(
    ("choices", "where", "sentence"),
    [
        ({"column": "nothing"}, "id_column_error", "Select a valid choice"),
        ({"model": "openai/*"}, "id_model_error", "Select a valid choice"),
        ({"collection": "a b"}, "id_collection_error", "Names of collections have letters"),
        ({}, "main", "The gateway does not answer"),
    ],
)
def test_wrong_choices_are_told_and_nothing_begins(
    choices: dict[str, str], where: str, sentence: str, console: Client, draft: Import
) -> None:
    answer = console.post(page_of(draft), CHOICES | choices)
    assert answer.status_code == 422
    assert sentence in parse(answer).one(id=where).text
    assert Import.objects.get().state == State.DRAFT


@pytest.mark.parametrize(
    ("state", "word", "buttons"),
    [
        (State.PENDING, "Running", ["Pause", "Cancel the import"]),
        (State.RUNNING, "Running", ["Pause", "Cancel the import"]),
        (State.PAUSED, "Paused", ["Resume", "Cancel the import"]),
        (State.FAILED, "Stopped", ["Resume", "Cancel the import"]),
        (State.SUCCEEDED, "Done", []),
        (State.CANCELLED, "Cancelled", []),
    ],
)
def test_each_state_shows_what_can_be_done(
    state: str, word: str, buttons: list[str], console: Client, draft: Import
) -> None:
    one = standing(draft, state, rows_read=1)
    progress = parse(console.get(page_of(one))).one(id="progress")
    assert f"{word}: 1 of 2 rows, 0 not taken." in progress.text
    assert [button.text for button in progress.all("button")] == buttons
    assert ("hx-get" in progress.attributes) == (word == "Running")
    assert word in parse(console.get(f"/clusters/{one.cluster_id}/inference/imports")).one("table").text


@pytest.mark.parametrize(
    ("state", "action", "becomes", "wish"),
    [
        (State.PENDING, "pause", State.PAUSED, ""),
        (State.RUNNING, "pause", State.RUNNING, "pause"),
        (State.PAUSED, "resume", State.PENDING, ""),
        (State.FAILED, "resume", State.PENDING, ""),
        (State.RUNNING, "cancel", State.RUNNING, "cancel"),
        (State.PAUSED, "cancel", State.CANCELLED, ""),
    ],
)
def test_what_is_asked_of_it_is_done_and_written_down(
    state: str, action: str, becomes: str, wish: str, console: Client, draft: Import
) -> None:
    one = standing(draft, state)
    assert console.post(page_of(one, f"/{action}")).status_code == 302
    one.refresh_from_db()
    assert (one.state, one.wish) == (becomes, wish)
    assert AuditEvent.objects.filter(resource_type="import", action=action, resource_id=str(one.pk)).count() == 1


@pytest.mark.parametrize(
    ("state", "action", "sentence"),
    [
        (State.SUCCEEDED, "pause", "not running, so it cannot be paused"),
        (State.RUNNING, "resume", "not paused, so there is nothing to resume"),
        (State.CANCELLED, "cancel", "has ended already"),
    ],
)
def test_what_cannot_be_done_is_said(state: str, action: str, sentence: str, console: Client, draft: Import) -> None:
    one = standing(draft, state)
    headers = {"HX-Request": "true", "HX-Target": "progress"}
    assert sentence in parse(console.post(page_of(one, f"/{action}"), headers=headers)).text
    assert Import.objects.get().state == state


def test_what_was_not_taken_is_listed_and_downloaded(console: Client, draft: Import) -> None:
    one = standing(draft, State.SUCCEEDED, bad_rows=25)
    BadRow.objects.bulk_create(
        BadRow(belongs_to=one, number=number, reason="It is empty.", excerpt='"=1+1"') for number in range(1, 26)
    )
    page = parse(console.get(page_of(one)))
    assert "The first 20 of 25" in page.text
    report = console.get(page.one("a", class_="button").attributes["href"]).content.decode().splitlines()
    assert report[:2] == ["row,reason,begins_with", '1,It is empty.,"""=1+1"""']
    assert len(report) == 26


def test_who_may_only_look_and_strangers(
    console: Client, readers_console: Client, draft: Import, foreign_cluster: Cluster
) -> None:
    assert readers_console.get(page_of(draft)).status_code == 200
    assert readers_console.post(page_of(draft, "/cancel")).status_code == 403
    assert upload(readers_console, draft.cluster).status_code == 403
    Import.objects.update(cluster=foreign_cluster)
    foreign = Import.objects.get()
    assert console.get(page_of(foreign)).status_code == 404
    assert console.get(page_of(draft)).status_code == 404


def test_files_that_nobody_goes_on_with_are_removed(draft: Import, nobody_answers: Path) -> None:
    (nobody_answers / "left by a killed process").touch()
    remove_old_files()
    assert draft.path.exists()
    long_ago = timezone.now() - timedelta(days=30)
    Import.objects.update(due_at=long_ago)
    for file in nobody_answers.iterdir():
        os.utime(file, (0, 0))
    remove_old_files()
    assert list(nobody_answers.iterdir()) == []
    draft.refresh_from_db()
    assert (draft.state, draft.sample) == (State.CANCELLED, [])
