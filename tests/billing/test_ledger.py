"""The writer of the ledger on a PostgreSQL that works."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from billing import ledger as ledger_module
from billing.events import NewUsageEvent
from billing.ledger import LedgerUnavailable, database_conninfo
from billing.models import UsageEvent
from tests.billing.usage import Customer, commits_held_up, open_ledger, record_all, store

pytestmark = pytest.mark.django_db(transaction=True)


def recorded(events):
    """How often each of the events is in the ledger, and with how many tokens."""
    rows = UsageEvent.objects.filter(id__in=[event.id for event in events])
    return Counter(rows.values_list("id", "tokens"))


def once_each(events):
    return Counter((event.id, event.tokens) for event in events)


def test_what_is_recorded_is_there_when_record_returns(customer: Customer):
    event = customer.event(tokens=42, inputs=3, kind="search")

    async def record_and_look():
        async with open_ledger() as ledger, await AsyncConnection.connect(database_conninfo()) as another_session:
            await ledger.record([event])
            rows = await another_session.execute("SELECT id FROM billing_usageevent")
            return await rows.fetchall()

    assert asyncio.run(record_and_look()) == [(event.id,)]
    row = UsageEvent.objects.get()
    assert (row.id, row.request_id, row.kind) == (event.id, event.request_id, "search")
    assert (row.tokens, row.inputs, row.corrects_id, row.occurred_at) == (42, 3, None, event.occurred_at)
    assert (row.account, row.cluster, row.model) == (customer.account, customer.clusters[0], customer.models[0])
    assert row.api_key_id == event.api_key_id
    assert row.recorded_at is not None


def test_callers_at_the_same_time_share_commits(customer: Customer):
    events = customer.events(300)

    async def record():
        async with open_ledger() as ledger:
            await asyncio.gather(*(ledger.record([event]) for event in events))

    asyncio.run(record())
    assert recorded(events) == once_each(events)
    commits = UsageEvent.objects.values("recorded_at").distinct().count()
    assert commits < len(events) / 10


def test_many_writers_with_the_same_events_in_any_order_record_each_once(customer: Customer):
    events = customer.events(200)
    voided = events[::4]

    async def one_gateway(seed: int):
        shuffled = random.Random(seed).sample(events * 2, len(events) * 2)
        async with open_ledger() as ledger:
            callers = [ledger.record(shuffled[start : start + 7]) for start in range(0, len(shuffled), 7)]
            await asyncio.gather(*callers, ledger.void(voided), ledger.void(voided[::-1]))

    async def all_gateways():
        await asyncio.gather(*(one_gateway(seed) for seed in range(4)))

    asyncio.run(all_gateways())
    assert recorded(events) == once_each(events)
    assert UsageEvent.objects.count() == len(events) + len(voided)
    kept = [event for event in events if event not in voided]
    assert UsageEvent.objects.aggregate(Sum("tokens"))["tokens__sum"] == sum(event.tokens for event in kept)


def deadlocks_so_far() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_writers_of_the_same_events_wait_for_each_other_but_never_deadlock(customer: Customer):
    rounds = [customer.events(500) for _ in range(5)]

    async def race():
        async with open_ledger() as forwards, open_ledger() as backwards:
            for events in rounds:
                async with commits_held_up() as on_its_way:
                    orders = ((forwards, events), (backwards, events[::-1]))
                    callers = [asyncio.create_task(ledger.record(order)) for ledger, order in orders]
                    await on_its_way(2)
                await asyncio.gather(*callers)

    before = deadlocks_so_far()
    asyncio.run(race())
    assert UsageEvent.objects.count() == 5 * 500
    assert deadlocks_so_far() == before


def test_a_voided_event_nets_to_zero_by_a_row_of_its_own(customer: Customer):
    event = customer.event(tokens=42, inputs=3)
    asyncio.run(record_all([event], voided=[event]))
    correction = UsageEvent.objects.get(corrects=event.id)
    assert (correction.tokens, correction.inputs) == (-42, -3)
    assert correction.id not in (None, event.id)
    original = UsageEvent.objects.get(id=event.id)
    for fact in ("request_id", "account_id", "cluster_id", "model_id", "api_key_id", "kind", "occurred_at"):
        assert getattr(correction, fact) == getattr(original, fact)


def test_an_event_that_never_reached_the_ledger_nets_to_zero_too(customer: Customer):
    event = customer.event(tokens=42)
    asyncio.run(record_all([], voided=[event]))
    asyncio.run(record_all([event]))  # a late repetition of what was given up
    assert UsageEvent.objects.aggregate(Sum("tokens"))["tokens__sum"] == 0
    assert UsageEvent.objects.count() == 2


def test_nothing_to_record_is_recorded_at_once(customer: Customer):
    asyncio.run(record_all([], voided=[]))
    assert not UsageEvent.objects.exists()


def test_what_waits_when_the_writer_stops_is_written(customer: Customer):
    events = customer.events(50)

    async def record_and_stop():
        async with open_ledger() as ledger:
            callers = [asyncio.create_task(ledger.record([event])) for event in events]
            await asyncio.sleep(0)
        await asyncio.gather(*callers)
        with pytest.raises(LedgerUnavailable, match="not open"):
            await ledger.record(events)

    asyncio.run(record_and_stop())
    assert recorded(events) == once_each(events)


def test_a_cancelled_caller_does_not_break_the_others(customer: Customer):
    before, _, _, after = events = customer.events(4)

    async def record():
        async with open_ledger() as ledger:
            async with commits_held_up() as on_its_way:
                callers = [asyncio.create_task(ledger.record([event])) for event in events[:2]]
                await on_its_way()
                callers += [asyncio.create_task(ledger.record([event])) for event in events[2:]]
                await asyncio.sleep(0)
                callers[1].cancel()
                callers[2].cancel()
            return await asyncio.gather(*callers, return_exceptions=True)

    outcomes = asyncio.run(record())
    assert [type(outcome) for outcome in outcomes] == [
        type(None), asyncio.CancelledError, asyncio.CancelledError, type(None)
    ]  # fmt: skip
    assert recorded([before, after]) == once_each([before, after])
    assert recorded(events) == once_each(events)  # work that was done is billed, though its caller has left


def test_too_many_waiting_events_are_refused_at_once(customer: Customer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger_module, "MAX_WAITING_ROWS", 10)
    events = customer.events(10)

    async def record():
        async with open_ledger() as ledger:
            async with commits_held_up() as on_its_way:
                callers = [asyncio.create_task(ledger.record([event])) for event in events]
                await on_its_way()
                with pytest.raises(LedgerUnavailable, match="Too many"):
                    await ledger.record([customer.event()])
            await asyncio.gather(*callers)
            await ledger.record([customer.event()])

    asyncio.run(record())
    assert recorded(events) == once_each(events)
    assert UsageEvent.objects.count() == len(events) + 1


def test_large_callers_are_recorded_in_several_commits(customer: Customer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger_module, "MAX_ROWS_PER_COMMIT", 10)
    events = customer.events(60)

    async def record():
        async with open_ledger() as ledger:
            await asyncio.gather(*(ledger.record(events[start : start + 15]) for start in range(0, 60, 15)))

    asyncio.run(record())
    assert recorded(events) == once_each(events)
    assert UsageEvent.objects.values("recorded_at").distinct().count() == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": -1},
        {"inputs": -1},
        {"tokens": 10**12 + 1},
        {"kind": "sreach"},
        {"occurred_at": datetime(2026, 11, 1)},
    ],
)
def test_an_event_that_would_spoil_a_shared_commit_cannot_be_made(wrong: dict[str, object]):
    right = {name: uuid4() for name in ("request_id", "account_id", "cluster_id", "model_id", "api_key_id")}
    right |= {"tokens": 1, "inputs": 1, "kind": "search", "occurred_at": datetime(2026, 11, 1, tzinfo=UTC)}
    NewUsageEvent(**right)
    with pytest.raises(ValueError):
        NewUsageEvent(**(right | wrong))


def test_commits_wait_for_the_disk(customer: Customer):
    async def setting():
        conninfo = make_conninfo(database_conninfo(), options="-c synchronous_commit=off")
        async with open_ledger(conninfo) as ledger:
            answer = await ledger._connection.execute("SHOW synchronous_commit")
            return await answer.fetchone()

    assert asyncio.run(setting()) == ("on",)


@pytest.mark.django_db
class TestTheDatabaseRefusesToChangeTheLedger:
    @pytest.fixture(autouse=True)
    def one_event(self, customer: Customer):
        store(customer.event(tokens=42))
        yield
        assert UsageEvent.objects.get().tokens == 42

    @pytest.mark.parametrize(
        "change",
        [
            lambda: UsageEvent.objects.update(tokens=0),
            lambda: UsageEvent.objects.all().delete(),
            lambda: UsageEvent.objects.get().delete(),
            lambda: UsageEvent(id=UsageEvent.objects.get().pk, tokens=0, inputs=0).save(force_update=True),
        ],
    )
    def test_through_the_models(self, change):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE billing_usageevent SET tokens = 0",
            "DELETE FROM billing_usageevent",
            "INSERT INTO billing_usageevent SELECT * FROM billing_usageevent ON CONFLICT (id) DO UPDATE SET tokens = 0",
        ],
    )
    def test_through_sql(self, statement: str):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_test_database_can_still_be_emptied(customer: Customer):
    asyncio.run(record_all(customer.events(3)))
    call_command("flush", verbosity=0, interactive=False)
    assert not UsageEvent.objects.exists()
