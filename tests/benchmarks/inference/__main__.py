"""Inference at full speed on this machine: ``python -m tests.benchmarks.inference [speed] [memory]``.

All is measured in one run, so that the ratios hold whatever the machine is. Ends with status 1 when a target is
missed.
"""

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import django
import psutil

from inference.client import InferenceClient
from inference.worker.config import available_cores
from tests.benchmarks.inference.bare import BareModel, fastembed_tokens_per_second
from tests.benchmarks.inference.corpus import passages, questions
from tests.benchmarks.inference.load import Waited, drive
from tests.benchmarks.inference.report import Report
from tests.benchmarks.inference.whole_path import MODEL, WholePath
from tests.running_cloud import RunningCloud, start_cloud

PASSAGES = int(os.environ.get("BENCHMARK_PASSAGES", "1500"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "6"))  # of each measurement of searches
MEMORY_INPUTS = 100_000


async def measure_speed(report: Report, cloud: RunningCloud) -> None:
    """Bulk and searches: bare, fastembed, worker, gateway."""
    texts, ask = passages(PASSAGES), iter(questions(200_000))
    folder, cores = _weights(), available_cores()
    bare = BareModel(folder, MODEL.context_window, cores)
    tokens = sum(map(len, bare.token_lists(texts)))
    best = bare.tokens_per_second(texts)
    report.rate("bulk: bare ONNX Runtime, sorted batches of 8", best)
    default = fastembed_tokens_per_second(MODEL.weights.fastembed_id, folder, tokens, texts, cores)
    report.rate("bulk: fastembed's embed()", default)
    alone = Waited(bare.search_seconds(list(itertools.islice(ask, 300))))
    alone.seconds = sum(alone.latencies)
    report.searches("search: bare model, one by one", alone)
    del bare

    client = InferenceClient(str(cloud.paths.run / "inference.sock"))
    for clients in (1, 4, 16):
        waited = await drive(clients, ask, _search_of(client), SECONDS)
        report.searches(f"search: worker, {clients} clients", waited)
    report.rate("bulk: worker", await _worker_bulk(client, texts))
    await client.close()

    cluster = cloud.cluster("new-us")
    async with aiohttp.ClientSession(headers={"api-key": cluster["api_key"]}) as session:
        path = WholePath(session, cluster["rest"])
        await path.create()
        await path.import_all(passages(PASSAGES // 5, seed=3))  # everything is warm and allocated
        billed, waited = await path.import_all(texts)
        assert billed == tokens, f"{billed} tokens billed, the tokenizer says {tokens}"
        report.rate("bulk: whole path", billed / waited.seconds)
        report.at_least("whole path / bare", billed / waited.seconds / best, 0.90)
        report.at_least("whole path / fastembed's embed()", billed / waited.seconds / default, 2.7)
        idle = {n: await drive(n, ask, path.search, SECONDS) for n in (1, 4, 16)}
        for clients, searches in idle.items():
            report.searches(f"search: whole path, {clients} clients", searches)
        report.at_most("whole path - bare, p50 of one client, ms", idle[1].quantile(0.5) - alone.quantile(0.5), 3)
        report.at_least("16 clients / one by one", idle[16].per_second / idle[1].per_second, 2)
        importing = asyncio.create_task(path.import_all(passages(8 * PASSAGES, seed=4)))
        await asyncio.sleep(1)
        loaded = await drive(1, ask, path.search, 2 * SECONDS)
        importing.cancel()
        report.searches("search: whole path, under bulk load", loaded)
        report.at_most("p99 under bulk load / idle p50", loaded.quantile(0.99) / idle[1].quantile(0.5), 5)


def _search_of(client: InferenceClient) -> Callable[[str], Awaitable[None]]:
    async def search(text: str) -> None:
        await client.embed(MODEL.name, "search", [{"data": text, "data_type": "text", "options": None}])

    return search


async def _worker_bulk(client: InferenceClient, texts: list[str]) -> float:
    tokens: list[int] = []

    async def embed(chunk: list[str]) -> None:
        inputs = [{"data": text, "data_type": "text", "options": None} for text in chunk]
        tokens.extend((await client.embed(MODEL.name, "update", inputs)).tokens)

    chunks = (texts[start : start + 64] for start in range(0, len(texts), 64))
    waited = await drive(4, chunks, embed, 3600)
    return sum(tokens) / waited.seconds


async def measure_memory(report: Report, cloud: RunningCloud) -> None:
    """The worker's memory after the first tenth of 100,000 inputs and after all of them."""
    process = psutil.Process(cloud.process_id("inference"))
    client = InferenceClient(str(cloud.paths.run / "inference.sock"))
    short = iter(questions(MEMORY_INPUTS, seed=5))

    async def embed(chunk: list[str]) -> None:
        await client.embed(
            MODEL.name, "update", [{"data": text, "data_type": "text", "options": None} for text in chunk]
        )

    def chunks(inputs: int) -> Iterator[list[str]]:
        return (list(itertools.islice(short, 100)) for _ in range(inputs // 100))

    await drive(4, chunks(MEMORY_INPUTS // 10), embed, 3600)
    early = process.memory_info().rss
    await drive(4, chunks(MEMORY_INPUTS - MEMORY_INPUTS // 10), embed, 3600)
    late = process.memory_info().rss
    await client.close()
    report.line("memory: worker after 10,000 and 100,000 inputs", f"{early / 1e6:8.0f} MB {late / 1e6:8.0f} MB")
    report.at_most("growth", late / early, 1.05)


def _weights() -> Path:
    django.setup()
    from django.conf import settings

    return Path(settings.INFERENCE_CACHE_DIR) / MODEL.name


def main(parts: list[str]) -> int:
    report = Report()
    measures = {"speed": measure_speed, "memory": measure_memory}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, start_cloud(Path(folder)) as cloud:
        for part in parts or list(measures):
            asyncio.run(measures[part](report, cloud))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
