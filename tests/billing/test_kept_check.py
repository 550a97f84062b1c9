"""``verify_billing`` finds every difference between the ledger and what is kept of it: hourly sums and files."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from billing.event_ids import new_event_id
from billing.kept_check import check_account, check_files, check_rollups, check_statement
from billing.models import Credit, Statement, StatementLine, UsageRollup
from billing.reports.deliveries import create_delivery, deliver_finished_months, run_delivery
from billing.reports.models import DeliveredMonth, Export
from billing.reports.services import request_export, run_export
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month
from billing.statements import close_month
from cloudconsole.accounts.services import SYSTEM
from tests.billing.test_verification import run
from tests.billing.usage import NOON, Customer, record_all

pytestmark = pytest.mark.django_db(transaction=True)
NOVEMBER = Month.of(NOON)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.BILLING_EXPORTS_DIR = tmp_path / "exports"
    return settings.BILLING_EXPORTS_DIR


@pytest.fixture
def used(customer: Customer) -> Customer:
    customer.set_price(customer.models[0], 2_100, NOVEMBER.start)
    mistake = customer.event(77)
    asyncio.run(record_all([customer.event(1_000), customer.event(1, cluster=1, kind="search"), mistake], [mistake]))
    update_rollups()
    return customer


@contextmanager
def unprotected(table: str) -> Iterator[None]:
    """As if somebody with the rights of the database's owner changed what nobody may change."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def rollups(customer: Customer) -> list[str]:
    return list(check_rollups(customer.account, NOVEMBER))


@pytest.mark.parametrize("amount", ["tokens", "inputs", "hours", "events"])
def test_an_hourly_sum_that_is_wrong_by_one_is_found(amount: str, used: Customer):
    assert rollups(used) == []
    one = UsageRollup.objects.get(cluster=used.clusters[1])
    UsageRollup.objects.filter(pk=one.pk).update(**{amount: getattr(one, amount) + 1})
    due = getattr(one, amount)
    [difference] = rollups(used)
    assert difference.endswith(f"search: {amount}: the ledger says {due}, here it is {due + 1}")
    assert "rollups: 2026-11-15T12Z" in run()
    assert "error: Bills differ" in run()
    rebuild_rollups()
    assert rollups(used) == []
    assert "Every bill is what the ledger says" in run()


def test_hourly_sums_that_are_missing_or_too_many_are_found(used: Customer):
    one = UsageRollup.objects.get(cluster=used.clusters[1])
    UsageRollup.objects.filter(pk=one.pk).delete()
    assert any("the ledger says 1, here it is 0" in difference for difference in rollups(used))
    one.pk = None
    one.save(force_insert=True)
    assert rollups(used) == []
    one.pk, one.hour_start = None, one.hour_start + timedelta(hours=1)
    one.save(force_insert=True)
    assert any("the ledger says 0, here it is 1" in difference for difference in rollups(used))


def test_what_the_hourly_sums_do_not_hold_yet_is_no_difference(used: Customer):
    asyncio.run(record_all([used.event(5, id=new_event_id(NOON))]))
    assert rollups(used) == []
    assert "Every bill is what the ledger says" in run()


def test_a_file_that_was_changed_or_lost_is_found(used: Customer, folder: Path):
    export = request_export(account=used.account, first=NOVEMBER, last=NOVEMBER, format="csv", requested_by=SYSTEM)
    run_export(export.pk)
    assert list(check_files(used.account, NOVEMBER)) == []
    asyncio.run(record_all([used.event(5)]))  # the month goes on
    assert list(check_files(used.account, NOVEMBER)) == []
    path = folder / Export.objects.get().file_name
    path.write_bytes(path.read_bytes().replace(b",1000,", b",1001,"))
    [difference] = check_files(used.account, NOVEMBER)
    assert "its file has the SHA-256" in difference
    path.unlink()
    [difference] = check_files(used.account, NOVEMBER)
    assert "is gone" in difference
    assert "files: export" in run()


