"""Sixteen writers and four closers at once, all of them killed again and again: the books are right in the end.

``BILLING_STORM_SECONDS`` says for how long.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from billing.ledger import database_conninfo
from billing.lines import bill_lines, progress_of
from billing.models import BillingProgress, Statement, StatementLine, UsageEvent
from billing.partitions import make_partitions
from billing.rating import exact_sum
from billing.report_line import from_json
from billing.rules import Month, rounded
from billing.statements import close_month
from billing.verification import verify_month
from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from clusters.models import Cluster
from tests.billing.usage import Customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

SECONDS = float(os.environ.get("BILLING_STORM_SECONDS", "6"))
ACCOUNTS = 3
MONTHS = [Month(2025, n) for n in range(2, 8)]
ALLOWANCE = 2_000
PROCESSES = {"writer": 4, "closer": 4}  # a writing process has four writers


@pytest.fixture
def customers(make_cluster: Callable[..., Cluster], settings) -> list[Customer]:
    settings.BILLING_FREE_TEXT_TOKENS = ALLOWANCE
    customers = [Customer(make_cluster) for _ in range(ACCOUNTS)]
    Cluster.objects.update(created_at=MONTHS[0].start)
    for customer in customers:
        customer.set_price(customer.models[0], 100_000_007, MONTHS[0].start)
    return customers


def plan_of(customers: list[Customer]) -> dict[str, object]:
    return {
        "conninfo": database_conninfo(),
        "start": MONTHS[0].start.isoformat(),
        "end": MONTHS[-1].end.isoformat(),
        "months": [str(month) for month in MONTHS[:-1]],
        "began": time.time(),
        "seconds_per_month": SECONDS / (len(MONTHS) - 1),
        "accounts": [
            {
                "id": str(one.account.pk),
                "cluster": str(one.clusters[0].pk),
                "model": str(one.models[0].pk),
                "key": str(one.keys[one.clusters[0].pk][0].pk),
            }
            for one in customers
        ],
    }


@contextmanager
def running(folder: Path, plan: Path) -> Iterator[Callable[[random.Random], None]]:
    """The processes, and a function that kills one of them and starts another in its place."""
    parameters = connection.get_connection_params()
    url = f"postgres://{parameters['user']}@{quote(parameters['host'], safe='')}/{parameters['dbname']}"
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "cloudconsole.settings",
        "BILLING_FREE_TEXT_TOKENS": str(ALLOWANCE),
    }
    started = Counter[str]()
    errors = (folder / "errors").open("w")

    def start(kind: str) -> subprocess.Popen[bytes]:
        started[kind] += 1
        seed = str(started[kind])
        arguments = [str(plan), str(folder / f"journal.{seed}"), seed] if kind == "writer" else [str(plan), seed]
        command = [sys.executable, "-m", f"tests.billing.{kind}", *arguments]
        return subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, stderr=errors, preexec_fn=die_with_parent)

    processes = [(kind, start(kind)) for kind, count in PROCESSES.items() for _ in range(count)]

    def replace_one(dice: random.Random) -> None:
        n = dice.randrange(len(processes))
        kind, process = processes[n]
        process.kill()
        process.wait()
        processes[n] = (kind, start(kind))

    try:
        yield replace_one
    finally:
        for _, process in processes:
            process.kill()
            process.wait()
        errors.close()


def journals(folder: Path) -> dict[str, dict[str, int]]:
    """What the writers were told is recorded, and what is taken back: ids with tokens. A last line may be cut off."""
    said: dict[str, dict[str, int]] = defaultdict(dict)
    for journal in folder.glob("journal.*"):
        for line in journal.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                what, id, tokens = line.split()
                said[what][id] = int(tokens)
    return said


def test_the_books_are_right_after_the_storm(customers: list[Customer], tmp_path: Path):
    make_partitions(MONTHS)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(plan_of(customers)))
    dice = random.Random(1)
    with running(tmp_path, plan) as replace_one:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline or not (UsageEvent.objects.exists() and Statement.objects.exists()):
            time.sleep(dice.uniform(0.1, max(0.3, SECONDS / 20)))
            replace_one(dice)
            assert time.monotonic() < deadline + 60, (tmp_path / "errors").read_text()

    said = journals(tmp_path)
    rows = {str(id): tokens for id, tokens in UsageEvent.objects.filter(corrects=None).values_list("id", "tokens")}
    assert len(rows) == UsageEvent.objects.filter(corrects=None).count()
    assert {id: rows.get(id) for id in said["recorded"]} == said["recorded"]
    corrected = {str(id) for id in UsageEvent.objects.exclude(corrects=None).values_list("corrects_id", flat=True)}
    assert said["voided"].keys() <= corrected <= rows.keys()

    assert "Traceback" not in (tmp_path / "errors").read_text()
    for customer in customers:
        check_the_books(customer)


def check_the_books(customer: Customer) -> None:
    account = customer.account
    numbers = list(
        Statement.objects.filter(account=account)
        .exclude(number=None)
        .order_by("month")
        .values_list("number", flat=True)
    )
    assert numbers == list(range(1, len(numbers) + 1))
    assert progress_of(account).last_number == len(numbers)
    for statement in Statement.objects.filter(account=account).exclude(number=None):
        lines = [from_json(text) for text in statement.lines.order_by("position").values_list("line", flat=True)]
        assert len(lines) == statement.line_count
        cost = exact_sum(line.cost_millicents for line in lines)
        assert (statement.exact_total, statement.total) == (cost, rounded(cost))

    close_month(account=account, month=MONTHS[-1])  # the rest, corrections too
    lines = [
        from_json(text) for text in StatementLine.objects.filter(account_id=account.pk).values_list("line", flat=True)
    ]
    tokens = sum(UsageEvent.objects.filter(account=account).values_list("tokens", flat=True))
    assert sum(line.tokens for line in lines) == tokens
    for month in MONTHS:
        of_month = [line for line in lines if Month.of(line.hour_start) == month]
        free = sum(line.tokens for line in of_month if line.allowance)
        assert free == min(ALLOWANCE, sum(line.tokens for line in of_month))
    assert list(bill_lines(account=account, month=MONTHS[-1].following)) == []
    assert verify_month(account=account, month=MONTHS[0]).differences == []
    assert BillingProgress.objects.get(account=account).closed_through == MONTHS[-1].first_day
