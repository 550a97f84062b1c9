"""Which execution providers a model runs on is the operator's to say."""

import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from cloudconsole.paths import PROJECT_DIR
from inference.catalogue import CATALOGUE
from inference.worker import families
from inference.worker.devices import CPU, Devices, UnknownProvider, providers_called
from tests.inference.conftest import running_worker, text_inputs

E5 = "intfloat/multilingual-e5-small"
# ONNX Runtime's own build for the CPU has this second provider, which leaves every node of a graph to the next.
AZURE = "AzureExecutionProvider"
needs_azure = pytest.mark.skipif(AZURE not in onnxruntime.get_available_providers(), reason="a build without it")


@needs_azure
@pytest.mark.parametrize(
    ("names", "providers"),
    [([], [CPU]), (["CPU"], [CPU]), (["azure"], [AZURE, CPU]), (["cpu", "Azure"], [CPU, AZURE])],
)
def test_a_models_session_has_them_in_the_order_asked_for(
    tiny_models_dir: Path, names: list[str], providers: list[str]
) -> None:
    called = providers_called(names)
    assert list(called) == providers
    model = families.load(CATALOGUE[E5], tiny_models_dir / E5, Devices(threads=1, providers=called))
    assert model._model.model.get_providers() == providers
    assert len(model.run(model.tokenize(["abc"], "search"), "search")[0][0]) == 384


def test_what_is_not_installed_is_refused_with_what_is() -> None:
    with pytest.raises(UnknownProvider, match=r"no provider 'tarot'; it has .*cpu"):
        providers_called(["cpu", "tarot"])


@needs_azure
def test_the_worker_takes_them_from_its_setting(tiny_models_dir: Path) -> None:
    folder = {"INFERENCE_MODELS_DIR": str(tiny_models_dir), "INFERENCE_OFFLINE": "1"}
    with running_worker(INFERENCE_PROVIDERS=" azure , cpu ", **folder) as worker:
        assert worker.embed(E5, "search", text_inputs("abc")).tokens == [11]


def test_a_worker_with_an_unknown_one_does_not_start_and_says_so(tmp_path: Path) -> None:
    settings = {"INFERENCE_PROVIDERS": "cuda,tarot", "INFERENCE_LISTEN": str(tmp_path / "worker.sock")}
    ended = subprocess.run(
        [sys.executable, "manage.py", "inference_worker"],
        cwd=PROJECT_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"} | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    missing = "cuda" if "CUDAExecutionProvider" not in onnxruntime.get_available_providers() else "tarot"
    assert f"The installed ONNX Runtime has no provider '{missing}'; it has " in ended.stderr
