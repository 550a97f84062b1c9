"""No answer without its bill, no bill without its answer."""

import asyncio
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import orjson
import pytest
from django.db import OperationalError

from billing.events import NewUsageEvent
from billing.ledger import LedgerUnavailable, LedgerWriter, database_conninfo
from billing.models import UsageEvent
from gateway import metering
from gateway.errors import Refused
from gateway.metering import Meter
from gateway.records import KeyRecord, Records, load_key
from gateway.upstream import Answer
from inference.catalogue import CATALOGUE
from tests.gateway.conftest import MINILM, Door, document, sentence
from tests.gateway.running import Mirror, running_gateway
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
ACCEPTED = Answer(200, [], b"{}")


def event(kind: Any) -> NewUsageEvent:
    return NewUsageEvent(
        request_id=uuid.uuid4(),
        account_id=uuid.uuid4(),
        cluster_id=uuid.uuid4(),
        model_id=CATALOGUE[MINILM].id,
        api_key_id=uuid.uuid4(),
        kind=kind,
        tokens=7,
        inputs=1,
        occurred_at=datetime.now(UTC),
    )


def billed(one: NewUsageEvent) -> list[int]:
    rows = UsageEvent.objects.filter(request_id=one.request_id)
    return sorted((row.tokens for row in rows), reverse=True)


def metered(story: Callable[[Meter, LedgerWriter], Awaitable[None]]) -> None:
    """Run a story with a meter on the real ledger."""

    async def run() -> None:
        ledger = LedgerWriter(database_conninfo())
        await ledger.start()
        meter = Meter(ledger)
        try:
            await story(meter, ledger)
        finally:
            await meter.close()
            await ledger.stop()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["update", "search"])
def test_a_good_answer_comes_after_its_bill(kind, committed: None):
    one = event(kind)

    async def story(meter: Meter, ledger: LedgerWriter) -> None:
        async def work() -> Answer:
            return ACCEPTED

        assert await meter.run(kind, [one], work) == ACCEPTED
        assert await asyncio.to_thread(rows_now, one) == [7]

    def rows_now(one: NewUsageEvent) -> list[int]:
        from django.db import connection

        try:
            return billed(one)
        finally:
            connection.close()

    metered(story)


@pytest.mark.parametrize("kind", ["update", "search"])
@pytest.mark.parametrize("failure", [Answer(400, [], b"{}"), Refused(503, "gone"), asyncio.CancelledError()])
def test_what_fails_costs_nothing(kind, failure, committed: None):
    one = event(kind)

    async def story(meter: Meter, ledger: LedgerWriter) -> None:
        async def work() -> Answer:
            if isinstance(failure, Answer):
                return failure
            raise failure

        if isinstance(failure, Answer):
            assert await meter.run(kind, [one], work) == failure
        else:
            with pytest.raises(type(failure)):
                await meter.run(kind, [one], work)

    metered(story)
    assert billed(one) == ([] if kind == "update" else [7, -7])


def test_what_comes_again_is_not_taken_back_and_is_billed_once_in_the_end(
    committed: None, monkeypatch: pytest.MonkeyPatch
):
    one = event("update")

    async def story(meter: Meter, ledger: LedgerWriter) -> None:
        record = ledger.record

        async def recorded_but_never_confirmed(events: Any) -> None:
            await record(events)
            raise LedgerUnavailable

        async def work() -> Answer:
            return ACCEPTED

        with monkeypatch.context() as patch:
            patch.setattr(ledger, "record", recorded_but_never_confirmed)
            with pytest.raises(Refused):
                await meter.run("update", [one], work, comes_again=True)
        assert await meter.run("update", [one], work, comes_again=True) == ACCEPTED

    metered(story)
    assert billed(one) == [7]


