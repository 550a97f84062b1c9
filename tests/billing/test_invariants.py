"""The eight invariants of billing, over random histories on the real database.

A history is events, repeated and in any order, late ones, ones taken back, price changes, cluster hours, rollups,
closings by two workers at once, payments and voids. ``BILLING_HISTORIES`` says how many.
"""

import os
import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.cluster_hours import meter_cluster_hours
from billing.events import NewUsageEvent
from billing.exports import EXPORT_FORMATS, stream_export
from billing.lines import bill_lines, progress_of
from billing.models import Discount, Statement, UsageEvent
from billing.prices import FIRST_PRICE_FROM
from billing.rating import exact_sum
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month, PriceVersion, price_at, rounded
from billing.statements import close_month, pay_statement, void_statement
from billing.verification import verify_month
from clusters.models import ComputePeriod
from inference.models import ModelPrice
from tests.billing.ledger_rows import record, replay, take_back, wipe
from tests.billing.usage import Customer, store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(500)]

HISTORIES = int(os.environ.get("BILLING_HISTORIES", "3"))
STEPS = 20
ROWS_AT_A_TIME = 25
MONTHS = [Month(2025, 2), Month(2025, 3), Month(2025, 4)]
ALLOWANCE = 100
HOUR = timedelta(hours=1)
CHANGES = [month.start + timedelta(days=days, minutes=30) for month in MONTHS for days in (3, 14)]
INSTANT = timedelta(microseconds=1)
EDGES = sorted(
    {edge + shift for edge in (*CHANGES, *(m.end for m in MONTHS[:-1])) for shift in (-INSTANT, 0 * INSTANT)}
)
LAST = MONTHS[-1].end.replace(tzinfo=None) - INSTANT
moments = st.one_of(
    st.sampled_from(EDGES), st.datetimes(MONTHS[0].start.replace(tzinfo=None), LAST, timezones=st.just(UTC))
)
few_hours = st.sampled_from([MONTHS[0].start + n * HOUR for n in (0, 5, 700, 1000, 1500)])
uses = st.fixed_dictionaries(
    {
        "tokens": st.integers(0, 60),
        "kind": st.sampled_from(["update", "search"]),
        "occurred_at": moments | few_hours,
        "cluster": st.integers(0, 1),
        "key": st.integers(0, 1),
        "model": st.integers(0, 1),
    }
)


def in_a_thread(work, *arguments):
    try:
        return work(*arguments)
    finally:
        connection.close()


