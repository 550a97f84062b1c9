"""What is kept of a month's sums is always what the bill itself comes to, whatever happened in between."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import month_tally as module
from billing.lines import bill_lines
from billing.models import Discount
from billing.month_tally import month_tally
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month
from billing.statements import close_month, void_statement
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
    tally = Tally(month)
    for line in bill_lines(account=customer.account, month=month):
        tally.add(line)
    return tally


def agrees(customer: Customer, month: Month = NOVEMBER) -> Tally:
    tally = month_tally(customer.account, month)
    assert tally == from_the_bill(customer, month)
    assert month_tally(customer.account, month) == tally
    return tally


def use(customer: Customer, tokens: int, day: int, hour: int, **which: int) -> None:
    store(customer.event(tokens, occurred_at=datetime(2026, 11, day, hour, 5, tzinfo=UTC), **which))


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
    assert sum(one.tokens for one in tally.tokens.values()) == 1_710
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
    void_statement(statement=statement)
    assert sum(agrees(customer, past).parts.values()) == 0
    assert sum(agrees(customer, past.following).parts.values()) == 540


def test_whatever_happens_in_any_order(priced: Customer, at) -> None:
    dice = random.Random(11)
    for step in range(60):
        at(10 + step // 6, dice.randrange(24))
        moment = (dice.randint(1, 10 + step // 6), dice.randrange(24))
        use(
            priced,
            dice.randint(1, 400),
            *moment,
            cluster=dice.randrange(2),
            model=dice.randrange(2),
            key=dice.randrange(2),
        )
        if dice.random() < 0.5:
            update_rollups()
        agrees(priced)


def test_what_is_kept_is_not_rated_again(priced: Customer, at, monkeypatch: pytest.MonkeyPatch) -> None:
    at(15, 12)
    for hour in range(20):
        use(priced, 10, 10, hour)
    update_rollups()
    agrees(priced)
    rated = []
    monkeypatch.setattr(module, "line_of", lambda *args, **kw: rated.append(args))
    assert len(month_tally(priced.account, NOVEMBER).hours) == 20
    assert rated == []
