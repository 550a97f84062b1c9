"""Workers die and freeze in the middle of a batch: callers get an answer in time, and pay for nothing else."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from billing.models import UsageEvent
from tests.gateway.conftest import MINILM, Door, document
from tests.gateway.running import running_gateway
from tests.inference.conftest import Worker, answers, measured, running_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
# Long enough to be in the middle of it whatever the machine; four batches of eight.
POINTS = [{"id": n, "vector": document(f"{n} " + "many different words of a long text " * 60)} for n in range(32)]
# Both ways to fail for every story with CLOUDCONSOLE_FAULT_ROUNDS=2 and more, one of them otherwise.
BOTH = int(os.environ.get("CLOUDCONSOLE_FAULT_ROUNDS", "1")) > 1


@contextmanager
def ready_worker(**environment: str) -> Iterator[Worker]:
    with running_worker(INFERENCE_OFFLINE="1", **environment) as worker:
        wait_until(lambda: answers(worker.address, "/readyz"), seconds=60, what="the worker is ready")
        try:
            yield worker
        finally:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)


@pytest.fixture
def collection(new_us: Door) -> str:
    return new_us.collection("faults")


class Client:
    """A client of a gateway of its own, which knows these workers."""

    def __init__(self, http: httpx.Client, threads: ThreadPoolExecutor, collection: str) -> None:
        self._http = http
        self._threads = threads
        self._path = f"/collections/{collection}/points"

    def upsert(self, points: Any = POINTS, **query: Any) -> httpx.Response:
        return self._http.put(self._path, json={"points": points}, params={"wait": "true"} | query)

    def begin(self) -> "Future[httpx.Response]":
        return self._threads.submit(self.upsert)


@pytest.fixture
def client_of(new_us: Door, collection: str, settings: Any) -> Iterator[Callable[..., Client]]:
    with ExitStack() as stack:

        def make(*workers: Worker) -> Client:
            settings.INFERENCE_ADDRESSES = [worker.address for worker in workers]
            url = stack.enter_context(running_gateway())
            http = stack.enter_context(httpx.Client(base_url=url, headers={"api-key": new_us.secret}, timeout=120))
            return Client(http, stack.enter_context(ThreadPoolExecutor(2)), collection)

        yield make


def has_begun(worker: Worker) -> bool:
    return measured(worker.address, "inference_batch_texts_count", model=MINILM) > 0


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL][: 1 + BOTH])
def test_without_another_worker_the_caller_is_told_when_to_come_back_and_nothing_is_billed(
    new_us: Door, collection: str, client_of: Callable[..., Client], fault: signal.Signals
) -> None:
    billed = UsageEvent.objects.count()
    with ExitStack() as stack:
        worker = stack.enter_context(ready_worker())
        client = client_of(worker)
        waiting = client.begin()
        wait_until(lambda: has_begun(worker), seconds=30, what="the first batch has run")
        os.kill(worker.process.pid, fault)
        refused = waiting.result(60)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert new_us.count(collection) == 0
        assert UsageEvent.objects.count() == billed
        if fault == signal.SIGSTOP:
            begun = time.monotonic()
            assert client.upsert(POINTS[:1]).status_code == 503  # the frozen one is known and not waited for again
            assert time.monotonic() - begun < 30
            os.kill(worker.process.pid, signal.SIGCONT)
        else:
            worker.process.wait(10)
            stack.enter_context(ready_worker(INFERENCE_LISTEN=worker.address))  # as the supervisor would
        wait_until(lambda: client.upsert(POINTS[:1]).status_code == 200, seconds=60, what="it goes on by itself")
        assert UsageEvent.objects.count() == billed + 1


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP][: 1 + BOTH])
def test_another_worker_takes_over_and_the_request_is_billed_once(
    new_us: Door, collection: str, client_of: Callable[..., Client], fault: signal.Signals
) -> None:
    billed = UsageEvent.objects.count()
    with ready_worker() as one, ready_worker() as other:
        client = client_of(one, other)
        waiting = client.begin()
        wait_until(lambda: has_begun(one) or has_begun(other), seconds=30, what="the first batch has run")
        busy = one if has_begun(one) else other
        os.kill(busy.process.pid, fault)
        answer = waiting.result(90)
        assert answer.status_code == 200, answer.text
        assert new_us.count(collection) == len(POINTS)
        [event] = UsageEvent.objects.order_by("-occurred_at")[: UsageEvent.objects.count() - billed]
        assert event.tokens == answer.json()["usage"]["inference"]["models"][MINILM]["tokens"]
        assert all(client.upsert(POINTS[:1]).status_code == 200 for _ in range(4))


def test_a_request_that_takes_too_long_is_given_up_in_time_and_its_work_dropped(
    new_us: Door, collection: str, client_of: Callable[..., Client], worker: Worker
) -> None:
    dropped = measured(worker.address, "inference_dropped_texts_total", model=MINILM)
    refused = client_of(worker).upsert(POINTS, timeout=1)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    wait_until(
        lambda: measured(worker.address, "inference_dropped_texts_total", model=MINILM) > dropped,
        seconds=30,
        what="what nobody waits for is not run",
    )
    assert new_us.count(collection) == 0


def test_one_id_leads_from_the_answer_to_the_batch(
    client_of: Callable[..., Client], capfd: pytest.CaptureFixture[str]
) -> None:
    with ready_worker(CLOUDCONSOLE_LOG_LEVEL="DEBUG") as worker:
        answer = client_of(worker).upsert(POINTS[:1])
        assert answer.status_code == 200
    ran = [line for line in capfd.readouterr().out.splitlines() if answer.headers["x-request-id"] in line]
    assert len(ran) == 1
    assert f"{MINILM} ran 1 texts in" in ran[0]
