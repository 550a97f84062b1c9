"""Imports through a real gateway: every row once in the collection and once on the bill, whoever dies when."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db.models import Sum
from django.utils import timezone

from billing.models import UsageEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from clusters.data_plane import CONSOLE_KEY_ID, open_data_plane
from clusters.models import Cluster
from clusters.notifications import announce_cluster_change
from clusters.rules.lifecycle import Phase
from inference.catalogue import CATALOGUE
from inference.imports import sending, services
from inference.imports.estimate import estimate
from inference.imports.models import BadRow, Import
from inference.imports.services import cancel_import, pause_import, resume_import, run_import, upload_file
from inference.imports.target import find_target
from inference.imports.tasks import sweep
from inference.queries import offered_models
from tests.gateway.conftest import MINILM, Door, committing, document
from tests.imports.files import WRITERS, Rows, csv_bytes

pytestmark = pytest.mark.django_db
State = Import.State
COLBERT = "answerdotai/answerai-colbert-small-v1"
SOMEBODY = Actor("user", "1", "owner@acme.example")
ROWS = [{"id": str(number), "text": f"{number} recipes with flour and sugar", "tag": "a"} for number in range(20)]


class Died(BaseException):
    """The worker's process is gone; nothing that it would have done happens."""


@pytest.fixture(autouse=True)
def surroundings(settings: Any, gateway_url: str, worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GATEWAY_URL = gateway_url
    settings.INFERENCE_ADDRESSES = [worker.address]
    settings.INFERENCE_IMPORTS_DIR = tmp_path / "imports"
    monkeypatch.setattr(sending, "MOST_ROWS", {"text": 6, "image": 6})


@pytest.fixture
def collection(new_us: Door) -> Iterator[str]:
    name = f"import-{uuid4()}"
    yield name
    new_us.http.delete(f"/collections/{name}")


def begun(door: Door, collection: str, content: bytes, **choices: Any) -> Import:
    draft = upload_file(cluster=door.cluster, name="rows.csv", pieces=[content], requested_by=SOMEBODY)
    wanted = {"column": "text", "model": MINILM, "vector": "", "id_column": "id", "payload_columns": ["tag"]} | choices
    model = next(one for one in offered_models() if one.spec.name == wanted["model"])
    tokens = estimate(draft, column=wanted["column"], model=model).tokens
    services.start_import(draft=draft, collection=collection, estimated_tokens=tokens, requested_by=SOMEBODY, **wanted)
    return draft


def after(one: Import, *, slices: int = 1) -> Import:
    """The import once a worker had it so often, whatever lease or pause stood against it."""
    for _ in range(slices):
        Import.objects.filter(pk=one.pk).update(due_at=timezone.now())
        Import.objects.filter(pk=one.pk, state=State.RUNNING).update(lease_expires_at=timezone.now() - timedelta(1))
        run_import(one.pk)
    return Import.objects.get(pk=one.pk)


def billed_to_console(door: Door, since: Any) -> int:
    events = UsageEvent.objects.filter(cluster=door.cluster.pk, api_key_id=CONSOLE_KEY_ID, recorded_at__gte=since)
    return events.aggregate(tokens=Sum("tokens"))["tokens"] or 0


@pytest.mark.parametrize("format", WRITERS)
def test_every_format_ends_as_points_and_as_a_bill(format: str, new_us: Door, collection: str) -> None:
    since = timezone.now()
    done = after(begun(new_us, collection, WRITERS[format](ROWS)))
    assert (done.state, done.points, done.bad_rows, done.rows_read) == (State.SUCCEEDED, 20, 0, 20)
    assert done.tokens == done.estimated_tokens == billed_to_console(new_us, since) > 0
    assert new_us.count(collection) == 20
    found = new_us.query(collection, document("7 recipes with flour and sugar"), limit=1).json()["result"]["points"]
    assert (found[0]["id"], found[0]["payload"]) == (7, {"tag": "a"})
    assert not done.path.exists()


@pytest.mark.parametrize(
    ("model", "vector", "parameters"),
    [
        ("qdrant/bm25", "words", {"sparse_vectors": {"words": {"modifier": "idf"}}}),
        ("prithivida/splade_pp_en_v1", "words", {"sparse_vectors": {"words": {"modifier": "none"}}}),
        ("sentence-transformers/all-minilm-l6-v2", "look", {"vectors": {"look": {"size": 384, "distance": "Cosine"}}}),
        (
            COLBERT,
            "words",
            {"vectors": {"words": {"size": 96, "multivector_config": {"comparator": "max_sim"}}}},
        ),
    ],
)
def test_a_collection_is_made_as_the_model_needs_it(
    model: str, vector: str, parameters: dict[str, Any], new_us: Door, collection: str
) -> None:
    done = after(begun(new_us, collection, csv_bytes(ROWS[:3]), model=model, vector=vector))
    assert (done.state, done.points) == (State.SUCCEEDED, 3), done.error
    assert done.tokens == done.estimated_tokens
    made = new_us.http.get(f"/collections/{collection}").json()["result"]["config"]["params"]
    for kind, vectors in parameters.items():
        assert {name: made[kind][name] | facts for name, facts in vectors.items()} == made[kind]


@pytest.mark.parametrize(
    ("there", "model", "field", "sentence"),
    [
        ({"vectors": {"size": 10, "distance": "Dot"}}, MINILM, "collection", "dense vectors of 384 dimensions"),
        ({"sparse_vectors": {"words": {}}}, MINILM, "collection", "dense vectors of 384 dimensions"),
        ({"vectors": {"size": 96, "distance": "Cosine"}}, COLBERT, "collection", "several vectors for each text of 96"),
        ({"vectors": {"size": 384, "distance": "Cosine"}}, "qdrant/bm25", "collection", "it makes sparse vectors."),
        ({"vectors": {n: {"size": 384, "distance": "Dot"} for n in "ab"}}, MINILM, "vector", "that fit: a, b."),
    ],
)
def test_a_collection_whose_vectors_do_not_fit_is_refused(
    there: dict[str, Any], model: str, field: str, sentence: str, new_us: Door
) -> None:
    collection = new_us.collection("unfitting", **there)
    with open_data_plane(new_us.cluster, timeout_seconds=30) as data_plane, pytest.raises(ServiceError) as refused:
        find_target(data_plane, collection=collection, spec=CATALOGUE[model])
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, field)
    assert sentence in refused.value.sentence
    # Where the collection became what it is only after the import was asked for:
    one = after(begun(new_us, collection, csv_bytes(ROWS), model=model))
    assert (one.state, one.points, one.tokens) == (State.FAILED, 0, 0)
    assert sentence in one.error


