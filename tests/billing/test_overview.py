"""A month at a glance: parts and days sum to the bill, the allowance to what the lines say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import UsageEvent
from billing.month_tally import rated_month
from billing.overview import Overview
from billing.rules import Month
from tests.billing.usage import NOON, Customer, store

pytestmark = pytest.mark.django_db
NOVEMBER = Month.of(NOON)


def overview_of(customer: Customer, now: datetime = NOON + timedelta(hours=12)) -> Overview:
    return Overview(rated_month(customer.account, NOVEMBER), now=now)


@pytest.fixture
def used(customer: Customer, settings) -> Customer:
    settings.BILLING_FREE_TEXT_TOKENS = 1_000
    for model in customer.models:
        customer.set_price(model, 1_000_000, NOVEMBER.start)  # a token is a millicent
    store(
        customer.event(1_500),
        customer.event(500, cluster=1),
        customer.event(400, model=1),
        customer.event(250, occurred_at=NOON - timedelta(days=10)),
    )
    UsageEvent.objects.create(
        account=customer.account,
        cluster=customer.clusters[0],
        package=customer.clusters[0].package,
        kind="compute",
        hours=2,
        occurred_at=NOON,
    )
    return customer


def test_parts_and_days_sum_to_the_bill(used: Customer):
    overview = overview_of(used)
    hours = Decimal(2 * used.clusters[0].package.price_per_hour)
    assert dict(overview.parts) == {"Inference": 1_250, "Cluster hours": hours, "Additional disk": 0}
    assert overview.total == 1_250 + hours == sum(day.cost for day in overview.days)
    costs = {day.at.day: day.cost for day in overview.days if day.cost}
    assert costs == {15: 1_250 + hours}  # the tenth day before was free
    assert [day.at for day in overview.days] == [NOVEMBER.start + timedelta(days=number) for number in range(30)]


def test_what_is_left_of_the_allowance_is_by_model(used: Customer):
    first, second = sorted(overview_of(used).allowances, key=lambda one: one.left)
    assert (first.model, first.free, first.used, first.left) == (used.models[0].name, 1_000, 1_000, 0)
    assert (second.model, second.used, second.left) == (used.models[1].name, 400, 600)


def test_only_a_month_that_runs_has_a_forecast(used: Customer):
    assert overview_of(used).forecast > overview_of(used).total
    assert overview_of(used, datetime(2026, 12, 1, tzinfo=UTC)).forecast is None


def test_an_empty_month_is_empty(customer: Customer):
    overview = overview_of(customer)
    assert (overview.total, overview.forecast, overview.allowances) == (0, 0, [])
    assert not any(day.cost for day in overview.days)