@pytest.fixture
def closed(used: Customer) -> Statement:
    """October, closed, with two lines and a credit that pays a part of it."""
    october = NOVEMBER.previous
    used.set_price(used.models[1], 1_000_000, october.start)
    at = NOON - timedelta(days=30)
    asyncio.run(
        record_all([used.event(100, model=1, occurred_at=at), used.event(7, model=1, cluster=1, occurred_at=at)])
    )
    Credit.objects.create(
        account=used.account, total_millicents=50, active_from=october.start, active_to=october.start.replace(year=2027)
    )
    statement = close_month(account=used.account, month=october)
    assert (statement.total, statement.credit_drawn, statement.line_count) == (107, 50, 2)
    assert "Every bill is what the ledger says" in run()
    return statement


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("line_count", 3),
        ("list_cost", 1),
        ("exact_total", 106),
        ("total", 108),
        ("tax", 1),
        ("credit_drawn", 49),
        ("sha256", "0" * 64),
    ],
)
def test_a_statement_that_says_something_else_than_its_lines_is_found(name: str, wrong: object, closed: Statement):
    with unprotected("billing_statement"):
        Statement.objects.filter(pk=closed.pk).update(**{name: wrong})
    [difference] = check_statement(closed.account, NOVEMBER.previous)
    assert difference.startswith(f"{closed}: {name}: its lines say")
    assert f"statement: {difference}" in run()


def test_lines_that_were_changed_lost_or_added_are_found(closed: Statement):
    month = NOVEMBER.previous
    line = StatementLine.objects.get(statement=closed, position=2)
    with unprotected("billing_statementline"):
        StatementLine.objects.filter(pk=line.pk).update(line=line.line.replace('"tokens":', '"tokens": '))
        assert f"{closed}: line 2 is not the one it was kept as" in list(check_statement(closed.account, month))
        StatementLine.objects.filter(pk=line.pk).update(line=line.line, position=3)
        assert f"{closed}: line 3 is not the one it was kept as" in list(check_statement(closed.account, month))
        StatementLine.objects.filter(pk=line.pk).delete()
        told = list(check_statement(closed.account, month))
        assert [sentence.split(": ")[1] for sentence in told] == [
            *("line_count", "list_cost", "exact_total", "total", "sha256"),
        ]
    assert "differences: 5." in run()


def test_gaps_in_numbers_and_overdrawn_credits_are_found(closed: Statement):
    assert list(check_account(closed.account)) == []
    with unprotected("billing_statement"):
        Statement.objects.filter(pk=closed.pk).update(number=2)
    [difference] = check_account(closed.account)
    assert difference == "statements are numbered [2], in the order of months; they should go from 1 to 1"
    assert "error: Bills differ" in run()
    with unprotected("billing_statement"):
        Statement.objects.filter(pk=closed.pk).update(number=1)
    Credit.objects.update(total_millicents=49)
    [difference] = check_account(closed.account)
    assert difference.endswith("50 millicents are drawn of 49")


def test_a_file_and_a_delivery_of_a_closed_month_are_what_the_statement_says(closed: Statement, folder: Path):
    month = NOVEMBER.previous
    folder.parent.joinpath("there").mkdir()
    create_delivery(
        account=closed.account,
        url=folder.parent.joinpath("there").as_uri(),
        endpoint_url="",
        formats=["csv"],
        first_month=month,
    )
    deliver_finished_months()
    run_delivery(DeliveredMonth.objects.get().pk)
    export = request_export(account=closed.account, first=month, last=month, format="csv", requested_by=SYSTEM)
    run_export(export.pk)
    assert list(check_files(closed.account, month)) == []
    line = StatementLine.objects.get(statement=closed, line__contains='"tokens":7,')
    with unprotected("billing_statementline"):
        StatementLine.objects.filter(pk=line.pk).update(line=line.line.replace('"tokens":7,', '"tokens":8,'))
    kinds = [sentence.split()[0] for sentence in check_files(closed.account, month)]
    assert kinds == ["export", "delivery"]
