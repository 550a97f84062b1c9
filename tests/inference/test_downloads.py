"""Weights that somebody asked for in the console arrive, once, also when whoever fetched them died."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cloudconsole.accounts.models import Account, AuditEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from inference import downloads
from inference.catalogue import CATALOGUE
from inference.downloads import ALIVE, carry_out, next_download, request_download
from inference.models import ModelDownload
from inference.services import sync_catalogue
from inference.tasks import download_model, sweep_downloads
from inference.worker.weights import WeightStore
from tests.inference import tiny_models
from tests.inference.file_servers import FileServer, model_hub

E5 = CATALOGUE["intfloat/multilingual-e5-small"]
SPLADE = CATALOGUE["prithivida/splade_pp_en_v1"]
SOMEBODY = Actor(type="user", id="1", name="owner@acme.example")


@pytest.fixture(autouse=True)
def cloud(db: None, settings: Any, tmp_path: Path) -> None:
    """Rows for the models, and nothing in the cache."""
    sync_catalogue()
    settings.INFERENCE_CACHE_DIR = tmp_path / "cache"
    settings.INFERENCE_MODELS_DIR = None
    settings.INFERENCE_OFFLINE = False


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The downloads for which the task worker was woken."""
    names: list[str] = []
    monkeypatch.setattr(downloads.app, "send_task", lambda name, args, **_: names.append(args[0]))
    return names


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """The only hub, with a tiny model in the place of multilingual E5."""
    tiny_models.write_text_model(tmp_path / "repository", width=384, file="onnx/model.onnx")
    with model_hub(E5.weights.hub_repo, tmp_path / "repository") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


def ask(account: Account, spec: Any = E5) -> ModelDownload:
    return request_download(spec=spec, account=account, requested_by=SOMEBODY)


def test_what_was_asked_for_is_fetched_once_and_written_down(
    account: Account, hub: FileServer, woken: list[str], settings: Any, django_capture_on_commit_callbacks: Callable
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        download = ask(account)
        assert ask(account) == download
    assert woken == [str(download.pk)]
    download_model(woken[0])
    download.refresh_from_db()
    assert (download.state, download.reason) == ("done", "")
    assert download.finished_at is not None
    assert WeightStore(settings.INFERENCE_CACHE_DIR).verify(E5) == []
    [event] = AuditEvent.objects.filter(account=account, action="model.download")
    assert event.after == {"name": E5.name}
    requested = len(hub.requested)
    download_model(woken[0])
    assert len(hub.requested) == requested
    assert ask(account) != download  # a new wish for a model that may have been removed meanwhile


def test_a_download_whose_worker_died_is_taken_up_by_another_and_a_living_one_is_left_alone(
    account: Account, hub: FileServer, woken: list[str]
) -> None:
    download = ask(account)
    rows = ModelDownload.objects.filter(pk=download.pk)
    rows.update(state="running", seen_at=timezone.now())
    assert next_download() is None
    carry_out(download.pk)
    assert rows.get().state == "running"
    rows.update(seen_at=timezone.now() - ALIVE - timedelta(seconds=1))
    sweep_downloads()
    assert woken == [str(download.pk)]
    carry_out(download.pk)
    assert rows.get().state == "done"


def test_models_are_fetched_one_after_the_other(account: Account, hub: FileServer) -> None:
    first, second = ask(account, SPLADE), ask(account)
    ModelDownload.objects.filter(pk=first.pk).update(state="running", seen_at=timezone.now())
    carry_out(second.pk)
    second.refresh_from_db()
    assert second.state == "queued"
    assert next_download() == second.pk
    ModelDownload.objects.filter(pk=first.pk).update(state="done")
    carry_out(second.pk)
    second.refresh_from_db()
    assert second.state == "done"


def test_what_cannot_be_had_says_why_and_may_be_asked_for_again(account: Account, hub: FileServer) -> None:
    download = ask(account, SPLADE)  # this hub has another model only
    carry_out(download.pk)
    download.refresh_from_db()
    assert download.state == "failed"
    assert download.reason.startswith(f"hub {SPLADE.weights.hub_repo}: ")
    assert ask(account, SPLADE) != download


@pytest.mark.parametrize(("name", "said"), [("qdrant/bm25", "no weights"), ("openai/*", "no weights")])
def test_what_has_no_weights_cannot_be_downloaded(account: Account, name: str, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        ask(account, CATALOGUE[name])


def test_offline_nothing_is_queued(account: Account, settings: Any) -> None:
    settings.INFERENCE_OFFLINE = True
    with pytest.raises(ServiceError, match="offline"):
        ask(account)
    assert not ModelDownload.objects.exists()
