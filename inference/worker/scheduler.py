"""Runs the waiting texts of all models, batch after batch: searches on one thread, updates on another.

A search never waits for a bulk import's batch, which takes hundreds of milliseconds: it runs beside it, and the
operating system gives the cores to it first (``priorities.py``). The import goes on with what searches leave.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from inference.worker.batching import MOST_TOKENS, WaitingText
from inference.worker.metrics import Metrics
from inference.worker.priorities import in_background
from inference.worker.protocol import InferenceError
from inference.worker.queues import KINDS, ModelQueue, Request, Runnable

log = logging.getLogger(__name__)

_TRACES_SHOWN = 8


class Scheduler:
    """Belongs to one event loop: ``start`` it there, and ``close`` it when nothing is in flight any more."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._runners = {kind: _Runner(kind) for kind in KINDS}

    def start(self) -> None:
        """Begin to run batches."""
        for runner in self._runners.values():
            runner.start()

    def close(self) -> None:
        """Stop after the batches that are running."""
        for runner in self._runners.values():
            runner.close()

    def add_model(self, name: str, model: Runnable) -> ModelQueue:
        """A queue for a loaded model."""
        queue = ModelQueue(name, model, self._metrics)
        for runner in self._runners.values():
            runner.queues.append(queue)
        return queue

    def remove_model(self, queue: ModelQueue) -> None:
        """Forget a model that nobody uses."""
        for runner in self._runners.values():
            runner.queues.remove(queue)

    def request(self, queue: ModelQueue, kind: str, texts: int, trace: str = "") -> Request:
        """A request for so many texts, to be used as a context manager; ``trace`` names it in the log."""
        return Request(queue, kind, texts, trace, self._runners[kind].wake)


class _Runner:
    """The batches of one kind, one at a time. Models take turns."""

    def __init__(self, kind: str) -> None:
        self.queues: list[ModelQueue] = []
        self.wake = asyncio.Event()
        self._kind = kind
        initializer = in_background if kind == "update" else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"model-{kind}", initializer=initializer)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run_for_ever())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            chosen = self._next_batch()
            if chosen is None:
                self.wake.clear()
                await self.wake.wait()
                continue
            queue, batch = chosen
            begun = time.monotonic()
            texts = [waiting.text for waiting in batch]
            results = await loop.run_in_executor(self._thread, _run, queue.model, texts, self._kind)
            self._measure(queue, batch, begun)
            self._deliver(queue, batch, results)

    def _next_batch(self) -> tuple[ModelQueue, list[WaitingText]] | None:
        for queue in self.queues:
            batch = queue.lanes[self._kind].take_batch()
            if batch:
                # The model that runs goes to the back of the line.
                self.queues.remove(queue)
                self.queues.append(queue)
                return queue, batch
        return None

    def _measure(self, queue: ModelQueue, batch: list[WaitingText], begun: float) -> None:
        seconds = time.monotonic() - begun
        queue.seconds_per_text = 0.9 * (queue.seconds_per_text or seconds) + 0.1 * seconds / len(batch)
        metrics = queue.metrics[self._kind]
        metrics.forward_seconds.observe(seconds)
        metrics.batch_texts.observe(len(batch))
        padded = len(batch) * max(waiting.length for waiting in batch)
        metrics.batch_fill.observe(min(padded / MOST_TOKENS, 1.0))
        metrics.padding.inc(padded - sum(waiting.length for waiting in batch))
        for waiting in batch:
            metrics.queue_seconds.observe(begun - waiting.since)
        log.debug("%s ran %d texts in %.1f ms for %s", queue.name, len(batch), 1000 * seconds, _traces(batch))

    def _deliver(self, queue: ModelQueue, batch: list[WaitingText], results: list[Any]) -> None:
        metrics = queue.metrics[self._kind]
        for waiting, result in zip(batch, results, strict=True):
            queue.finish(self._kind, waiting)
            if isinstance(result, Exception):
                metrics.failed.inc()
                log.error("%s failed on a text of %d tokens for %s: %s", *_failure(queue, waiting, result))
                sentence = f"The model failed on this input: {result}"
                result = InferenceError(500, "model_failed", sentence)
            else:
                metrics.texts.inc()
                metrics.tokens.inc(result[1])
            if waiting.result.done():
                continue
            if isinstance(result, Exception):
                waiting.result.set_exception(result)
                waiting.result.exception()  # its callers may be gone; that is no news for the log
            else:
                waiting.result.set_result(result)


def _run(model: Runnable, texts: list[Any], kind: str) -> list[Any]:
    """The vector and tokens of each text, or the exception that it causes.

    When a batch fails, its halves are tried: in the end only the texts that make the model fail have failed.
    """
    try:
        vectors, tokens = model.run(texts, kind)
        return list(zip(vectors, tokens, strict=True))
    except Exception as error:  # whatever the libraries raise
        if len(texts) == 1:
            return [error]
        middle = len(texts) // 2
        return _run(model, texts[:middle], kind) + _run(model, texts[middle:], kind)


def _failure(queue: ModelQueue, waiting: WaitingText, error: Exception) -> tuple[str, int, str, Exception]:
    return queue.name, waiting.length, _traces([waiting]), error


def _traces(batch: list[WaitingText]) -> str:
    """The requests that a batch serves, each once and not too many."""
    traces = list(dict.fromkeys(trace for waiting in batch for trace in waiting.traces if trace))
    shown = ", ".join(traces[:_TRACES_SHOWN])
    return f"{shown} and {len(traces) - _TRACES_SHOWN} more" if len(traces) > _TRACES_SHOWN else shown or "no trace"