@pytest.mark.parametrize("kind", ["update", "search"])
def test_when_the_bill_cannot_be_confirmed_the_answer_is_a_refusal_and_the_bill_is_taken_back(
    kind, committed: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(metering, "RETRY_SECONDS", 0.05)
    one = event(kind)

    async def story(meter: Meter, ledger: LedgerWriter) -> None:
        record = ledger.record

        async def recorded_but_never_confirmed(events: Any) -> None:
            await record(events)
            raise LedgerUnavailable

        monkeypatch.setattr(ledger, "record", recorded_but_never_confirmed)

        async def work() -> Answer:
            return ACCEPTED

        with pytest.raises(Refused) as refusal:
            await meter.run(kind, [one], work)
        assert (refusal.value.status, refusal.value.retry_after) == (503, 2)

    metered(story)
    assert billed(one) == [7, -7]


def test_a_search_that_the_engine_refuses_nets_to_nothing(new_us: Door):
    collection = new_us.collection("net")
    before = new_us.billed()
    answer = new_us.query(collection, document("hello"), filter={"must": [{"key": 5}]})
    assert answer.status_code == 400
    assert new_us.billed() == before
    rows = UsageEvent.objects.filter(request_id=answer.headers["x-request-id"])
    assert sum(row.tokens for row in rows) == 0


def test_without_the_ledger_inference_is_refused_before_any_work_and_plain_traffic_goes_on(
    new_us: Door, monkeypatch: pytest.MonkeyPatch
):
    collection = new_us.collection("unmetered")
    monkeypatch.setattr("gateway.app.database_conninfo", lambda: "host=/nowhere dbname=none")
    with running_gateway() as url, httpx.Client(base_url=url, headers={"api-key": new_us.secret}) as http:
        path = f"/collections/{collection}/points"
        for answer in (
            http.put(path, json={"points": [{"id": 1, "vector": document("hello")}]}),
            http.post(f"{path}/query", json={"query": document("hello")}),
            http.post(f"{path}/query", json={"query": document("hello", "bm25")}),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert "Usage cannot be recorded right now" in sentence(answer)
        assert http.put(f"{path}?wait=true", json={"points": [{"id": 2, "vector": [0.5] * 384}]}).status_code == 200
    assert new_us.count(collection) == 1


def test_with_the_database_away_known_keys_go_on_and_inference_is_refused(
    new_us: Door, monkeypatch: pytest.MonkeyPatch
):
    collection = new_us.collection("stale")
    away = threading.Event()

    def load(secret_hash: str) -> KeyRecord | None:
        if away.is_set():
            raise OperationalError("the database is away")
        return load_key(secret_hash)

    monkeypatch.setattr("gateway.app.Records", partial(Records, load))
    monkeypatch.setattr("gateway.records.LIFETIME_SECONDS", 0.0)
    with running_gateway() as url, httpx.Client(base_url=url, headers={"api-key": new_us.secret}) as http:
        assert http.get("/collections").status_code == 200
        away.set()
        assert http.get("/collections").status_code == 200
        answer = http.put(
            f"/collections/{collection}/points", json={"points": [{"id": 1, "vector": document("hello")}]}
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "while the database is away" in sentence(answer)
        unknown = http.get("/collections", headers={"api-key": "never seen"})
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "1")
    assert new_us.count(collection) == 0


def test_a_client_that_leaves_after_its_write_was_forwarded_still_pays(mirrored: Door, mirror: Mirror, gateway_url):
    parameters = {"vectors": {"size": 384, "distance": "Cosine"}}
    mirror.answers = {
        b"/collections/x": orjson.dumps({"result": {"config": {"params": parameters}}}),
        b"/collections/x/points": b'{"result": {"status": "completed"}, "status": "ok", "time": 0.1}',
    }
    mirror.held.add(b"/collections/x/points")
    body = orjson.dumps({"points": [{"id": 1, "vector": document("hello")}]})
    head = f"PUT /collections/x/points HTTP/1.1\r\nhost: x\r\napi-key: {mirrored.secret}\r\n"
    host, port = gateway_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        wait_until(lambda: len(mirror.seen) == 2, seconds=5, what="the write has reached the cluster")
    assert mirrored.billed() == {}
    mirror.may_answer.set()
    wait_until(lambda: mirrored.billed().get(MINILM), seconds=5, what="the write is billed")