class Histories(RuleBasedStateMachine):
    customer: Customer

    def __init__(self) -> None:
        super().__init__()
        wipe()
        self.account = self.customer.account
        self.events: list[NewUsageEvent] = []
        self.voided: set[object] = set()
        self.closed: dict[Month, tuple[str, dict[str, bytes]]] = {}
        self.prices: dict[object, list[PriceVersion]] = defaultdict(list)
        ModelPrice.objects.filter(model__in=self.customer.models).delete()

    @initialize(prices=st.lists(st.integers(0, 5_000_000), min_size=2, max_size=2), percentage=st.integers(0, 3),
                fixed=st.booleans())  # fmt: skip
    def begin(self, prices, percentage, fixed):
        for model, price in zip(self.customer.models, prices, strict=True):
            self.change_price(model, price, FIRST_PRICE_FROM)
        valid = {"account": self.account, "name": "d", "valid_from": CHANGES[1], "valid_until": CHANGES[4]}
        if percentage:
            Discount.objects.create(percentage=Decimal(percentage) * Decimal("11.11"), **valid)
        if fixed:
            Discount.objects.create(fixed_millicents=123, **valid)

    def change_price(self, model, price, moment):
        self.customer.set_price(model, price, moment)
        self.prices[model.pk].append(PriceVersion(moment, price))

    @rule(uses=st.lists(uses, min_size=1, max_size=8))
    def use(self, uses):
        events = [self.customer.event(**use) for use in uses]
        self.events += events
        store(*events)

    @precondition(lambda self: self.events)
    @rule(dice=st.randoms(use_true_random=False))
    def repeat(self, dice):
        record(dice.choices(self.events, k=5))

    @precondition(lambda self: self.events)
    @rule(dice=st.randoms(use_true_random=False))
    def take_back(self, dice):
        event = dice.choice(self.events)
        take_back([event])
        self.voided.add(event.id)

    @rule(model=st.integers(0, 1), price=st.integers(0, 5_000_000), moment=st.sampled_from(CHANGES))
    def announce_price(self, model, price, moment):
        of = self.customer.models[model]
        known = {version.effective_from for version in self.prices[of.pk]}
        if moment not in known and not any(month.end > moment for month in self.closed):
            self.change_price(of, price, moment)

    @rule(cluster=st.integers(0, 1), hours=st.integers(0, 30), nodes=st.integers(1, 3), disk=st.integers(0, 5))
    def run_cluster(self, cluster, hours, nodes, disk):
        of = self.customer.clusters[cluster]
        latest = ComputePeriod.objects.filter(cluster=of).order_by("-ended_at").first()
        start = latest.ended_at + 20 * HOUR if latest else MONTHS[0].start + timedelta(minutes=cluster * 17)
        if start + hours * HOUR < MONTHS[-1].end:
            ComputePeriod.objects.create(
                cluster=of, package=of.package, nodes=nodes, additional_disk_gib=disk, started_at=start,
                ended_at=start + hours * HOUR,
            )  # fmt: skip

    @rule(again=st.booleans())
    def meter(self, again):
        for _ in range(1 + again):
            meter_cluster_hours(now=MONTHS[-1].end + HOUR)

    @rule(rebuild=st.booleans())
    def roll_up(self, rebuild):
        rebuild_rollups() if rebuild else update_rollups()

    @precondition(lambda self: len(self.closed) < len(MONTHS) - 1)
    @rule(workers=st.integers(1, 2))
    def close(self, workers):
        month = MONTHS[len(self.closed)]
        with ThreadPoolExecutor(workers) as threads:
            work = [threads.submit(in_a_thread, self.close_month, month) for _ in range(workers)]
            made = {one.result() for one in work}
        assert len(made) == 1
        self.closed[month] = (made.pop(), self.exports(month))

    def close_month(self, month: Month) -> str:
        statement = close_month(account=self.account, month=month)
        return statement.sha256 if statement else ""

    @precondition(lambda self: self.closed)
    @rule(pay=st.booleans(), dice=st.randoms(use_true_random=False))
    def settle(self, pay, dice):
        month = dice.choice(list(self.closed))
        statement = Statement.objects.filter(account=self.account, month=month.first_day, state="open").first()
        if statement is None:
            return
        if pay:
            pay_statement(statement=statement)
        else:
            void_statement(statement=statement)
            self.closed[month] = (statement.sha256, self.exports(month))

    def exports(self, month: Month) -> dict[str, bytes]:
        return {
            format: b"".join(stream_export(account=self.account, month=month, format=format))
            for format in ("jsonl", "focus-parquet")
        }

    @precondition(lambda self: self.closed)
    @rule()
    def closed_months_stay_as_they_are(self):
        """4. The bytes, and the digest kept with the statement; numbers without gaps."""
        numbers = Statement.objects.filter(account=self.account).exclude(number=None).order_by("number")
        assert [one.number for one in numbers] == list(range(1, len(numbers) + 1))
        for month, (digest, exported) in self.closed.items():
            assert self.close_month(month) == digest
            assert self.exports(month) == exported

    def teardown(self):
        self.closed_months_stay_as_they_are()
        progress = progress_of(self.account)
        bills = {month: list(bill_lines(account=self.account, month=month)) for month in MONTHS}
        lines = [line for of_month in bills.values() for line in of_month]
        if progress.closed_through is None or Month.of_day(progress.closed_through) < MONTHS[-1]:
            self.compare_with_the_events(lines)
            self.compare_with_the_statements(bills)
            self.compare_with_a_history_without_lateness(lines)

    def compare_with_the_events(self, lines):
        """1, 6 and 7, by plain sums over the events that happened."""
        due, priced = defaultdict(int), defaultdict(int)
        for event in self.events:
            if event.id not in self.voided:
                price = price_at(self.prices[event.model_id], event.occurred_at)
                due[event.cluster_id, event.model_id, event.api_key_id, price.effective_from] += event.tokens
                priced[Month.of(event.occurred_at), event.model_id] += event.tokens if price.millicents else 0
        billed, free = defaultdict(int), defaultdict(int)
        for line in lines:
            if line.model_id is not None:
                billed[line.cluster_id, line.model_id, line.api_key_id, line.price_effective_from] += line.tokens
                assert line.unit_price == price_at(self.prices[line.model_id], line.price_effective_from).millicents
                free[Month.of(line.hour_start), line.model_id] += line.tokens if line.allowance else 0
        assert {key: n for key, n in billed.items() if n} == {key: n for key, n in due.items() if n}
        for key, tokens in priced.items():
            assert free[key] == min(ALLOWANCE, tokens), key
        node_hours = sum(UsageEvent.objects.exclude(package=None).values_list("hours", flat=True))
        assert sum(line.hours for line in lines) == node_hours
        for month in MONTHS:
            assert verify_month(account=self.account, month=month).differences == []

    def compare_with_the_statements(self, bills):
        """2. A statement's total is the one rounding of the exact sum of the lines of its export."""
        for statement in Statement.objects.filter(account=self.account, state__in=["open", "paid"]):
            cost = exact_sum(line.cost_millicents for line in bills[Month.of_day(statement.month)])
            assert (statement.exact_total, statement.total) == (cost, rounded(cost))

    def compare_with_a_history_without_lateness(self, lines):
        """3, 5 and 8. The ledger's events again, in other orders and more than once, into an empty database."""
        if any(one.state == "void" for one in Statement.objects.all()) and len(self.closed) == len(MONTHS):
            return
        cost = exact_sum(line.cost_millicents for line in lines)
        ledger = list(UsageEvent.objects.all())
        discounts = list(Discount.objects.all())
        exported = []
        for seed in range(2):
            wipe()
            Discount.objects.bulk_create(discounts)
            shuffled = random.Random(seed).sample(ledger * 2, len(ledger) * 2)
            for start in range(0, len(ledger), ROWS_AT_A_TIME):
                replay(shuffled[start : start + ROWS_AT_A_TIME])
            update_rollups()
            replay(shuffled)
            exported.append({month: self.all_exports(month) for month in MONTHS})
        assert exported[0] == exported[1]
        again = (line for month in MONTHS for line in bill_lines(account=self.account, month=month))
        assert exact_sum(line.cost_millicents for line in again) == cost

    def all_exports(self, month: Month) -> dict[str, bytes]:
        return {
            format: b"".join(stream_export(account=self.account, month=month, format=format))
            for format in EXPORT_FORMATS
        }


def test_histories(customer: Customer, settings):
    settings.BILLING_FREE_TEXT_TOKENS = ALLOWANCE
    for cluster in customer.clusters:
        cluster.created_at = datetime(2025, 1, 1, tzinfo=UTC)
        cluster.save()

    class OfThisCustomer(Histories):
        pass

    OfThisCustomer.customer = customer
    run_state_machine_as_test(OfThisCustomer, settings=bounded)


bounded = settings(
    max_examples=HISTORIES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what fails is told as it is: looking for less takes long
)
