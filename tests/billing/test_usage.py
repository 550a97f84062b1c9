"""Queries, exports and the ledger say the same, whatever happened: random histories on the real database."""

import asyncio
import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.events import NewUsageEvent
from billing.exports import EXPORT_FORMATS, stream_export
from billing.models import UsageEvent
from billing.queries import daily_tokens, usage_by_api_key, usage_by_cluster, usage_by_hour, usage_by_model
from billing.rating import PricingUnit, list_cost
from billing.rollups import update_rollups
from billing.rules import Month, PriceVersion, price_at
from inference.models import ModelPrice
from tests.billing.usage import NOON, Customer, open_ledger, record_all

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = Month(2026, 11)
on_real_database = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

CHANGES = [MONTH.start, datetime(2026, 11, 15, 12, 30, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)]
INSTANT = timedelta(microseconds=1)
moments = st.one_of(
    st.sampled_from(
        sorted({edge + shift for edge in (*CHANGES, MONTH.end) for shift in (-INSTANT, 0 * INSTANT, INSTANT)})
    ),
    st.datetimes(MONTH.start.replace(tzinfo=None), MONTH.end.replace(tzinfo=None), timezones=st.just(UTC)),
)
uses = st.fixed_dictionaries(
    {
        "tokens": st.integers(0, 10**12),
        "inputs": st.integers(0, 10_000),
        "kind": st.sampled_from(["update", "search"]),
        "occurred_at": moments,
        "cluster": st.integers(0, 1),
        "key": st.integers(0, 1),
        "model": st.integers(0, 1),
    }
)
price_lists = st.lists(st.dictionaries(st.sampled_from(CHANGES), st.integers(0, 2**31 - 1)), min_size=2, max_size=2)


@dataclass
class History:
    """What happened, and what it must have cost."""

    events: list[NewUsageEvent]
    voided: list[NewUsageEvent]
    prices: dict[object, list[PriceVersion]]

    @property
    def billed(self) -> list[NewUsageEvent]:
        taken_back = {event.id for event in self.voided}
        return [event for event in self.events if event.id not in taken_back and Month.of(event.occurred_at) == MONTH]

    def cost(self, event: NewUsageEvent) -> Decimal:
        price = price_at(self.prices[event.model_id], event.occurred_at)
        return list_cost(event.tokens, price.millicents, PricingUnit.TOKENS) if price else Decimal(0)

    def usage_by(self, key) -> dict[object, tuple[int, int, Decimal]]:
        """Tokens, inputs and cost by whatever ``key`` tells of an event."""
        sums: dict = defaultdict(lambda: (0, 0, Decimal(0)))
        for event in self.billed:
            tokens, inputs, cost = sums[key(event)]
            sums[key(event)] = (tokens + event.tokens, inputs + event.inputs, cost + self.cost(event))
        return dict(sums)


def empty_the_ledger() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE billing_usageevent, billing_usagerollup, billing_rollupprogress")


def happen(customer: Customer, uses: list[dict], price_list: list[dict], dice: random.Random) -> History:
    """Empty the ledger, set the prices, and let it all happen."""
    empty_the_ledger()
    ModelPrice.objects.filter(model__in=customer.models).delete()
    prices = {}
    for model, changes in zip(customer.models, price_list, strict=True):
        prices[model.pk] = [PriceVersion(start, price) for start, price in changes.items()]
        for start, price in changes.items():
            customer.set_price(model, price, start)
    events = [customer.event(**use) for use in uses]
    voided = [event for event in events if dice.random() < 0.3]
    split = dice.randint(0, len(events))
    asyncio.run(record_all(events[:split]))
    if dice.random() < 0.7:
        update_rollups()  # some are in the rollups, and some are not yet
    asyncio.run(record_all(events[split:], voided))
    return History(events, voided, prices)


def exported(customer: Customer, format: str) -> bytes:
    return b"".join(stream_export(account=customer.account, month=MONTH, format=format))


