"""What is kept of a month's sums is always what the bill itself comes to, whatever happened in between."""

import random
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing import kept_tallies
from billing import month_tally as module
from billing.closing import close_finished_months
from billing.event_ids import correction_id
from billing.events import NewUsageEvent
from billing.hourly import HourlyUsage, hourly_usage
from billing.lines import bill_lines
from billing.models import Discount, KeptTally, UsageEvent
from billing.month_tally import keep_tallies, month_tally, statement_tally
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month
from billing.statements import close_month, draft_current_month, void_statement
from billing.tally import Tally
from tests.billing.usage import Customer, store

pytestmark = pytest.mark.django_db
NOVEMBER = Month(2026, 11)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the clock that decides which hours are over."""

    def set_clock(day: int, hour: int) -> None:
        monkeypatch.setattr(module.timezone, "now", lambda: datetime(2026, 11, day, hour, 30, tzinfo=UTC))

    return set_clock


def from_the_bill(customer: Customer, month: Month = NOVEMBER) -> Tally:
    return Tally(month).add_all(bill_lines(account=customer.account, month=month))


def agrees(customer: Customer, month: Month = NOVEMBER) -> Tally:
    tally = month_tally(customer.account, month)
    assert tally == from_the_bill(customer, month)
    assert month_tally(customer.account, month) == tally
    return tally


def forget() -> None:
    """As a process does that ends: what it kept in memory is gone."""
    kept_tallies._memory.clear()


def use(customer: Customer, tokens: int, day: int, hour: int, **which: int) -> None:
    store(customer.event(tokens, occurred_at=datetime(2026, 11, day, hour, 5, tzinfo=UTC), **which))


def take_back(event: NewUsageEvent) -> None:
    negated = {"id": correction_id(event.id), "tokens": -event.tokens, "inputs": -event.inputs, "corrects_id": event.id}
    UsageEvent.objects.bulk_create([UsageEvent(**asdict(event) | negated)])


@pytest.fixture
def priced(customer: Customer, settings) -> Customer:
    settings.BILLING_FREE_TEXT_TOKENS = 1_000
    for model in customer.models:
        customer.set_price(model, 1_000_000, NOVEMBER.start)
    return customer


def test_hours_that_are_over_are_kept_and_the_rest_comes_on_top(priced: Customer, at) -> None:
    at(15, 12)
    use(priced, 700, 10, 9)
    use(priced, 900, 15, 12, cluster=1)
    update_rollups()
    assert agrees(priced).covered[priced.models[0].pk] == 1_000
    use(priced, 50, 15, 12)  # not in the rollups yet
    agrees(priced)
    at(15, 14)
    use(priced, 60, 15, 14, model=1)
    update_rollups()
    tally = agrees(priced)
    assert tally.tokens.quantity == 1_710
    assert sum(tally.parts.values()) == 650  # a token is a millicent; 1,000 of one model and all of the other are free


@pytest.mark.parametrize("rolled_up", [True, False])
def test_late_events_of_a_kept_hour_change_who_got_the_allowance(priced: Customer, at, rolled_up: bool) -> None:
    at(15, 12)
    use(priced, 1_500, 10, 9)
    update_rollups()
    assert agrees(priced).clusters[priced.clusters[0].pk] == 500
    use(priced, 800, 9, 9, cluster=1)
    if rolled_up:
        update_rollups()
    assert agrees(priced).clusters == {priced.clusters[0].pk: 1_300, priced.clusters[1].pk: 0}


def test_prices_discounts_and_rebuilt_rollups_are_noticed(priced: Customer, at) -> None:
    at(15, 12)
    use(priced, 3_000, 10, 9)
    update_rollups()
    agrees(priced)
    priced.set_price(priced.models[0], 2_000_000, NOVEMBER.start + timedelta(days=1))
    assert sum(agrees(priced).parts.values()) == 4_000
    Discount.objects.create(
        account=priced.account,
        name="half",
        percentage=Decimal(50),
        valid_from=NOVEMBER.start,
        valid_until=NOVEMBER.end,
    )
    assert sum(agrees(priced).parts.values()) == 2_000
    Discount.objects.create(
        account=priced.account, name="gift", fixed_millicents=300, valid_from=NOVEMBER.start, valid_until=NOVEMBER.end
    )
    assert sum(agrees(priced).parts.values()) == 1_700
    at(16, 12)
    use(priced, 100, 16, 12)
    assert sum(agrees(priced).parts.values()) == 1_800
    rebuild_rollups()
    agrees(priced)


def test_closed_months_corrections_and_what_was_taken_back(customer: Customer) -> None:
    past = Month.of(timezone.now()).previous.previous
    customer.set_price(customer.models[0], 1_000_000, past.start)
    store(customer.event(500, occurred_at=past.start + timedelta(hours=5)))
    update_rollups()
    agrees(customer, past)
    statement = close_month(account=customer.account, month=past)
    assert statement
    assert sum(agrees(customer, past).parts.values()) == 500
    agrees(customer, past.following)
    store(customer.event(40, occurred_at=past.start + timedelta(hours=6)))
    assert sum(agrees(customer, past.following).parts.values()) == 40
    forget()
    assert sum(agrees(customer, past.following).parts.values()) == 40
    void_statement(statement=statement)
    assert sum(agrees(customer, past).parts.values()) == 0
    assert sum(agrees(customer, past.following).parts.values()) == 540


def test_whatever_happens_in_any_order(priced: Customer, at) -> None:
    dice = random.Random(11)
    events = []
    for step in range(60):
        at(10 + step // 6, dice.randrange(24))
        moment = datetime(2026, 11, dice.randint(1, 10 + step // 6), dice.randrange(24), 5, tzinfo=UTC)
        which = {name: dice.randrange(2) for name in ("cluster", "model", "key")}
        events.append(priced.event(dice.randint(1, 400), occurred_at=moment, **which))
        store(events[-1])
        if dice.random() < 0.2:
            take_back(events.pop(dice.randrange(len(events))))
        if dice.random() < 0.1:
            starts = NOVEMBER.start + timedelta(hours=dice.randrange(500))
            priced.set_price(priced.models[which["model"]], dice.randrange(2_000_000), starts)
        if dice.random() < 0.5:
            update_rollups()
        if dice.random() < 0.3:
            forget()
        if dice.random() < 0.1:
            KeptTally.objects.all().delete()
        agrees(priced)


def test_what_is_kept_is_not_rated_again(priced: Customer, at, monkeypatch: pytest.MonkeyPatch) -> None:
    at(15, 12)
    for hour in range(20):
        use(priced, 10, 10, hour)
    update_rollups()
    agrees(priced)
    rated = rated_from(monkeypatch)
    assert len(month_tally(priced.account, NOVEMBER).hours) == 20
    assert rated == []
    use(priced, 10, 15, 12)
    assert len(month_tally(priced.account, NOVEMBER).hours) == 21
    assert rated == [datetime(2026, 11, 15, 12, tzinfo=UTC)]


def test_a_process_that_begins_rates_the_last_hours_only(priced: Customer, at, monkeypatch: pytest.MonkeyPatch) -> None:
    at(15, 12)
    for day in range(1, 15):
        use(priced, 10, day, 7)
    update_rollups()
    draft_current_month(NOVEMBER)
    keep_tallies(now=datetime(2026, 11, 15, 12, 30, tzinfo=UTC))
    forget()
    rated = rated_from(monkeypatch)
    agrees(priced)
    assert rated == [datetime(2026, 11, 15, 12, tzinfo=UTC)]


def test_late_usage_of_a_day_leaves_the_days_before_it(priced: Customer, at, monkeypatch: pytest.MonkeyPatch) -> None:
    at(15, 12)
    for day in range(1, 15):
        use(priced, 10, day, 7)
    update_rollups()
    agrees(priced)
    use(priced, 10, 13, 9)
    update_rollups()
    rated = rated_from(monkeypatch)
    agrees(priced)
    assert rated[0] == datetime(2026, 11, 13, tzinfo=UTC)


def test_a_closed_month_is_added_up_once(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    past = Month.of(timezone.now()).previous
    customer.set_price(customer.models[0], 1_000_000, past.start)
    store(customer.event(500, occurred_at=past.start + timedelta(hours=5)))
    (statement,) = close_finished_months(now=past.following.start + timedelta(hours=2))
    forget()
    monkeypatch.setattr(module, "kept_lines", lambda **asked: 1 / 0)
    assert statement_tally(statement, customer.account).total.cost == 500
    assert month_tally(customer.account, past).total.cost == 500
    assert KeptTally.objects.count() == 1


def rated_from(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """From where usage is read to be rated, from now on."""
    starts: list[datetime] = []

    def reading(*, start: datetime, **asked: Any) -> Iterator[HourlyUsage]:
        starts.append(start)
        return hourly_usage(start=start, **asked)

    monkeypatch.setattr(module, "hourly_usage", reading)
    return starts