def test_deleting_the_cluster_in_the_middle_ends_its_imports_and_removes_the_files(
    open_door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    def enter(phase: Phase) -> None:
        rows = Cluster.objects.filter(pk=door.cluster.pk)
        committing(lambda: (rows.update(phase=phase), announce_cluster_change(door.cluster.pk)))

    monkeypatch.setattr(sending, "SLICE_SECONDS", 0)
    door, since = open_door("doomed-us"), timezone.now()
    working, waiting = (begun(door, door.collection("doomed"), csv_bytes(ROWS)) for _ in range(2))
    Import.objects.filter(pk=waiting.pk).update(state=State.PAUSED)
    assert after(working).rows_read == 6
    put = sending._Sending._put

    def deleted_meanwhile(sending: Any, points: list[bytes]) -> httpx.Response:
        enter(Phase.DELETING)
        return put(sending, points)

    monkeypatch.setattr(sending._Sending, "_put", deleted_meanwhile)
    ended = after(working)
    assert (ended.state, ended.error) == (State.CANCELLED, services.CLUSTER_DELETED)
    assert ended.tokens == billed_to_console(door, since) > 0
    assert not ended.path.exists()
    sweep()
    assert Import.objects.get(pk=waiting.pk).state == State.CANCELLED
    assert not waiting.path.exists()
    enter(Phase.DELETED)
    sweep()
    assert not Import.objects.filter(cluster=door.cluster).exists()


def _before_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending._Sending, "_put", _die)


def _after_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    put = sending._Sending._put
    monkeypatch.setattr(sending._Sending, "_put", lambda self, points: _die(put(self, points)))


def _while_writing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BadRow.objects, "bulk_create", _die)


def _after_writing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending._Ahead, "drop", _die)


def _die(*_: Any) -> Any:
    raise Died


