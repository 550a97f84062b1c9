"""Which texts run together and in what order, who is refused, and who does not suffer for whom.

The model here is a stand-in that records its batches and waits at a gate, so that what waits together is certain.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.worker import queues as rules
from inference.worker.batching import MOST_PADDING, MOST_TEXTS, MOST_TOKENS, Lane, WaitingText
from inference.worker.metrics import Metrics
from inference.worker.protocol import InferenceError
from inference.worker.queues import ModelQueue
from inference.worker.scheduler import Scheduler


@dataclass(frozen=True)
class Text:
    ids: list[int]


def text(number: int, length: int = 4) -> Text:
    return Text([number] * length)


class GatedModel:
    """Vectors are the first token; token 666 breaks the model."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[tuple[str, list[int]]] = []
        self.priorities: dict[str, int] = {}
        self.entered = threading.Semaphore(0)

    def run(self, batch: list[Text], kind: str) -> tuple[list[Any], list[int]]:
        self.batches.append((kind, sorted(text.ids[0] for text in batch)))
        self.priorities[kind] = os.getpriority(os.PRIO_PROCESS, 0)
        self.entered.release()
        assert self.gate.wait(10)
        if any(text.ids[0] == 666 for text in batch):
            raise RuntimeError("out of memory")
        return [text.ids[0] for text in batch], [len(text.ids) for text in batch]


Play = Callable[[Scheduler, ModelQueue, GatedModel], Awaitable[None]]


def play(story: Play) -> None:
    """Run a story with a scheduler and one gated model."""

    async def on_stage() -> None:
        scheduler, model = Scheduler(Metrics()), GatedModel()
        scheduler.start()
        try:
            await story(scheduler, scheduler.add_model("gated", model), model)
        finally:
            model.gate.set()
            scheduler.close()

    asyncio.run(asyncio.wait_for(on_stage(), 20))


async def ask(scheduler: Scheduler, queue: ModelQueue, kind: str, *texts: Text) -> list[tuple[Any, int]]:
    with scheduler.request(queue, kind, len(texts)) as request:
        request.add(texts)
        return await request.results()


async def ask_later(scheduler: Scheduler, queue: ModelQueue, kind: str, *texts: Text) -> "asyncio.Task[Any]":
    """A request that has begun to wait when this returns."""
    task = asyncio.ensure_future(ask(scheduler, queue, kind, *texts))
    await asyncio.sleep(0)
    return task


async def until_running(model: GatedModel) -> None:
    assert await asyncio.to_thread(model.entered.acquire, timeout=10)


def test_requests_that_wait_together_run_together() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        first = await ask_later(scheduler, queue, "search", text(0))
        await until_running(model)
        others = [await ask_later(scheduler, queue, "search", text(n)) for n in range(1, 9)]
        model.gate.set()
        assert await first == [(0, 4)]
        assert await asyncio.gather(*others) == [[(n, 4)] for n in range(1, 9)]
        assert model.batches == [("search", [0]), ("search", list(range(1, 9)))]
        assert queue.metrics["search"].batch_texts._sum.get() == 9

    play(story)


def test_a_search_waits_for_no_update_and_an_update_for_no_search() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        for held, going in (("update", "search"), ("search", "update")):
            waiting = await ask_later(scheduler, queue, held, text(0))
            await until_running(model)
            asked = await ask_later(scheduler, queue, going, text(1))
            await until_running(model)  # though the other one's batch is still at the gate
            model.gate.set()
            assert await asyncio.gather(waiting, asked) == [[(0, 4)], [(1, 4)]]
            model.gate.clear()

    play(story)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priorities of their own")
def test_updates_leave_the_cores_to_searches() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        model.gate.set()
        for kind in ("search", "update"):
            await ask(scheduler, queue, kind, text(1))
        here = os.getpriority(os.PRIO_PROCESS, 0)
        assert model.priorities["search"] == here
        assert model.priorities["update"] > here

    play(story)


def test_a_batch_that_fails_fails_only_its_own_callers() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        model.gate.set()
        with pytest.raises(InferenceError) as failed:
            await ask(scheduler, queue, "update", text(666))
        assert (failed.value.status, failed.value.code) == (500, "model_failed")
        assert "out of memory" in failed.value.sentence
        assert await ask(scheduler, queue, "update", text(1)) == [(1, 4)]

    play(story)