def parsed(customer: Customer) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The lines of both formats, with every value as text."""
    lines_of_csv = list(csv.DictReader(io.StringIO(exported(customer, "csv").decode(), newline="")))
    objects = [json.loads(line) for line in exported(customer, "jsonl").splitlines()]
    return lines_of_csv, [{key: "" if value is None else str(value) for key, value in o.items()} for o in objects]


def summed(lines: Iterable[dict[str, str]], column: str) -> dict[object, tuple[int, int, Decimal]]:
    sums: dict = defaultdict(lambda: (0, 0, Decimal(0)))
    for line in lines:
        tokens, inputs, cost = sums[line[column]]
        amounts = int(line["tokens"]), int(line["inputs"]), Decimal(line["cost_millicents"])
        sums[line[column]] = (tokens + amounts[0], inputs + amounts[1], cost + amounts[2])
    return dict(sums)


def amounts(usage) -> tuple[int, int, Decimal]:
    return usage.tokens, usage.inputs, usage.cost_millicents


def hour_of(event: NewUsageEvent) -> datetime:
    return event.occurred_at.replace(minute=0, second=0, microsecond=0)


histories = given(uses=st.lists(uses, max_size=25), price_list=price_lists, dice=st.randoms(use_true_random=False))


@histories
@on_real_database
def test_queries_exports_and_ledger_sum_to_the_same(customer: Customer, uses, price_list, dice):
    history = happen(customer, uses, price_list, dice)
    mine = {"month": MONTH, "account": customer.account}

    by_model = history.usage_by(lambda event: event.model_id)
    assert {usage.model_id: amounts(usage) for usage in usage_by_model(**mine)} == by_model
    by_cluster = history.usage_by(lambda event: event.cluster_id)
    assert {usage.cluster_id: amounts(usage) for usage in usage_by_cluster(**mine)} == by_cluster
    by_key = history.usage_by(lambda event: event.api_key_id)
    assert {usage.api_key_id: amounts(usage) for usage in usage_by_api_key(**mine)} == by_key
    by_hour = history.usage_by(hour_of)
    assert {usage.hour: amounts(usage) for usage in usage_by_hour(**mine)} == by_hour

    names = {model.pk: model.name for model in customer.models}
    for lines in parsed(customer):
        assert summed(lines, "model") == {names[model]: sums for model, sums in by_model.items()}
        assert summed(lines, "cluster_id") == {str(cluster): sums for cluster, sums in by_cluster.items()}
        assert summed(lines, "api_key_id") == {str(key): sums for key, sums in by_key.items()}
        assert summed(lines, "hour_start") == {f"{hour:%Y-%m-%dT%H}:00:00Z": sums for hour, sums in by_hour.items()}
        assert sum(int(line["events"]) for line in lines) == len(history.billed)
        assert all(Decimal(line["cost_usd"]) * 100_000 == Decimal(line["cost_millicents"]) for line in lines)

    in_ledger = UsageEvent.objects.filter(occurred_at__gte=MONTH.start, occurred_at__lt=MONTH.end)
    assert sum(row.tokens for row in in_ledger) == sum(event.tokens for event in history.billed)


@histories
@on_real_database
def test_every_line_costs_its_tokens_times_the_price_of_its_time(customer: Customer, uses, price_list, dice):
    history = happen(customer, uses, price_list, dice)
    model_of = {model.name: model.pk for model in customer.models}
    for line in parsed(customer)[1]:
        price = int(line["unit_price_millicents"])
        assert Decimal(line["cost_millicents"]) == list_cost(int(line["tokens"]), price, PricingUnit.TOKENS)
        began = line["price_effective_from"] and datetime.fromisoformat(line["price_effective_from"])
        versions = history.prices[model_of[line["model"]]]
        assert (PriceVersion(began, price) in versions) if began else price == 0


@histories
@on_real_database
def test_one_cluster_has_its_own_numbers_only(customer: Customer, uses, price_list, dice):
    history = happen(customer, uses, price_list, dice)
    for cluster in customer.clusters:
        of_cluster = History([e for e in history.events if e.cluster_id == cluster.pk], history.voided, history.prices)
        by_model = of_cluster.usage_by(lambda event: event.model_id)
        assert {u.model_id: amounts(u) for u in usage_by_model(month=MONTH, cluster=cluster)} == by_model
        by_day = of_cluster.usage_by(lambda event: (event.model_id, event.occurred_at.date()))
        days = daily_tokens(cluster=cluster, since=MONTH.start, until=MONTH.end)
        assert {(model, day): tokens for model, per_day in days.items() for day, tokens in per_day.items()} == {
            model_and_day: tokens for model_and_day, (tokens, _, _) in by_day.items() if tokens
        }


@histories
@on_real_database
def test_order_repetition_and_what_was_taken_back_leave_the_bytes_alone(customer: Customer, uses, price_list, dice):
    history = happen(customer, uses, price_list, dice)
    before = {format: exported(customer, format) for format in EXPORT_FORMATS}

    async def happen_again():
        again = history.events * 2
        dice.shuffle(again)
        mistakes = [customer.event(tokens=5, occurred_at=event.occurred_at) for event in history.events]
        async with open_ledger() as ledger:
            await ledger.void(history.voided[::-1])
            await asyncio.gather(*(ledger.record([event]) for event in again))
            await ledger.record(mistakes)
            await ledger.void(mistakes)

    empty_the_ledger()
    asyncio.run(happen_again())
    assert {format: exported(customer, format) for format in before} == before


def test_a_price_change_counts_from_its_moment_on(customer: Customer):
    model = customer.models[0]
    customer.set_price(model, 1_000, MONTH.start)
    customer.set_price(model, 5_000, NOON)
    before = customer.event(2_000_000, occurred_at=NOON - INSTANT)
    after = customer.event(1_000_000, occurred_at=NOON)
    asyncio.run(record_all([before, after]))
    (usage,) = usage_by_model(month=MONTH, account=customer.account)
    assert usage.cost_millicents == 2_000 + 5_000
    lines = parsed(customer)[0]
    assert [(line["hour_start"], line["cost_millicents"]) for line in lines] == [
        ("2026-11-15T11:00:00Z", "2000.0000000000"),
        ("2026-11-15T12:00:00Z", "5000.0000000000"),
    ]


def test_a_price_that_changes_within_an_hour_makes_two_lines(customer: Customer):
    model = customer.models[0]
    customer.set_price(model, 1_000, MONTH.start)
    customer.set_price(model, 5_000, NOON + timedelta(minutes=30))
    events = [customer.event(1_000_000, occurred_at=NOON + timedelta(minutes=minute)) for minute in (0, 29, 30, 59)]
    asyncio.run(record_all(events))
    columns = ("price_effective_from", "tokens", "cost_usd")
    assert [tuple(line[column] for column in columns) for line in parsed(customer)[0]] == [
        ("2026-11-01T00:00:00Z", "2000000", "0.020000000000000"),
        ("2026-11-15T12:30:00Z", "2000000", "0.100000000000000"),
    ]


def test_usage_from_before_the_first_price_is_free_and_shown(customer: Customer):
    customer.set_price(customer.models[0], 1_000, NOON)
    asyncio.run(record_all([customer.event(5, occurred_at=NOON - INSTANT)]))
    (usage,) = usage_by_model(month=MONTH, account=customer.account)
    assert amounts(usage) == (5, 1, 0)
    assert parsed(customer)[0][0]["price_effective_from"] == ""


def test_an_account_sees_nothing_of_another(customer: Customer, make_cluster):
    other = Customer(make_cluster)
    asyncio.run(record_all([other.event(5)]))
    assert usage_by_model(month=MONTH, account=customer.account) == []
    assert usage_by_cluster(month=MONTH, account=customer.account) == []
    assert exported(customer, "jsonl") == b""
    assert [usage.model_id for usage in usage_by_model(month=MONTH, account=other.account)] == [other.models[0].pk]


def test_usage_of_a_deleted_cluster_stays_on_the_bill_under_its_id(customer: Customer):
    event = customer.event(5)
    asyncio.run(record_all([event]))
    customer.clusters[0].delete()
    (usage,) = usage_by_cluster(month=MONTH, account=customer.account)
    assert (usage.cluster, usage.tokens) == (str(event.cluster_id), 5)
    assert [usage.api_key for usage in usage_by_api_key(month=MONTH, account=customer.account)] == [
        str(event.api_key_id)
    ]
    (line,) = parsed(customer)[0]
    assert (line["cluster_name"], line["provider"], line["tokens"]) == (str(event.cluster_id), "", "5")


@pytest.mark.parametrize("events", [1, 40])
def test_queries_do_not_grow_with_the_usage(customer: Customer, events: int, django_assert_num_queries):
    asyncio.run(record_all([customer.event(model=n % 2, cluster=n % 2) for n in range(events)]))
    with django_assert_num_queries(4 * 3 + 2):
        usage_by_model(month=MONTH, account=customer.account)
        usage_by_cluster(month=MONTH, account=customer.account)
        usage_by_api_key(month=MONTH, account=customer.account)
        usage_by_hour(month=MONTH, account=customer.account)
        daily_tokens(cluster=customer.clusters[0], since=MONTH.start, until=MONTH.end)
