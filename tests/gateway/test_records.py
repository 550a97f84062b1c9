"""What the gateway keeps of keys and clusters, and for how long."""

import asyncio
import gc
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoDbBlocker

from clusters.provisioners.upstream import Upstream
from clusters.rules.access import FULL_ACCESS
from gateway import records
from gateway.records import ClusterRecord, Found, KeyRecord, Records, RecordsUnavailable
from inference.rules import ClusterFacts
from tests.waiting import wait_until

FACTS = ClusterFacts("new-us", True, True, True, True)
CLUSTER = ClusterRecord(
    uuid.uuid4(), uuid.uuid4(), "new-us", "host", "1.19.0", "HEALTHY", True, FACTS, Upstream("/run/n.sock")
)
KEY = KeyRecord(uuid.uuid4(), expires_at=None, revoked=False, access=FULL_ACCESS, is_token=True, cluster=CLUSTER)


class Database:
    """What the database would say; ``away`` makes it fail."""

    def __init__(self) -> None:
        self.keys: dict[str, KeyRecord] = {"known": KEY}
        self.away = False
        self.questions: list[str] = []
        self.before_answering: Callable[[], None] = lambda: None

    def load(self, secret_hash: str) -> KeyRecord | None:
        self.questions.append(secret_hash)
        if self.away:
            raise OperationalError("the database is away")
        found = self.keys.get(secret_hash)
        self.before_answering()
        return found


@pytest.fixture
def database() -> Database:
    return Database()


def test_a_key_is_looked_up_once_per_lifetime(database: Database, monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        cache = Records(database.load)
        found = await asyncio.gather(*(cache.find("known") for _ in range(50)))
        assert found == [Found(KEY)] * 50
        assert await cache.find("known") == Found(KEY)
        assert database.questions == ["known"]
        monkeypatch.setattr(records, "LIFETIME_SECONDS", 0.0)
        cache.expire_all()
        await cache.find("known")
        await cache.find("known")
        assert database.questions == ["known"] * 3

    asyncio.run(story())


def test_nobody_waits_for_the_next_look_at_a_key_in_use(database: Database, monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        cache = Records(database.load)
        monkeypatch.setattr(records, "LIFETIME_SECONDS", 60.0)
        monkeypatch.setattr(records, "AHEAD_SECONDS", 60.0)
        await cache.find("known")
        back = threading.Event()
        database.before_answering = lambda: back.wait(30) and None
        newer = database.keys["known"] = replace(KEY, revoked=True)
        assert [await cache.find("known") for _ in range(3)] == [Found(KEY)] * 3
        back.set()
        async with asyncio.timeout(30):
            while await cache.find("known") != Found(newer):
                await asyncio.sleep(0.01)

    asyncio.run(story())


def test_with_the_database_away_the_last_known_record_is_used_and_says_so(database: Database):
    async def story() -> None:
        cache = Records(database.load)
        await cache.find("known")
        database.away = True
        cache.expire_all()
        assert await cache.find("known") == Found(KEY, current=False)
        with pytest.raises(RecordsUnavailable):
            await cache.find("never seen")
        database.away = False
        cache.expire_all()
        assert await cache.find("known") == Found(KEY, current=True)

    asyncio.run(story())


def test_a_database_that_hangs_does_not_hold_up_known_keys(database: Database, monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        cache = Records(database.load)
        await cache.find("known")
        monkeypatch.setattr(records, "PATIENCE_SECONDS", 0.05)
        back = threading.Event()
        database.before_answering = lambda: back.wait(10) and None
        cache.expire_all()
        assert await cache.find("known") == Found(KEY, current=False)
        back.set()

    asyncio.run(story())


def test_an_announced_change_is_forgotten_even_without_the_database(database: Database):
    async def story() -> None:
        cache = Records(database.load)
        await cache.find("known")
        cache.forget(uuid.uuid4())
        database.away = True
        assert (await cache.find("known")).key == KEY
        cache.forget(CLUSTER.id)
        with pytest.raises(RecordsUnavailable):
            await cache.find("known")

    asyncio.run(story())


def test_what_was_read_before_an_announcement_is_not_kept(database: Database):
    async def story() -> None:
        cache = Records(database.load)
        loop = asyncio.get_running_loop()

        def change_while_reading() -> None:
            database.keys["known"] = replace(KEY, revoked=True)
            database.before_answering = lambda: None
            loop.call_soon_threadsafe(cache.forget, CLUSTER.id)

        database.before_answering = change_while_reading
        assert (await cache.find("known")).key == KEY
        assert (await cache.find("known")).key == replace(KEY, revoked=True)

    asyncio.run(story())


def test_random_keys_do_not_fill_the_memory_nor_push_out_known_ones(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "MAX_UNKNOWN", 10)
    monkeypatch.setattr(records, "MAX_KNOWN", 3)

    async def story() -> None:
        cache = Records(database.load)
        await cache.find("known")
        for number in range(200):
            assert (await cache.find(f"random {number}")).key is None
        assert len(cache._unknown) == 10
        await cache.find("known")
        assert database.questions.count("known") == 1
        for number in range(5):
            database.keys[f"other {number}"] = replace(KEY, id=uuid.uuid4())
            await cache.find(f"other {number}")
        assert len(cache._known) == 3

    asyncio.run(story())


@pytest.mark.usefixtures("django_db_setup")
def test_closing_ends_the_connections_of_threads_that_are_free(django_db_blocker: DjangoDbBlocker):
    sessions: dict[str, int] = {}
    asked, back = threading.Event(), threading.Event()

    def load(secret_hash: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            sessions[secret_hash] = cursor.fetchone()[0]
        if secret_hash == "slow":
            asked.set()
            back.wait(30)
            connection.close()

    def there() -> set[int]:
        with psycopg.connect(**connection.get_connection_params()) as own:
            query = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)"
            return {pid for (pid,) in own.execute(query, [list(sessions.values())])}

    async def story() -> None:
        cache = Records(load)
        slow = asyncio.create_task(cache.find("slow"))
        await asyncio.to_thread(asked.wait, 30)
        await cache.find("quick")
        await cache.close()
        try:
            await asyncio.to_thread(wait_until, lambda: there() == {sessions["slow"]}, seconds=20, what="one has ended")
        finally:
            back.set()
        await slow

    gc.disable()  # it closes connections that nothing refers to, some time
    try:
        with django_db_blocker.unblock():
            asyncio.run(story())
    finally:
        gc.enable()
