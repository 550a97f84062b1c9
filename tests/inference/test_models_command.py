"""``manage.py models``: what an operator sees and does about weights."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inference.catalogue import CATALOGUE
from tests.inference.conftest import MINILM


def models(*arguments: str) -> str:
    """What the command prints."""
    output = StringIO()
    call_command("models", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


@pytest.fixture
def offline(settings: Any, tmp_path: Path) -> Path:
    """An empty cache and no network."""
    settings.INFERENCE_CACHE_DIR = tmp_path
    settings.INFERENCE_MODELS_DIR = None
    settings.INFERENCE_OFFLINE = True
    return tmp_path


def test_list_shows_every_hosted_model_and_where_its_weights_are(minilm_folder: Path) -> None:
    lines = dict(line.split(maxsplit=1) for line in models("list").splitlines())
    assert set(lines) == {name for name, spec in CATALOGUE.items() if not spec.is_external}
    assert lines[MINILM.name] == str(minilm_folder)
    assert lines["qdrant/bm25"] == "needs no weights"


def test_pull_and_verify_take_the_models_that_every_worker_loads(minilm_folder: Path) -> None:
    assert models("pull") == f"{MINILM.name}: {minilm_folder}\n"
    assert models("verify") == f"{MINILM.name}: as fetched\n"
    assert models("verify", "Sentence-Transformers/all-MiniLM-L6-v2") == models("verify")


def test_a_model_that_cannot_be_had_ends_the_command_with_the_reason(offline: Path) -> None:
    with pytest.raises(CommandError, match=f"{MINILM.name}: offline and no weights in {offline}"):
        models("pull")


def test_verify_names_what_is_missing(offline: Path) -> None:
    assert models("verify") == ""
    with pytest.raises(CommandError, match=r"manifest\.json is missing"):
        models("verify", MINILM.name)


@pytest.mark.parametrize("name", ["bm25", "openai/text-embedding-3-small", "nobody/nothing"])
def test_a_name_without_weights_is_refused_with_those_that_have_some(name: str) -> None:
    with pytest.raises(CommandError, match=f"{name} is not a model with weights; those are .*{MINILM.name}"):
        models("pull", name)