def test_a_poisonous_text_fails_alone_among_those_it_runs_with(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        blocker = await ask_later(scheduler, queue, "update", text(0))
        await until_running(model)
        good = [await ask_later(scheduler, queue, "update", text(n)) for n in range(1, 6)]
        with scheduler.request(queue, "update", 2, "request-7") as request:
            request.add([text(8), text(666)])
            model.gate.set()
            with pytest.raises(InferenceError, match="out of memory"):
                await request.results()
        await blocker
        assert await asyncio.gather(*good) == [[(n, 4)] for n in range(1, 6)]
        assert sorted(model.batches[1][1]) == [1, 2, 3, 4, 5, 8, 666]
        assert queue.metrics["update"].failed._value.get() == 1

    play(story)
    assert "for request-7: out of memory" in caplog.text  # whose it was can be found


def test_equal_texts_run_once_and_within_a_request_cost_once() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        blocker = await ask_later(scheduler, queue, "update", text(0))
        await until_running(model)
        mine = await ask_later(scheduler, queue, "update", text(7), text(8), text(7))
        yours = await ask_later(scheduler, queue, "update", text(7))
        search = await ask_later(scheduler, queue, "search", text(7))
        model.gate.set()
        await blocker
        assert await mine == [(7, 4), (8, 4), (7, 0)]
        assert await yours == [(7, 4)]
        assert await search == [(7, 4)]
        assert model.batches == [("update", [0]), ("search", [7]), ("update", [7, 8])]
        assert queue.metrics["update"].shared._value.get() == 2

    play(story)


def test_work_whose_caller_left_is_dropped_unless_another_waits_for_it() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        blocker = await ask_later(scheduler, queue, "update", text(0))
        await until_running(model)
        leaving = await ask_later(scheduler, queue, "update", text(1), text(2))
        staying = await ask_later(scheduler, queue, "update", text(2))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        model.gate.set()
        await asyncio.gather(blocker, staying)
        assert model.batches == [("update", [0]), ("update", [2])]
        assert queue.metrics["update"].dropped._value.get() == 1
        assert queue.admitted.total() == 0

    play(story)


def test_a_caller_who_leaves_during_the_run_harms_nobody() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        leaving = await ask_later(scheduler, queue, "update", text(1))
        await until_running(model)
        joining = await ask_later(scheduler, queue, "update", text(1))
        leaving.cancel()
        model.gate.set()
        assert await joining == [(1, 4)]
        assert await ask(scheduler, queue, "update", text(1)) == [(1, 4)]
        assert len(model.batches) == 2

    play(story)


def test_too_many_waiting_texts_are_refused_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_WAITING", {"search": 2, "update": 3})

    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        tasks = [await ask_later(scheduler, queue, "update", *(text(n) for n in range(5)))]
        with pytest.raises(InferenceError) as refused:
            await ask(scheduler, queue, "update", text(9))
        assert (refused.value.status, refused.value.code) == (429, "busy")
        assert refused.value.retry_after is not None
        assert 1 <= refused.value.retry_after <= 30
        tasks.append(await ask_later(scheduler, queue, "search", text(9)))
        model.gate.set()
        await asyncio.gather(*tasks)
        assert await ask(scheduler, queue, "update", text(9)) == [(9, 4)]

    play(story)


def test_models_take_turns() -> None:
    async def story(scheduler: Scheduler, queue: ModelQueue, model: GatedModel) -> None:
        other = GatedModel()
        other.batches = model.batches
        other.gate.set()
        second = scheduler.add_model("other", other)
        tasks = [await ask_later(scheduler, queue, "update", text(0))]
        await until_running(model)
        tasks += [await ask_later(scheduler, queue, "update", text(n, 2000)) for n in (1, 2)]
        tasks += [await ask_later(scheduler, second, "update", text(n, 2000)) for n in (11, 12)]
        model.gate.set()
        await asyncio.gather(*tasks)
        assert [numbers for _, numbers in model.batches] == [[0], [11], [1], [12], [2]]

    play(story)


def test_a_text_takes_along_those_nearest_in_length_on_both_sides() -> None:
    lane = Lane()
    for number, length in enumerate([50, 10, 55, 45, 70, 44, 36]):
        lane.add(WaitingText(b"", number, length, None))
    batches = [[one.length for one in lane.take_batch()] for _ in range(4)]
    assert batches == [[44, 45, 50, 55], [10], [70], [36]]
    assert lane.take_batch() == []


@given(lengths=st.lists(st.integers(2, 600), max_size=150), drops=st.sets(st.integers(0, 149)))
def test_every_text_runs_exactly_once_beside_texts_of_nearly_its_length(lengths: list[int], drops: set[int]) -> None:
    lane = Lane()
    waiting = [WaitingText(b"", number, length, None) for number, length in enumerate(lengths)]
    for one in waiting:
        lane.add(one)
    dropped = [one for one in waiting if one.text in drops]
    assert all(lane.drop(one) for one in dropped)
    assert not any(lane.drop(one) for one in dropped)
    left = [one.text for one in waiting if one.text not in drops]
    while batch := lane.take_batch():
        taken = [one.text for one in batch]
        longest, shortest = max(one.length for one in batch), min(one.length for one in batch)
        assert left[0] in taken  # the oldest is never passed over
        assert longest - shortest <= MOST_PADDING
        assert len(batch) == 1 or (len(batch) <= MOST_TEXTS and longest * len(batch) <= MOST_TOKENS)
        left = [number for number in left if number not in taken]
    assert left == []
    assert len(lane) == 0
