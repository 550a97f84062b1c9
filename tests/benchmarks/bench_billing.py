"""How fast billing is: ``make bench-billing``. Wants the machine for itself; the numbers go to ``billing/README.md``.

``BENCH_EVENTS`` are the sizes of the months that are closed and exported.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from billing.ledger import database_conninfo
from billing.models import UsageEvent
from billing.partitions import make_partitions
from billing.queries import daily_tokens
from billing.rollups import LedgerBusy, update_rollups
from billing.rules import Month
from cloudconsole.paths import PROJECT_DIR
from clusters.models import Cluster
from tests.billing.usage import Customer, open_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_200)]

SECONDS, PROCESSES, CALLERS = float(os.environ.get("BENCH_SECONDS", "10")), 3, 500
SIZES = [int(size) for size in os.environ.get("BENCH_EVENTS", "100000,1000000").split(",")]
MARCH = Month(2025, 3)
EVENTS_PER_LINE = 10
MOST_MEMORY_MB = 300


@pytest.fixture
def customer(db: None, make_cluster: Callable[..., Cluster]) -> Customer:
    return Customer(make_cluster)


def report(text: str) -> None:
    print(f"\n{text}", flush=True)


@contextmanager
def rollups_every_second() -> Iterator[list[float]]:
    """What beat and the task worker do; gives how long each took."""
    stop, took = threading.Event(), []

    def work() -> None:
        try:
            while not stop.wait(1):
                began = time.perf_counter()
                try:
                    update_rollups()
                except LedgerBusy:
                    continue
                took.append(time.perf_counter() - began)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


async def seconds_until_seen(customer: Customer, until: float) -> list[float]:
    """From the answer (the commit of its event) until the usage API's query has its tokens, again and again."""
    cluster, found = customer.clusters[1], []
    tokens = 0
    async with open_ledger() as ledger:
        while time.monotonic() < until:
            event = customer.event(1, cluster=1, occurred_at=datetime.now(UTC))
            await ledger.record([event])
            answered, tokens = time.perf_counter(), tokens + 1
            while await asyncio.to_thread(tokens_of, cluster) < tokens:
                await asyncio.sleep(0.001)
            found.append(time.perf_counter() - answered)
            await asyncio.sleep(0.02)
    return found


def tokens_of(cluster: Cluster) -> int:
    try:
        week_ago, now = datetime.now(UTC) - timedelta(days=7), datetime.now(UTC) + timedelta(seconds=1)
        return sum(sum(days.values()) for days in daily_tokens(cluster=cluster, since=week_ago, until=now).values())
    finally:
        connection.close()


def test_recording(customer: Customer, tmp_path: Path):
    one = customer.event()
    plan = tmp_path / "plan.json"
    facts = {"account": one.account_id, "cluster": one.cluster_id, "model": one.model_id, "key": one.api_key_id}
    plan.write_text(json.dumps({name: str(id) for name, id in facts.items()} | {"conninfo": database_conninfo()}))
    command = [sys.executable, "-m", "tests.benchmarks.ledger_load", str(plan), str(SECONDS), str(CALLERS)]
    with rollups_every_second() as rollups:
        gateways = [subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE) for _ in range(PROCESSES)]
        seen = asyncio.run(seconds_until_seen(customer, time.monotonic() + SECONDS))
        confirmed = sum(int(gateway.communicate()[0].split()[-1]) for gateway in gateways)
    assert UsageEvent.objects.filter(cluster=customer.clusters[0]).count() == confirmed
    p99 = statistics.quantiles(seen, n=100)[98]
    report(
        f"recording: {confirmed / SECONDS:,.0f} events/s from {PROCESSES} processes with {CALLERS} callers each; "
        f"answer to usage API p50 {statistics.median(seen):.3f} s, p99 {p99:.3f} s ({len(seen)} times); "
        f"rollups took {max(rollups, default=0):.2f} s at most"
    )
    assert p99 < 2


def fill(customer: Customer, events: int) -> None:
    """A month of that many events, in lines of ten."""
    one = customer.event()
    make_partitions([MARCH])
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_usageevent (id, request_id, account_id, cluster_id, model_id, api_key_id, kind,
                tokens, inputs, occurred_at)
            SELECT overlay(overlay(gen_random_uuid()::text PLACING substr(billing_first_id(moment)::text, 1, 13)
                    FROM 1 FOR 13) PLACING '7' FROM 15 FOR 1)::uuid,
                gen_random_uuid(), %s, %s, %s, lpad(to_hex(n / %s), 32, '0')::uuid, 'update', 1000 + n %% 100, 1, moment
            FROM (
                SELECT n, %s + n %% 720 * interval '1 hour' + n %% 3600 * interval '1 second' AS moment
                FROM generate_series(0, %s - 1) AS n
            ) AS events""",
            [one.account_id, one.cluster_id, one.model_id, 720 * EVENTS_PER_LINE, MARCH.start, events],
        )
        cursor.execute("ANALYZE billing_usageevent")


def seconds_of_copy(path: Path) -> float:
    """The same rows out of and into a table without anything around them."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        with path.open("wb") as file, cursor.copy("COPY (SELECT * FROM billing_usageevent) TO STDOUT") as copy:
            for data in copy:
                file.write(data)
        cursor.execute("CREATE TEMP TABLE bare (LIKE billing_usageevent)")
        with path.open("rb") as file, cursor.copy("COPY bare FROM STDIN") as copy:
            while data := file.read(1 << 20):
                copy.write(data)
        cursor.execute("DROP TABLE bare")
    path.unlink()
    return time.perf_counter() - began


@pytest.mark.parametrize("events", SIZES)
def test_closing_and_exporting(customer: Customer, tmp_path: Path, events: int):
    customer.set_price(customer.models[0], 3_000, MARCH.start)
    fill(customer, events)
    copy = seconds_of_copy(tmp_path / "rows")
    began = time.perf_counter()
    update_rollups()
    rollup = time.perf_counter() - began
    parameters = connection.get_connection_params()
    url = f"postgres://{parameters['user']}@{quote(parameters['host'], safe='')}/{parameters['dbname']}"
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.benchmarks.close_and_export",
            str(customer.account.pk),
            str(MARCH),
            str(tmp_path),
        ],
        cwd=PROJECT_DIR,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "cloudconsole.settings"},
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(answer.stdout.splitlines()[-1])
    memory = max(value for name, value in told.items() if name.endswith("MB"))
    report(
        f"{events:,} events in {told['lines']:,} lines: rolled up in {rollup:.1f} s, closed in {told['close']:.1f} s, "
        f"exported as CSV in {told['csv']:.1f} s, as FOCUS Parquet in {told['focus-parquet']:.1f} s; "
        f"COPY out and in {copy:.1f} s (closing is {told['close'] / copy:.1f} times that); {memory:.0f} MB at most"
    )
    assert memory < MOST_MEMORY_MB
