"""Runs the waiting texts of all models, batch after batch, on one thread.

One thread, because a batch already uses all cores. Searches go before updates, and each kind has its own bound, so
that a bulk import neither delays searches by more than the batch that is running nor fills their queue.
"""

import asyncio
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from inference.worker.batching import Lane, WaitingText
from inference.worker.protocol import InferenceError

KINDS = ("search", "update")
# A request is refused when this many texts are already waiting; on two cores about a second of short queries, and
# about a minute of long texts.
MOST_WAITING = {"search": 512, "update": 2048}
# With searches always waiting, every so many of their batches one batch of updates runs.
SEARCHES_PER_UPDATE = 4
_LONGEST_RETRY_SECONDS = 30


class Tokenized(Protocol):
    """What the scheduler needs to know of a tokenised text."""

    @property
    def ids(self) -> list[int]: ...


class Runnable(Protocol):
    """A loaded model, as far as the scheduler is concerned."""

    def run(self, batch: list[Any], kind: str) -> tuple[list[Any], list[int]]: ...


@dataclass
class Counters:
    """What a model has done since it was loaded. ``batch_sizes`` counts batches by their number of texts."""

    texts: int = 0
    tokens: int = 0
    dropped: int = 0
    shared: int = 0  # texts that were not run because an equal one was waiting or running
    batch_sizes: Counter[int] = field(default_factory=Counter)


class ModelQueue:
    """The texts of one model that wait or run, in a lane for each kind."""

    def __init__(self, model: Runnable) -> None:
        self.model = model
        self.lanes = {kind: Lane() for kind in KINDS}
        self.counters = Counters()
        self.unfinished: dict[tuple[str, bytes], WaitingText] = {}
        self.admitted = Counter[str]()
        self.seconds_per_text = 0.0

    def admit(self, kind: str, texts: int) -> None:
        """Take a request of so many texts in, or raise ``InferenceError`` 429 when too much is waiting already."""
        if self.admitted[kind] >= MOST_WAITING[kind]:
            seconds = math.ceil(self.admitted[kind] * self.seconds_per_text)
            wait = min(max(seconds, 1), _LONGEST_RETRY_SECONDS)
            sentence = f"The inference worker is busy. Try again in {wait} seconds."
            raise InferenceError(429, "busy", sentence, retry_after=wait)
        self.admitted[kind] += texts

    def enqueue(self, kind: str, text: Tokenized) -> WaitingText:
        """Let a text wait, or join those who already wait for an equal one."""
        key = array("l", text.ids).tobytes()
        waiting = self.unfinished.get((kind, key))
        if waiting is not None:
            waiting.callers += 1
            self.counters.shared += 1
            return waiting
        result = asyncio.get_running_loop().create_future()
        waiting = WaitingText(key, text, len(text.ids), result)
        self.unfinished[kind, key] = waiting
        self.lanes[kind].add(waiting)
        return waiting

    def leave(self, kind: str, waiting: WaitingText) -> None:
        """One caller fewer waits for a text; without any it is not run."""
        waiting.callers -= 1
        if waiting.callers == 0 and self.lanes[kind].drop(waiting):
            self.finish(kind, waiting)
            self.counters.dropped += 1

    def finish(self, kind: str, waiting: WaitingText) -> None:
        """Nobody may join a text any more."""
        self.unfinished.pop((kind, waiting.key), None)


class Request:
    """One caller's texts. Add them as they are tokenised, then wait for the results; leaving drops what is not run."""

    def __init__(self, queue: ModelQueue, kind: str, texts: int, wake: asyncio.Event) -> None:
        self._queue = queue
        self._kind = kind
        self._texts = texts
        self._wake = wake
        self._waiting: list[WaitingText] = []

    def __enter__(self) -> "Request":
        """Raises ``InferenceError`` 429 when too much is waiting already."""
        self._queue.admit(self._kind, self._texts)
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.admitted[self._kind] -= self._texts
        for waiting in self._waiting:
            self._queue.leave(self._kind, waiting)

    def add(self, texts: Sequence[Tokenized]) -> None:
        """Let these texts wait to be run."""
        self._waiting += [self._queue.enqueue(self._kind, text) for text in texts]
        self._wake.set()

    async def results(self) -> list[tuple[Any, int]]:
        """The vector and the processed tokens of each text, in the order they were added.

        A text that shares the result of an earlier one of this request has 0 tokens. Raises ``InferenceError`` 500
        when the model failed on one of the texts.
        """
        results = []
        counted: set[int] = set()
        for waiting in self._waiting:
            vector, tokens = await asyncio.shield(waiting.result)
            results.append((vector, 0 if id(waiting) in counted else tokens))
            counted.add(id(waiting))
        return results


class Scheduler:
    """Belongs to one event loop: ``start`` it there, and ``close`` it when nothing is in flight any more."""

    def __init__(self) -> None:
        self._queues: list[ModelQueue] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._wake = asyncio.Event()
        self._searches_in_a_row = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run batches."""
        self._task = asyncio.get_running_loop().create_task(self._run_for_ever())

    def close(self) -> None:
        """Stop after the batch that is running."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def add_model(self, model: Runnable) -> ModelQueue:
        """A queue for a loaded model."""
        queue = ModelQueue(model)
        self._queues.append(queue)
        return queue

    def request(self, queue: ModelQueue, kind: str, texts: int) -> "Request":
        """A request for so many texts, to be used as a context manager."""
        return Request(queue, kind, texts, self._wake)

    async def _run_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            chosen = self._next_batch()
            if chosen is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            queue, kind, batch = chosen
            begun = loop.time()
            try:
                texts = [text.text for text in batch]
                vectors, tokens = await loop.run_in_executor(self._thread, queue.model.run, texts, kind)
                self._deliver(queue, kind, batch, list(zip(vectors, tokens, strict=True)))
            except Exception as error:
                self._fail(queue, kind, batch, error)
            seconds = (loop.time() - begun) / len(batch)
            queue.seconds_per_text = 0.9 * (queue.seconds_per_text or seconds) + 0.1 * seconds

    def _next_batch(self) -> tuple[ModelQueue, str, list[WaitingText]] | None:
        updates_turn = self._searches_in_a_row >= SEARCHES_PER_UPDATE
        for kind in reversed(KINDS) if updates_turn else KINDS:
            for queue in self._queues:
                batch = queue.lanes[kind].take_batch()
                if batch:
                    # The model that ran goes to the back of the line.
                    self._queues.remove(queue)
                    self._queues.append(queue)
                    self._searches_in_a_row = self._searches_in_a_row + 1 if kind == "search" else 0
                    return queue, kind, batch
        return None

    def _deliver(self, queue: ModelQueue, kind: str, batch: list[WaitingText], results: list[tuple[Any, int]]) -> None:
        counters = queue.counters
        counters.texts += len(batch)
        counters.batch_sizes[len(batch)] += 1
        for waiting, result in zip(batch, results, strict=True):
            counters.tokens += result[1]
            queue.finish(kind, waiting)
            if not waiting.result.done():
                waiting.result.set_result(result)

    def _fail(self, queue: ModelQueue, kind: str, batch: list[WaitingText], error: Exception) -> None:
        for waiting in batch:
            queue.finish(kind, waiting)
            if not waiting.result.done():
                sentence = f"The model failed on this input: {error}"
                waiting.result.set_exception(InferenceError(500, "model_failed", sentence))
                waiting.result.exception()  # its callers may be gone; that is no news for the log
