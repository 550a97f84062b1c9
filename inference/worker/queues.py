"""The texts that wait for a model, who waits for them, and who is turned away."""

import asyncio
import math
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from inference.worker.batching import Lane, WaitingText
from inference.worker.metrics import Metrics
from inference.worker.protocol import InferenceError

KINDS = ("search", "update")
# A request is refused when this many texts are already waiting; on two cores about a second of short queries, and
# about a minute of long texts.
MOST_WAITING = {"search": 512, "update": 2048}
_LONGEST_RETRY_SECONDS = 30


class Tokenized(Protocol):
    """What a queue needs to know of a tokenised text."""

    @property
    def ids(self) -> list[int]: ...


class Runnable(Protocol):
    """A loaded model, as far as the scheduler is concerned. ``run`` may be called from two threads at a time."""

    def run(self, batch: list[Any], kind: str) -> tuple[list[Any], list[int]]: ...


class ModelQueue:
    """The texts of one model that wait or run, in a lane for each kind."""

    def __init__(self, name: str, model: Runnable, metrics: Metrics) -> None:
        self.name = name
        self.model = model
        self.lanes = {kind: Lane() for kind in KINDS}
        self.metrics = {kind: metrics.of(name, kind) for kind in KINDS}
        self.unfinished: dict[tuple[str, bytes], WaitingText] = {}
        self.admitted = Counter[str]()
        self.seconds_per_text = 0.0

    def admit(self, kind: str, texts: int) -> None:
        """Take a request of so many texts in, or raise ``InferenceError`` 429 when too much is waiting already."""
        if self.admitted[kind] >= MOST_WAITING[kind]:
            self.metrics[kind].refused.inc()
            seconds = math.ceil(self.admitted[kind] * self.seconds_per_text)
            wait = min(max(seconds, 1), _LONGEST_RETRY_SECONDS)
            sentence = f"The inference worker is busy. Try again in {wait} seconds."
            raise InferenceError(429, "busy", sentence, retry_after=wait)
        self.admitted[kind] += texts

    def enqueue(self, kind: str, text: Tokenized, trace: str) -> WaitingText:
        """Let a text wait, or join those who already wait for an equal one."""
        key = array("l", text.ids).tobytes()
        waiting = self.unfinished.get((kind, key))
        if waiting is not None:
            waiting.callers += 1
            waiting.traces.append(trace)
            self.metrics[kind].shared.inc()
            return waiting
        result = asyncio.get_running_loop().create_future()
        waiting = WaitingText(key, text, len(text.ids), result)
        waiting.traces.append(trace)
        waiting.since = time.monotonic()
        self.unfinished[kind, key] = waiting
        self.lanes[kind].add(waiting)
        return waiting

    def leave(self, kind: str, waiting: WaitingText) -> None:
        """One caller fewer waits for a text; without any it is not run."""
        waiting.callers -= 1
        if waiting.callers == 0 and self.lanes[kind].drop(waiting):
            self.finish(kind, waiting)
            self.metrics[kind].dropped.inc()

    def finish(self, kind: str, waiting: WaitingText) -> None:
        """Nobody may join a text any more."""
        self.unfinished.pop((kind, waiting.key), None)


class Request:
    """One caller's texts. Add them as they are tokenised, then wait for the results; leaving drops what is not run."""

    def __init__(self, queue: ModelQueue, kind: str, texts: int, trace: str, wake: asyncio.Event) -> None:
        self._queue = queue
        self._kind = kind
        self._texts = texts
        self._trace = trace
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
        self._waiting += [self._queue.enqueue(self._kind, text, self._trace) for text in texts]
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
