"""The writer of the ledger on a PostgreSQL that breaks: what was confirmed is there once, nothing is there twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from billing import ledger as ledger_module
from billing.ledger import LedgerUnavailable, LedgerWriter, database_conninfo
from billing.models import UsageEvent
from tests.billing.usage import Customer, commits_held_up, open_ledger, until

pytestmark = pytest.mark.django_db(transaction=True)

LEDGER_SESSION = "the ledger under test"


def ids_in_ledger() -> Counter:
    return Counter(UsageEvent.objects.values_list("id", flat=True))


class Wire:
    """What lies between the ledger and PostgreSQL: a relay that can lose an answer or be cut altogether."""

    def __init__(self, folder: Path) -> None:
        server = conninfo_to_dict(database_conninfo())
        self.conninfo = make_conninfo(database_conninfo(), host=str(folder))
        self._here = folder / f".s.PGSQL.{server.get('port', 5432)}"
        self._there = Path(server["host"]) / self._here.name
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.lose_next_answer = False
        self.answers_lost = 0

    async def connect(self) -> None:
        self._server = await asyncio.start_unix_server(self._relay, self._here)

    async def cut(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._here.unlink(missing_ok=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._there)
        self._writers |= {writer, server_writer}
        asks = asyncio.create_task(self._pass_on(reader, server_writer))
        try:
            while data := await server_reader.read(65536):
                if self.lose_next_answer:
                    self.lose_next_answer = False
                    self.answers_lost += 1
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            asks.cancel()
            for end in (writer, server_writer):
                end.close()
                self._writers.discard(end)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()


@pytest.fixture
def wire(customer: Customer, tmp_path_factory: pytest.TempPathFactory) -> Wire:
    if not conninfo_to_dict(database_conninfo()).get("host", "").startswith("/"):
        pytest.skip("PostgreSQL is not on a unix socket here")
    return Wire(tmp_path_factory.mktemp("w"))


def test_a_commit_whose_answer_is_lost_is_confirmed_and_not_written_twice(customer: Customer, wire: Wire):
    events = customer.events(20)

    async def record():
        await wire.connect()
        async with open_ledger(wire.conninfo) as ledger:
            wire.lose_next_answer = True
            await ledger.record(events[:10])
            wire.lose_next_answer = True
            await ledger.void(events[:10])
            await ledger.record(events[10:])
        await wire.cut()

    asyncio.run(record())
    assert wire.answers_lost == 2
    recorded = UsageEvent.objects.filter(account=customer.account)
    assert recorded.filter(corrects=None).count() == 20
    assert recorded.exclude(corrects=None).count() == 10


def test_callers_are_refused_while_postgresql_is_away_and_served_once_it_is_back(
    customer: Customer, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger_module, "DEADLINE_SECONDS", 1.0)
    before, during, through, after = events = customer.events(4)

    async def record():
        loop = asyncio.get_running_loop()
        async with open_ledger(wire.conninfo) as ledger:
            assert not ledger.healthy
            await wire.connect()
            await until(lambda: ledger.healthy, what="the ledger found PostgreSQL after starting without it")
            await ledger.record([before])
            await wire.cut()
            asked = loop.time()
            with pytest.raises(LedgerUnavailable):
                await ledger.record([during])
            assert 0.9 < loop.time() - asked < 2
            assert not ledger.healthy
            waiting = asyncio.create_task(ledger.record([through]))
            await asyncio.sleep(0)
            await wire.connect()
            await waiting
            assert ledger.healthy
            await ledger.record([after])
        await wire.cut()

    asyncio.run(record())
    assert ids_in_ledger() == Counter(event.id for event in events if event is not during)


def test_a_server_that_does_not_answer_is_given_up_and_found_again(customer: Customer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger_module, "DEADLINE_SECONDS", 0.5)
    stuck, after = customer.events(2)

    async def record():
        async with open_ledger() as ledger:
            async with commits_held_up():
                with pytest.raises(LedgerUnavailable):
                    await ledger.record([stuck])
                assert not ledger.healthy
            await until(lambda: ledger.healthy, what="the probe found that the ledger can be written again")
            await ledger.record([after])

    asyncio.run(record())
    ids = ids_in_ledger()
    assert ids[after.id] == 1
    assert ids[stuck.id] <= 1


@asynccontextmanager
async def sessions_dying(seed: int) -> AsyncIterator[list[int]]:
    """Kill the ledger's session in PostgreSQL again and again at random moments; gives the list of the killed."""
    dice = random.Random(seed)
    killed: list[int] = []

    async def kill() -> None:
        async with await AsyncConnection.connect(database_conninfo(), autocommit=True) as session:
            while True:
                await asyncio.sleep(dice.uniform(0, 0.04))
                rows = await session.execute(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = %s", [LEDGER_SESSION]
                )
                for (pid,) in await rows.fetchall():
                    await session.execute("SELECT pg_terminate_backend(%s)", [pid])
                    killed.append(pid)

    async with asyncio.TaskGroup() as group:  # a killer that fails takes the test with it
        killer = group.create_task(kill())
        yield killed
        killer.cancel()


@pytest.mark.parametrize("seed", range(3))
def test_every_confirmed_event_survives_a_storm_of_dying_sessions_exactly_once(customer: Customer, seed: int):
    confirmed, refused, voided, perhaps_voided = [], [], [], []

    async def caller(ledger: LedgerWriter, dice: random.Random, killed: list[int]):
        while len(killed) < 25:
            events = [customer.event(dice.randint(0, 1000)) for _ in range(dice.randint(1, 4))]
            recording = asyncio.create_task(ledger.record(events))
            if dice.random() < 0.05:
                await asyncio.sleep(0)
                recording.cancel()
            try:
                await recording
                confirmed.extend(events)
            except (LedgerUnavailable, asyncio.CancelledError):
                if (task := asyncio.current_task()) and task.cancelling():
                    raise  # the storm itself is over, not only this recording
                refused.extend(events)
                await asyncio.sleep(0.001)  # a refusal comes at once: leave the others a turn
            else:
                if dice.random() < 0.1:
                    try:
                        await ledger.void(events)
                        voided.extend(events)
                    except LedgerUnavailable:
                        perhaps_voided.extend(events)

    async def storm():
        conninfo = make_conninfo(database_conninfo(), application_name=LEDGER_SESSION)
        async with open_ledger(conninfo) as ledger, sessions_dying(seed) as killed:
            await asyncio.gather(*(caller(ledger, random.Random(f"{seed} {n}"), killed) for n in range(30)))
        return killed

    killed = asyncio.run(storm())
    assert len(killed) >= 25
    assert voided or perhaps_voided
    rows = {row.id: row for row in UsageEvent.objects.filter(corrects=None)}
    assert {event.id for event in confirmed} <= rows.keys() <= {event.id for event in (*confirmed, *refused)}
    assert all(rows[event.id].tokens == event.tokens for event in confirmed)
    corrections = Counter(UsageEvent.objects.exclude(corrects=None).values_list("corrects_id", "tokens"))
    certain, possible = (Counter((event.id, -event.tokens) for event in some) for some in (voided, perhaps_voided))
    assert certain <= corrections <= certain + possible
