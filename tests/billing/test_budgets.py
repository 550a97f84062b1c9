"""Budgets: each threshold fires once a month, forecasts follow the last days, hard caps come and go."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.budgets import services
from billing.budgets.models import Budget, BudgetAlert, BudgetWatch, Notification
from billing.budgets.queries import inference_refusal
from billing.budgets.rules import THRESHOLDS, Spending, forecast, reached, window_start
from billing.budgets.services import (
    BudgetWish,
    check_budgets,
    check_budgets_of,
    create_budget,
    delete_budget,
    update_budget,
)
from billing.rules import Month
from cloudconsole.accounts.models import AuditEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from tests.billing.usage import NOON, Customer, store
from tests.together import at_once

NOVEMBER = Month.of(NOON)
NOW = NOON + timedelta(hours=1)
SOMEBODY = Actor("user", "1", "owner@acme.example")
PRICE = 1_000_000  # millicents per 1,000,000 tokens: a token is a millicent

pytestmark = pytest.mark.django_db


@pytest.fixture
def priced(customer: Customer) -> Customer:
    for model in customer.models:
        customer.set_price(model, PRICE, NOVEMBER.start)
    return customer


def budget(customer: Customer, amount: int = 1_000, name: str = "all", **wish) -> Budget:
    return create_budget(
        account=customer.account,
        wish=BudgetWish(name=name, amount_millicents=amount, **wish),
        requested_by=SOMEBODY,
    )


def look(customer: Customer, now: datetime = NOW) -> None:
    check_budgets_of(account=customer.account, now=now)


def alerts(measure: str = "actual") -> list[int]:
    return list(BudgetAlert.objects.filter(measure=measure).order_by("threshold").values_list("threshold", flat=True))


class TestForecast:
    def test_the_rest_of_the_month_goes_like_the_last_seven_days(self):
        now = datetime(2026, 11, 16, tzinfo=UTC)  # 15 of 30 days are left
        assert forecast(Spending(month=Decimal(1000), window=Decimal(70)), NOVEMBER, now) == 1000 + 15 * 10

    def test_early_in_the_month_the_window_is_the_month(self):
        now = datetime(2026, 11, 4, tzinfo=UTC)
        assert window_start(NOVEMBER, now) == NOVEMBER.start
        assert forecast(Spending(month=Decimal(30), window=Decimal(30)), NOVEMBER, now) == 30 + 27 * 10

    def test_one_busy_hour_on_the_first_day_counts_as_a_day(self):
        now = datetime(2026, 11, 1, 1, tzinfo=UTC)
        spent = Spending(month=Decimal(24), window=Decimal(24))
        assert forecast(spent, NOVEMBER, now) == 24 + 24 * 29 + 23

    def test_at_the_end_it_is_what_was_used(self):
        spent = Spending(month=Decimal(5), window=Decimal(5))
        assert forecast(spent, NOVEMBER, NOVEMBER.end) == 5
        assert forecast(spent, NOVEMBER, NOVEMBER.end + timedelta(days=3)) == 5

    @given(st.integers(0, 10**12), st.integers(0, 10**12), st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30)))
    def test_it_is_never_less_than_what_was_used_and_whole(self, before: int, window: int, moment: datetime):
        spent = Spending(month=Decimal(before + window), window=Decimal(window))
        result = forecast(spent, NOVEMBER, moment.replace(tzinfo=UTC))
        assert result >= spent.month
        assert result == int(result)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_thresholds_are_reached_exactly(amount: int, total: int):
    assert reached(Decimal(amount), total) == [
        percent for percent in THRESHOLDS if amount >= Decimal(total) * percent / 100
    ]


def test_each_threshold_fires_once(priced: Customer):
    budget(priced, emails=["finance@acme.example"])
    store(priced.event(499))
    look(priced)
    assert alerts() == []
    store(priced.event(1))
    look(priced)
    assert alerts() == [50]
    store(priced.event(450))
    for _ in range(3):
        look(priced)
    assert alerts() == [50, 80, 90]
    store(priced.event(10_000))
    look(priced)
    assert alerts() == [50, 80, 90, 100]
    assert alerts("forecast") == [50, 80, 90, 100]
    assert Notification.objects.count() == 8


def test_a_new_month_begins_anew(priced: Customer):
    budget(priced, 10, hard_cap=True)
    december = NOVEMBER.following
    store(priced.event(20), priced.event(20, occurred_at=december.start + timedelta(hours=2)))
    look(priced)
    assert Budget.objects.get().capped_month == NOVEMBER.start.date()
    look(priced, december.start + timedelta(hours=1))
    assert Budget.objects.get().capped_month == december.start.date()
    assert BudgetAlert.objects.filter(measure="actual").count() == 8


def test_what_was_reached_stays_reached_when_usage_is_taken_back_or_the_budget_is_raised(priced: Customer):
    budget_ = budget(priced, 100)
    store(priced.event(60))
    look(priced)
    update_budget(budget=budget_, wish=BudgetWish(name="all", amount_millicents=120), requested_by=SOMEBODY)
    look(priced)
    assert alerts() == [50]
    assert BudgetAlert.objects.get(measure="actual").budget_millicents == 100


def test_parts_of_the_usage_count_against_their_budgets(priced: Customer):
    one = priced.clusters[0]
    key = priced.keys[one.pk][0]
    budget(priced, name="all")
    budget(priced, name="cluster", cluster_id=one.pk)
    budget(priced, name="key", api_key_id=key.pk)
    store(priced.event(1), priced.event(2, key=1), priced.event(4, cluster=1, model=1))
    store(priced.event(8, occurred_at=NOON - timedelta(days=30)))  # of the month before
    store(priced.event(16, occurred_at=NOON - timedelta(days=10)))
    look(priced)
    spent = {one.name: one.actual for one in Budget.objects.all()}
    assert spent == {"all": 23, "cluster": 19, "key": 17}
    # 17 were used long ago; of the rest, 15 days and 11 hours like the last seven days.
    days_left = Decimal(15 * 24 + 11) / 24
    assert Budget.objects.get(name="all").forecast == round(23 + 7 * days_left / 7)


def test_a_hard_cap_refuses_inference_of_what_it_covers(priced: Customer):
    one = priced.clusters[0]
    budget(priced, 100, hard_cap=True, cluster_id=one.pk)
    budget(priced, 10, name="soft")
    store(priced.event(100))

    def refusal(cluster: int = 0, key: int = 0, now: datetime = NOW) -> str | None:
        of = priced.clusters[cluster]
        id = priced.keys[of.pk][key].pk
        return inference_refusal(account_id=priced.account.pk, cluster_id=of.pk, api_key_id=id, now=now)

    assert refusal() is None
    look(priced)
    assert "budget all is used up for 2026-11" in refusal()
    assert refusal(key=1) is not None
    assert refusal(cluster=1) is None
    assert refusal(now=NOVEMBER.end) is None  # a new month
    update_budget(
        budget=Budget.objects.get(name="all"),
        wish=BudgetWish(name="all", amount_millicents=100, cluster_id=one.pk),
        requested_by=SOMEBODY,
    )
    assert refusal() is None


def test_raising_a_capped_budget_lifts_the_cap_at_once_and_announces_it(
    priced: Customer, monkeypatch, django_capture_on_commit_callbacks
):
    announced = []
    monkeypatch.setattr(services, "announce_cluster_change", announced.append)
    made = budget(priced, 100, hard_cap=True)
    store(priced.event(100))
    look(priced)
    assert set(announced) == {cluster.pk for cluster in priced.clusters}
    announced.clear()
    made.refresh_from_db()
    update_budget(budget=made, wish=BudgetWish(name="all", amount_millicents=200, hard_cap=True), requested_by=SOMEBODY)
    assert made.capped_month is None
    assert set(announced) == {cluster.pk for cluster in priced.clusters}
    look(priced)
    assert Budget.objects.get().capped_month is None
    store(priced.event(100))
    look(priced)
    announced.clear()
    delete_budget(budget=Budget.objects.get(), requested_by=SOMEBODY)
    assert announced
    audited = AuditEvent.objects.filter(resource_type="budget", account=priced.account).order_by("created_at")
    assert list(audited.values_list("action", flat=True)) == ["create", "update", "delete"]


def test_without_new_usage_nothing_is_summed_again(priced: Customer, monkeypatch):
    budget(priced)
    summed = []
    spending = services.spending
    monkeypatch.setattr(services, "spending", lambda **about: summed.append(1) or spending(**about))
    store(priced.event(1))
    look(priced)
    look(priced, NOW + timedelta(seconds=5))
    assert len(summed) == 1
    store(priced.event(1))
    look(priced, NOW + timedelta(seconds=10))
    budget(priced, name="another")
    look(priced, NOW + timedelta(seconds=15))
    look(priced, NOW + timedelta(seconds=20))
    assert len(summed) == 3
    look(priced, NOW + timedelta(minutes=2))  # forecasts move by themselves
    assert len(summed) == 4


def test_accounts_whose_turn_it_is_are_looked_at(priced: Customer, monkeypatch, make_cluster: Callable):
    budget(priced)
    Customer(make_cluster)  # without a budget
    BudgetWatch.objects.exclude(account=priced.account).delete()
    looked = []
    monkeypatch.setattr(services, "check_budgets_of", lambda **about: looked.append(about["account"]))
    check_budgets()
    check_budgets()
    assert looked == [priced.account]
    BudgetWatch.objects.update(due_at=NOON - timedelta(days=900))
    check_budgets()
    assert len(looked) == 2


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"cluster_id": uuid4()}, "of"),
        ({"api_key_id": uuid4()}, "of"),
        ({"cluster_id": uuid4(), "api_key_id": uuid4()}, "of"),
        ({"webhook_url": "http://hooks.example/x"}, "webhook_url"),
        ({"webhook_url": "https://user@hooks.example/x"}, "webhook_url"),
        ({"emails": ["nobody"]}, "emails"),
        ({"emails": ["a@b.example"] * 11}, "emails"),
    ],
)
def test_what_cannot_be_is_refused(wish: dict, field: str, customer: Customer):
    with pytest.raises(ServiceError) as refused:
        budget(customer, **wish)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, field)
    assert not Budget.objects.exists()


def test_names_are_once_and_foreign_clusters_are_nobodys(customer: Customer, make_cluster: Callable):
    budget(customer)
    with pytest.raises(ServiceError, match="already"):
        budget(customer)
    other = Customer(make_cluster)
    budget(other)
    with pytest.raises(ServiceError, match="no cluster"):
        budget(customer, name="foreign", cluster_id=other.clusters[0].pk)


@pytest.mark.django_db(transaction=True)
def test_however_many_tasks_look_at_once_each_threshold_fires_once(customer: Customer):
    for model in customer.models:
        customer.set_price(model, PRICE, NOVEMBER.start)
    budget(customer, 100, emails=["finance@acme.example"], hard_cap=True)
    store(customer.event(1_000))

    def task() -> None:
        for _ in range(3):
            BudgetWatch.objects.update(seen="")
            look(customer)

    at_once(*[task] * 6)
    assert alerts() == alerts("forecast") == [50, 80, 90, 100]
    assert Notification.objects.count() == 8
