"""Models of an operator's own: an entry in a catalogue and a folder of files, as the README tells it."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cloudconsole.paths import PROJECT_DIR
from inference.catalogue import CATALOGUE, CATALOGUE_FILE, CatalogueError, load_catalogue
from inference.models import ModelPrice
from inference.services import sync_catalogue
from tests.inference import tiny_models
from tests.inference.conftest import Worker, running_worker, text_inputs

NAME = "acme/support-tickets"
POOLINGS = {NAME: "mean", "acme/first": "cls", "acme/last": "last_token", "acme/sentences": "disabled"}
TEXTS = ["a ticket", "", "a longer one: nothing prints", "x " * 300]


def manage(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``manage.py`` as this operator runs it."""
    environment = {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings", "INFERENCE_MODELS_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def entry(name: str, pooling: str) -> str:
    """The README's, with what it leaves to the operator filled in."""
    [block] = re.findall(r"```toml\n(.*?)```", (PROJECT_DIR / "inference/README.md").read_text(), re.DOTALL)
    filled = re.sub(r"id = .*", f'id = "{uuid.uuid5(uuid.NAMESPACE_URL, name)}"', block, count=1)
    return filled.replace(NAME, name).replace('pooling = "mean"', f'pooling = "{pooling}"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that fastembed does not know, one for each way to make one vector of a text's tokens."""
    root = tmp_path_factory.mktemp("own")
    for name, pooling in POOLINGS.items():
        tiny_models.write_text_model(root / name, width=384, window=512, pooled=pooling == "disabled")
    (root / "catalogue.toml").write_text("\n".join(entry(*one) for one in POOLINGS.items()), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def own_worker(folder: Path) -> Iterator[Worker]:
    with running_worker(INFERENCE_MODELS_DIR=str(folder), INFERENCE_OFFLINE="1") as worker:
        yield worker


def expected(folder: Path, name: str, ids: list[int]) -> np.ndarray:
    """By hand: the graph looks up one vector per token."""
    graph = onnx.load(folder / name / "model.onnx").graph
    [table] = [numpy_helper.to_array(one) for one in graph.initializer if one.name == "table"]
    pooled = {"cls": table[ids[0]], "last_token": table[ids[-1]]}.get(POOLINGS[name], table[ids].mean(axis=0))
    return pooled / np.linalg.norm(pooled)


def test_the_command_line_knows_them(folder: Path) -> None:
    listed = dict(line.split(maxsplit=1) for line in manage(folder, "models", "list").stdout.splitlines())
    assert {name: listed[name] for name in POOLINGS} == {name: str(folder / name) for name in POOLINGS}
    assert listed["qdrant/bm25"] == "needs no weights"
    assert manage(folder, "models", "pull", "Acme/Support-Tickets").stdout == f"{NAME}: {folder / NAME}\n"
    verified = manage(folder, "models", "verify", NAME)
    assert (verified.returncode, verified.stdout) == (0, f"{NAME}: files of your own in {folder / NAME}\n")


@pytest.mark.parametrize("name", POOLINGS)
def test_a_worker_embeds_with_them(own_worker: Worker, folder: Path, name: str) -> None:
    assert own_worker.models()[name]["state"] in ("available", "ready")
    answer = own_worker.embed(name.upper(), "update", text_inputs(*TEXTS))
    assert (answer.model, answer.vector_type) == (name, "dense")
    assert answer.truncated == [False, False, False, True]
    ids = {token: number for number, token in enumerate(tiny_models.VOCABULARY)}
    for text, vector, tokens in zip(TEXTS, answer.vectors, answer.tokens, strict=True):
        pieces = [f"##{c}" if n else c for word in re.findall(r"\w+|[^\w\s]", text) for n, c in enumerate(word)]
        seen = [ids["[CLS]"], *(ids[piece] for piece in pieces[:254]), ids["[SEP]"]]
        assert tokens == len(seen)
        np.testing.assert_allclose(vector, expected(folder, name, seen), atol=1e-5)


def test_the_same_text_is_the_same_beside_others(own_worker: Worker) -> None:
    together = own_worker.embed(NAME, "update", text_inputs(*TEXTS)).vectors
    for text, vector in zip(TEXTS, together, strict=True):
        [alone] = own_worker.embed(NAME, "search", text_inputs(text)).vectors
        np.testing.assert_allclose(vector, alone, atol=1e-5)


@pytest.mark.django_db
def test_they_get_their_first_price_from_the_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = load_catalogue(CATALOGUE_FILE, folder / "catalogue.toml")
    assert list(both) == [*CATALOGUE, *POOLINGS]
    monkeypatch.setattr("inference.services.CATALOGUE", both)
    sync_catalogue()
    [price] = ModelPrice.objects.filter(model__name=NAME)
    assert price.millicents_per_million == 0


def test_a_mistake_ends_every_command_with_one_line_that_says_where_it_is(folder: Path, tmp_path: Path) -> None:
    text = (folder / "catalogue.toml").read_text(encoding="utf-8")
    (tmp_path / "catalogue.toml").write_text(text.replace("title", "titel", 1), encoding="utf-8")
    ended = manage(tmp_path, "models", "list")
    assert ended.returncode == 1
    where = f"{tmp_path}/catalogue.toml, model {NAME}: field 'title' is missing"
    assert ended.stderr == f"The catalogue of models is wrong: {where}.\n"


def test_a_name_of_ours_is_taken(folder: Path, tmp_path: Path) -> None:
    text = (folder / "catalogue.toml").read_text(encoding="utf-8")
    own = tmp_path / "catalogue.toml"
    own.write_text(text.replace(f'name = "{NAME}"', 'name = "qdrant/bm25"', 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"'name' qdrant/bm25 is already taken by qdrant/bm25"):
        load_catalogue(CATALOGUE_FILE, own)
