"""Inference at full speed on this machine: ``python -m tests.benchmarks.inference [bulk] [searches] [memory]``.

What is compared is measured in turns in one run, so that the ratios hold whatever the machine is and does beside.
Ends with status 1 when a target is missed.
"""

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import django
import psutil

from cloudconsole.paths import PROJECT_DIR
from inference.client import InferenceClient
from inference.worker.config import available_cores
from tests.benchmarks.inference.bare import BareModel, fastembed_tokens_per_second
from tests.benchmarks.inference.corpus import passages, questions
from tests.benchmarks.inference.load import Waited, drive
from tests.benchmarks.inference.report import Report
from tests.benchmarks.inference.whole_path import MODEL, WholePath
from tests.running_cloud import RunningCloud, start_cloud

PASSAGES = int(os.environ.get("BENCHMARK_PASSAGES", "800"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "5"))  # of each measurement of searches
TURNS = 3
MEMORY_INPUTS = 100_000


@dataclass
class Paths:
    """The ways to a vector that are compared."""

    bare: BareModel
    worker: InferenceClient
    whole: WholePath


@asynccontextmanager
async def _paths(cloud: RunningCloud) -> AsyncIterator[Paths]:
    """Warm: every part has been asked and has allocated what it needs."""
    client = InferenceClient(str(cloud.paths.run / "inference.sock"))
    cluster = cloud.cluster("new-us")
    async with aiohttp.ClientSession(headers={"api-key": cluster["api_key"]}) as session:
        whole = WholePath(session, cluster["rest"], cluster["api_key"])
        await whole.create()
        await whole.import_all(passages(PASSAGES // 4, seed=3))
        yield Paths(BareModel(_weights(), MODEL.context_window, available_cores()), client, whole)
        await whole.close()
    await client.close()


async def measure_bulk(report: Report, cloud: RunningCloud) -> None:
    """Texts of mixed lengths: bare, fastembed, worker, whole path."""
    texts = passages(PASSAGES)
    best, worker, whole = [], [], []
    async with _paths(cloud) as paths:
        bare = paths.bare
        tokens = sum(map(len, bare.token_lists(texts)))
        for _ in range(TURNS):
            best.append(bare.tokens_per_second(texts))
            worker.append(await _worker_bulk(paths.worker, texts))
            billed, waited = await paths.whole.import_all(texts)
            assert billed == tokens, f"{billed} tokens billed, the tokenizer says {tokens}"
            whole.append(billed / waited.seconds)
    part = texts[: len(texts) // 2]
    default = fastembed_tokens_per_second(
        MODEL.weights.fastembed_id, _weights(), sum(map(len, bare.token_lists(part))), part, available_cores()
    )
    report.rate("bulk: bare ONNX Runtime, sorted batches of 8", max(best))
    report.rate("bulk: fastembed's embed()", default)
    report.rate("bulk: worker", max(worker))
    report.rate("bulk: whole path", max(whole))
    report.at_least("whole path / bare", max(whole) / max(best), 0.90)
    report.at_least("whole path / fastembed's embed()", max(whole) / default, 2.7)


async def measure_searches(report: Report, cloud: RunningCloud) -> None:
    """Short queries: bare, worker, whole path; 1, 4 and 16 clients; and while an import runs."""
    ask = iter(questions(500_000))
    async with _paths(cloud) as paths:
        whole = paths.whole
        alone, one = Waited(), Waited()
        for _ in range(2 * TURNS):
            alone.add(paths.bare.search_seconds(list(itertools.islice(ask, 100))))
            one.add((await drive(1, itertools.islice(ask, 100), whole.search, SECONDS)).latencies)
        report.searches("search: bare model, one by one", alone)
        report.searches("search: whole path, in turns with it", one)
        report.at_most("whole path - bare, p50 of one client, ms", one.quantile(0.5) - alone.quantile(0.5), 3)
        for clients in (1, 4, 16):
            waited = await drive(clients, ask, _search_of(paths.worker), SECONDS)
            report.searches(f"search: worker, {clients} clients", waited)
        idle = {n: await drive(n, ask, whole.search, SECONDS) for n in (1, 4, 16)}
        for clients, searches in idle.items():
            report.searches(f"search: whole path, {clients} clients", searches)
        report.at_least("16 clients / one by one", idle[16].per_second / idle[1].per_second, 2)
        importing = asyncio.create_task(whole.import_all(passages(20 * PASSAGES, seed=4)))
        await asyncio.sleep(1)
        loaded = await drive(1, ask, whole.search, 2 * SECONDS)
        assert not importing.done(), "the import ended too early to disturb anybody"
        importing.cancel()
        report.searches("search: whole path, under bulk load", loaded)
        report.at_most("p99 under bulk load / idle p50", loaded.quantile(0.99) / one.quantile(0.5), 5)


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
        inputs = [{"data": text, "data_type": "text", "options": None} for text in chunk]
        await client.embed(MODEL.name, "update", inputs)

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
    from django.conf import settings

    return Path(settings.INFERENCE_CACHE_DIR) / MODEL.name


def main(parts: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")
    os.environ.setdefault("INFERENCE_CACHE_DIR", str(PROJECT_DIR / ".cloud" / "models"))  # the cloud's and ours
    django.setup()
    report = Report()
    measures = {"bulk": measure_bulk, "searches": measure_searches, "memory": measure_memory}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, start_cloud(Path(folder)) as cloud:
        for part in parts or list(measures):
            asyncio.run(measures[part](report, cloud))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
