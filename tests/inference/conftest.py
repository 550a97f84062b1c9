"""The real weights, fetched once through the product's own code, and a real worker process."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from cloudconsole.paths import PROJECT_DIR
from inference.catalogue import CATALOGUE
from inference.client import Embeddings, InferenceClient
from inference.worker import families
from inference.worker.config import available_cores
from inference.worker.devices import Devices
from inference.worker.weights import WeightStore
from tests.inference import tiny_models, tiny_package
from tests.inference.file_servers import NOWHERE, FileServer, package_index
from tests.inference.image_server import WebServer, web_server
from tests.waiting import wait_until

MINILM = CATALOGUE["sentence-transformers/all-minilm-l6-v2"]


def text_inputs(*texts: str, **options: Any) -> list[dict[str, Any]]:
    return [{"data": text, "data_type": "text", "options": options or None} for text in texts]


class Worker:
    """A worker process as its callers see it."""

    def __init__(self, process: "subprocess.Popen[bytes]", address: str) -> None:
        self.process = process
        self.address = address

    def embed(self, model: str, kind: str, inputs: list[dict[str, Any]]) -> Embeddings:
        """One request over a connection of its own."""
        return asyncio.run(self._with_client("embed", model, kind, inputs))

    def models(self) -> dict[str, dict[str, Any]]:
        """What the worker says of each model, by name."""
        return {model["name"]: model for model in asyncio.run(self._with_client("models"))}

    async def _with_client(self, call: str, *arguments: Any) -> Any:
        client = InferenceClient(self.address)
        try:
            return await getattr(client, call)(*arguments)
        finally:
            await client.close()


@contextlib.contextmanager
def running_worker(**environment: str) -> Iterator[Worker]:
    """``manage.py inference_worker`` on a unix socket of its own, started and not yet ready; stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="inference-") as folder:
        address = environment.setdefault("INFERENCE_LISTEN", f"{folder}/inference.sock")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "inference_worker"],
            cwd=PROJECT_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"} | environment,
        )
        try:
            wait_until(lambda: answers(address, "/healthz"), seconds=20, what="the worker has started")
            yield Worker(process, address)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(40)


def answers(address: str, path: str) -> bool:
    """Whether a GET is answered with 200."""
    return get(address, path)[0] == 200


def measured(address: str, name: str, **labels: str) -> float:
    """The sum of a worker's measures of this name with these labels; 0 before there are any."""
    samples = text_string_to_metric_families(metrics_text(address))
    wanted = [sample for family in samples for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in wanted if labels.items() <= sample.labels.items())


def metrics_text(address: str) -> str:
    """All that a worker on this unix socket measured."""
    return asyncio.run(_text(address, "/metrics"))


async def _text(address: str, path: str) -> str:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(address)) as session,
        session.get(f"http://worker{path}") as response,
    ):
        return await response.text()


def get(address: str, path: str) -> tuple[int, Any]:
    """Status and JSON of an answer; status 0 when nobody answers."""
    return asyncio.run(_request(address, "GET", path, None))


def post(address: str, path: str, body: bytes) -> tuple[int, Any]:
    """Status and JSON of the answer to ``body`` exactly as it is."""
    return asyncio.run(_request(address, "POST", path, body))


async def _request(address: str, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
    try:
        is_unix = "/" in address
        connector = aiohttp.UnixConnector(address) if is_unix else aiohttp.TCPConnector()
        url = f"http://{'worker' if is_unix else address}{path}"
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, url, data=body) as response,
        ):
            return response.status, await response.json()
    except (aiohttp.ClientError, OSError):
        return 0, None


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """The weights of all-MiniLM-L6-v2, fetched when they are not in the cache yet."""
    store = WeightStore(settings.INFERENCE_CACHE_DIR, settings.INFERENCE_MODELS_DIR)
    return store.fetch(MINILM, lambda progress: None)


@pytest.fixture(scope="session")
def minilm(minilm_folder: Path) -> Any:
    """all-MiniLM-L6-v2, loaded."""
    return families.load(MINILM, minilm_folder, Devices(available_cores()))


@pytest.fixture(scope="session")
def tiny_models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator's folder with a tiny model in the place of each big one."""
    root = tmp_path_factory.mktemp("weights")
    tiny_models.write_text_model(root / "intfloat/multilingual-e5-small", width=384, file="onnx/model.onnx")
    tiny_models.write_text_model(root / "mixedbread-ai/mxbai-embed-large-v1", width=1024, file="onnx/model.onnx")
    tiny_models.write_text_model(root / "prithivida/splade_pp_en_v1", width=500, shift=-2.5)
    tiny_models.write_text_model(
        root / "answerdotai/answerai-colbert-small-v1", width=96, type_ids=False, file="vespa_colbert.onnx"
    )
    tiny_models.write_text_model(root / "qdrant/clip-vit-b-32-text", width=512, pooled=True, type_ids=False, window=77)
    tiny_models.write_vision_model(root / "qdrant/clip-vit-b-32-vision", width=512)
    return root


@pytest.fixture(scope="session")
def worker(minilm_folder: Path, tiny_models_dir: Path) -> Iterator[Worker]:
    """A worker that is ready, with the real small model and tiny ones in the place of the others."""
    with running_worker(INFERENCE_MODELS_DIR=str(tiny_models_dir)) as running:
        wait_until(lambda: answers(running.address, "/readyz"), seconds=60, what="the worker is ready")
        yield running


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, packed as the catalogue's packages are."""
    return tiny_package.write(tmp_path_factory.mktemp("package"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def index(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """The wheel can be had from a server on loopback, and from nowhere else."""
    with package_index(wheel) as server:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", server.address)
        monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
        yield server


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    """A server of the internet, as far as the tests go."""
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def internal() -> Iterator[WebServer]:
    """A server that nothing may ever reach."""
    with web_server("127.0.0.2") as server:
        yield server