@pytest.mark.parametrize("moment", [_before_sending, _after_sending, _while_writing_down, _after_writing_down])
def test_a_worker_that_dies_at_any_moment_costs_nothing(
    moment: Callable[[pytest.MonkeyPatch], None], new_us: Door, collection: str
) -> None:
    since = timezone.now()
    rows: Rows = [*ROWS, {"id": "odd", "text": "a row that is not taken", "tag": ""}]
    one = begun(new_us, collection, csv_bytes(rows))
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            moment(patch)
            with pytest.raises(Died):
                after(one)
    done = after(one)
    assert (done.state, done.points, done.bad_rows, done.rows_read) == (State.SUCCEEDED, 20, 1, 21)
    assert new_us.count(collection) == 20
    assert done.tokens == billed_to_console(new_us, since) == done.estimated_tokens - 8  # those of the row not taken
    assert [problem.number for problem in done.problems.all()] == [21]


def test_pausing_cancelling_and_going_on(new_us: Door, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SLICE_SECONDS", 0)
    since = timezone.now()
    one = begun(new_us, collection, csv_bytes(ROWS))
    one = after(one)
    assert (one.state, one.rows_read) == (State.PENDING, 6)  # others have their turn
    Import.objects.filter(pk=one.pk).update(state=State.RUNNING)
    pause_import(wanted=one, requested_by=SOMEBODY)
    one = after(one)
    assert (one.state, one.rows_read, one.wish) == (State.PAUSED, 12, "")
    run_import(one.pk)
    assert Import.objects.get(pk=one.pk).rows_read == 12
    resume_import(wanted=one, requested_by=SOMEBODY)
    with monkeypatch.context() as patch:
        _after_sending(patch)
        with pytest.raises(Died):
            after(one)
    cancel_import(wanted=one, requested_by=SOMEBODY)
    one = after(one)
    assert (one.state, one.rows_read) == (State.CANCELLED, 18)  # with the batch whose outcome nobody knew
    assert one.tokens == billed_to_console(new_us, since)
    assert new_us.count(collection) == 18
    assert not one.path.exists()


def test_a_row_that_the_data_plane_refuses_is_found_among_the_others(new_us: Door, collection: str) -> None:
    since = timezone.now()
    rows = [row | ({"text": "a" * 1_000_001} if number == 9 else {}) for number, row in enumerate(ROWS)]
    done = after(begun(new_us, collection, csv_bytes(rows)), slices=3)
    assert (done.state, done.points, done.bad_rows) == (State.SUCCEEDED, 19, 1), done.error
    [problem] = done.problems.all()
    assert problem.number == 10
    assert "at most 1000000 are allowed" in problem.reason
    assert done.tokens == billed_to_console(new_us, since)


def test_what_stops_everybody_stops_the_import_and_it_goes_on_from_there(new_us: Door, collection: str) -> None:
    one = begun(new_us, collection, csv_bytes(ROWS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "SLICE_SECONDS", 0)
        one = after(one)
    new_us.http.delete(f"/collections/{collection}")
    one = after(one)
    assert (one.state, one.rows_read, one.points) == (State.FAILED, 6, 6)
    assert "doesn't exist" in one.error
    new_us.collection(collection)
    resume_import(wanted=one, requested_by=SOMEBODY)
    one = after(one)
    assert (one.state, one.bad_rows) == (State.SUCCEEDED, 0)
    assert new_us.count(collection) == 14


def test_a_cluster_without_inference_is_no_fault_of_the_rows(open_door: Callable[..., Door]) -> None:
    door = open_door("off-us", inference=False)
    one = after(begun(door, door.collection("off"), csv_bytes(ROWS)))
    assert (one.state, one.bad_rows) == (State.FAILED, 0)
    assert one.error.startswith("Inference is switched off for cluster off-us.")


def test_a_gateway_that_is_away_is_waited_for(new_us: Door, collection: str, settings: Any) -> None:
    one = begun(new_us, collection, csv_bytes(ROWS))
    there = settings.GATEWAY_URL
    settings.GATEWAY_URL = "http://127.0.0.1:1"
    one = after(one)
    assert (one.state, one.attempts) == (State.PENDING, 1)
    assert one.error.startswith("The gateway does not answer")
    settings.GATEWAY_URL = there
    assert (after(one).state, after(one).error) == (State.SUCCEEDED, "")


def test_httpx_is_told_of_refusals_in_their_own_words() -> None:
    answer = httpx.Response(402, json={"status": {"error": "The budget is used up."}})
    assert sending.sentence_of(answer) == "The budget is used up."
    assert sending.sentence_of(httpx.Response(502, text="<html>")) == "The data plane answered 502."
