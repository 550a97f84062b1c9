"""``verify_billing`` finds nothing in bills as they are, and every difference somebody puts between them."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from billing import exports, verification
from billing.exports import EXPORT_FORMATS
from billing.report_line import ReportLine
from billing.rules import Month
from billing.verification import Verdict, verify_month
from tests.billing.test_usage import MONTH, happen, histories, on_real_database
from tests.billing.usage import NOON, Customer, record_all

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 1_234_567  # tokens of one line
KEPT = ["rollups", "statement", "files"]
LEVELS = ["bill", "by model", "by cluster", "by API key", "by hour", *EXPORT_FORMATS, *KEPT]

formats = pytest.mark.parametrize("format", EXPORT_FORMATS)


@pytest.fixture
def used(customer: Customer) -> Customer:
    customer.set_price(customer.models[0], 2_100, MONTH.start)
    customer.set_price(customer.models[0], 9_000, NOON.replace(minute=30))
    events = [
        customer.event(LARGE),
        customer.event(1, occurred_at=NOON.replace(minute=45)),
        customer.event(99, cluster=1, key=1, model=1, kind="search"),
        customer.event(5, occurred_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC)),
    ]
    mistake = customer.event(77)
    asyncio.run(record_all([*events, mistake], [mistake]))
    return customer


def verdict_of(customer: Customer, month: Month = MONTH) -> Verdict:
    return verify_month(account=customer.account, month=month)


def run(**options: object) -> str:
    stdout = io.StringIO()
    try:
        call_command("verify_billing", *(f"--{name}={value}" for name, value in options.items()), stdout=stdout)
    except CommandError as error:
        return f"{stdout.getvalue()}error: {error}"
    return stdout.getvalue()


def test_bills_as_they_are_differ_nowhere(used: Customer):
    verdict = verdict_of(used)
    assert verdict.checked == LEVELS
    assert verdict.differences == []
    assert (verdict.lines, verdict.total.events, verdict.total.quantity) == (3, 3, 1_234_667)
    assert verdict.total.cost == Decimal("2592.590700") + Decimal("0.009000")


def test_the_command_says_what_it_checked(used: Customer):
    compared = (
        "Compared: bill, by model, by cluster, by API key, by hour, csv, jsonl, parquet, focus-csv, focus-parquet, "
        "rollups, statement, files."
    )
    assert run() == (
        f"Acme ({used.account.pk}), 2026-10: 1 events in 1 lines, $0.00. {compared} Differences: 0.\n"
        f"Acme ({used.account.pk}), 2026-11: 3 events in 3 lines, $0.025925997. {compared} "
        "Differences: 0.\n"
        "Every bill is what the ledger says. Months of accounts checked: 2.\n"
    )


def test_it_can_be_told_which_account_and_month(used: Customer, make_cluster: Callable):
    other = Customer(make_cluster)
    asyncio.run(record_all([other.event(5)]))
    assert "checked: 3." in run()
    assert "checked: 1." in run(account=other.account.pk)
    assert "checked: 1." in run(month="2026-10")
    assert "checked: 0." in run(account=other.account.pk, month="2026-10")
    assert "error: There is no account" in run(account="00000000-0000-0000-0000-000000000000")
    assert "A month is written as YYYY-MM" in run(month="soon")


def test_usage_of_what_is_gone_is_verified_too(used: Customer):
    asyncio.run(record_all([used.event(5, account_id=used.clusters[0].pk)]))  # an account that is not there
    used.clusters[0].delete()
    assert "Months of accounts checked: 3." in run()


@histories
@on_real_database
def test_random_histories_differ_nowhere(customer: Customer, uses, price_list, dice):
    history = happen(customer, uses, price_list, dice)
    verdict = verdict_of(customer)
    assert verdict.differences == []
    total = verdict.total
    due = history.usage_by(lambda event: None).get(None, (0, 0, Decimal(0)))
    assert (total.quantity, total.inputs, total.cost) == due
    assert total.events == len(history.billed)


QUERIES = {
    "by model": "usage_by_model",
    "by cluster": "usage_by_cluster",
    "by API key": "usage_by_api_key",
    "by hour": "usage_by_hour",
}


@pytest.mark.parametrize("level", QUERIES)
def test_a_query_that_is_wrong_by_one_is_caught(used: Customer, monkeypatch, level: str):
    query = getattr(verification, QUERIES[level])
    for amount, told in {"tokens": "quantity", "inputs": "inputs", "cost_millicents": "cost"}.items():

        def wrong(amount: str = amount, **about):
            first, *rest = query(**about)
            return [replace(first, **{amount: getattr(first, amount) + 1}), *rest]

        monkeypatch.setattr(verification, QUERIES[level], wrong)
        (difference,) = verdict_of(used).differences
        assert difference.startswith(f"{level}: ")
        assert f": {told}: the ledger says " in difference


@pytest.mark.parametrize("level", QUERIES)
def test_a_query_that_leaves_something_out_is_caught(used: Customer, monkeypatch, level: str):
    query = getattr(verification, QUERIES[level])
    monkeypatch.setattr(verification, QUERIES[level], lambda **about: query(**about)[1:])
    differences = verdict_of(used).differences
    assert differences
    assert all(one.startswith(f"{level}: ") and one.endswith("here it is 0") for one in differences)


def spoil_lines(monkeypatch, format: str, spoil: Callable) -> None:
    """Let the lines of one format be others."""
    right = EXPORT_FORMATS[format]
    wrong = replace(right, encode=lambda batches: right.encode(spoil(lines) for lines in batches))
    monkeypatch.setitem(exports.EXPORT_FORMATS, format, wrong)


def changed(change: Callable[[ReportLine], list[ReportLine]]) -> Callable:
    """What makes other lines of the largest one."""
    return lambda lines: [new for line in lines for new in (change(line) if line.tokens == LARGE else [line])]


SPOILED_LINES = {
    "a token more": changed(lambda line: [replace(line, tokens=line.tokens + 1)]),
    "an event less": changed(lambda line: [replace(line, events=line.events - 1)]),
    "another cost": changed(lambda line: [replace(line, cost_millicents=Decimal(1000), cost_usd=Decimal("0.01"))]),
    "another list cost": changed(lambda line: [replace(line, list_cost_millicents=Decimal(9999))]),
    "another unit price": changed(lambda line: [replace(line, unit_price_millicents=1)]),
    "the allowance": changed(lambda line: [replace(line, allowance=True)]),
    "a correction": changed(lambda line: [replace(line, correction=True)]),
    "the key of another": changed(lambda line: [replace(line, api_key_id=line.cluster_id)]),
    "another hour": changed(lambda line: [replace(line, hour_start=line.hour_start.replace(hour=3))]),
    "another kind": changed(lambda line: [replace(line, kind="search")]),
    "no price": changed(lambda line: [replace(line, price_effective_from=None, price_id=None)]),
    "a line left out": changed(lambda line: []),
    "a line twice": changed(lambda line: [line, line]),
}


@formats
def test_an_export_with_something_wrong_is_caught(used: Customer, monkeypatch, format: str):
    for what, spoil in SPOILED_LINES.items():
        with monkeypatch.context() as patch:
            spoil_lines(patch, format, spoil)
            differences = verdict_of(used).differences
        assert differences, what
        assert all(one.startswith(f"{format}: ") for one in differences), differences


@formats
def test_an_export_that_cannot_be_read_is_caught(used: Customer, monkeypatch, format: str):
    right = EXPORT_FORMATS[format]
    for spoil in (lambda data: data[: len(data) * 2 // 3], lambda data: b"\x00" * len(data)):
        broken = replace(right, encode=lambda batches, spoil=spoil: iter([spoil(b"".join(right.encode(batches)))]))
        monkeypatch.setitem(exports.EXPORT_FORMATS, format, broken)
        differences = verdict_of(used).differences
        assert differences
        assert all(one.startswith(f"{format}: ") for one in differences), differences
        monkeypatch.setitem(exports.EXPORT_FORMATS, format, right)


def test_the_command_tells_the_numbers_and_fails(used: Customer, monkeypatch):
    spoil_lines(monkeypatch, "jsonl", SPOILED_LINES["a token more"])
    said = run(month=MONTH)
    line = f"cluster {used.clusters[0].pk}, inference/{used.models[0].name}, key {used.keys[used.clusters[0].pk][0].pk}"
    assert f"  jsonl: 2026-11-15T12Z, {line}, update, at 2100 since 2026-11-01T00:00:00.000000Z: " in said
    assert "quantity: the ledger says 1234567, here it is 1234568" in said
    assert "error: Bills differ from the ledger. Months checked: 1, differences: 1." in said
