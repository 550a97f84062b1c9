"""What usage costs, and why: pure functions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import NOTHING, DiscountTerms, MonthRater, PricingUnit, Terms, exact_sum, rate
from billing.rules import rounded

MONTH = datetime(2026, 11, 1, tzinfo=UTC)
MODEL, OTHER = UUID(int=1), UUID(int=2)
quantities = st.integers(0, 10**12)
prices = st.integers(0, 2**31 - 1)
percentages = st.decimals(0, 100, places=2)
units = st.sampled_from(PricingUnit)
amounts = st.decimals(0, 10**12, places=10)


@dataclass(frozen=True)
class Used:
    quantity: int
    hour: int = 0
    model_id: UUID | None = MODEL
    kind: str = "update"
    unit_price: int = 1_000_000

    @property
    def hour_start(self) -> datetime:
        return MONTH + timedelta(hours=self.hour)

    @property
    def price_effective_from(self) -> datetime:
        return MONTH


@given(quantities, prices, units, st.integers(0, 10**12), percentages, amounts)
def test_charges_add_up_exactly(quantity, price, unit, free, percentage, fixed):
    charges = rate(quantity, price, unit, free=free, percentage=percentage, fixed=fixed)
    assert sum(charge.quantity for charge in charges) == quantity
    assert sum(Fraction(charge.list_cost) for charge in charges) == Fraction(quantity * price, unit.size)
    for charge in charges:
        assert 0 <= charge.cost <= charge.contracted_cost <= charge.list_cost
        assert not (charge.allowance and charge.cost)
    rest = charges[-1]
    if not rest.allowance:
        listed = Fraction(rest.quantity * price, unit.size)
        contracted = listed * (100 - Fraction(percentage)) / 100
        assert Fraction(rest.contracted_cost) == contracted
        assert Fraction(rest.cost) == max(0, contracted - Fraction(fixed))


@pytest.mark.parametrize(
    ("charge", "why"),
    [
        (rate(7, 3000, PricingUnit.TOKENS, price_effective_from=MONTH)[0],
         "7 tokens at 3000 millicents per 1000000 tokens (price since 2026-11-01 00:00 UTC)"),
        (rate(7, 3000, PricingUnit.TOKENS, price_effective_from=MONTH, free=5)[0],
         "5 tokens of the free allowance: "
         "3000 millicents per 1000000 tokens (price since 2026-11-01 00:00 UTC) would be the list price"),
        (rate(2, 2600, PricingUnit.NODE_HOURS, price_effective_from=MONTH, percentage=Decimal("12.50"),
              fixed=Decimal(1000))[0],
         "2 node-hours at 2600 millicents per node-hour (price since 2026-11-01 00:00 UTC), 12.5 % off, "
         "1000 millicents of a fixed discount off"),
        (rate(9, 0, PricingUnit.TOKENS)[0], "9 tokens at no price yet"),
    ],
)  # fmt: skip
def test_every_charge_says_why(charge, why):
    assert charge.why == why


def test_the_allowance_is_spent_once_per_model_in_the_order_of_usage():
    rater = MonthRater(Terms(free={OTHER: 1}, free_by_default=10))
    charges = [
        rater.charges(Used(quantity, model_id=model)) for quantity, model in ((6, MODEL), (6, MODEL), (6, OTHER))
    ]
    assert [[(charge.quantity, charge.allowance) for charge in of] for of in charges] == [
        [(6, True)],
        [(4, True), (2, False)],
        [(1, True), (5, False)],
    ]
    assert rater.tokens_left == {MODEL: 0, OTHER: 0}


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20), st.integers(0, 200))
def test_no_more_is_free_than_the_allowance_and_no_less(uses, free):
    rater = MonthRater(Terms(free_by_default=free))
    charges = [charge for tokens, paid in uses for charge in rater.charges(Used(tokens, unit_price=paid * 1_000))]
    paid = sum(tokens for tokens, paid in uses if paid)
    assert sum(charge.quantity for charge in charges if charge.allowance) == min(free, paid)


def test_cluster_hours_have_no_allowance():
    (charge,) = MonthRater(Terms(free_by_default=10)).charges(Used(3, model_id=None, kind="compute"))
    assert (charge.allowance, charge.cost) == (False, 3_000_000)


class TestDiscounts:
    def rater(self, *discounts: DiscountTerms) -> MonthRater:
        return MonthRater(Terms(discounts=discounts))

    def discount(self, **of: object) -> DiscountTerms:
        return DiscountTerms("d", MONTH, MONTH + timedelta(hours=2), **of)

    def test_percentages_add_up_and_end(self):
        rater = self.rater(self.discount(percentage=Decimal("10.00")), self.discount(percentage=Decimal("15.50")))
        assert [rater.charges(Used(1_000_000, hour))[0].cost for hour in (0, 1, 2)] == [745_000, 745_000, 1_000_000]

    def test_nobody_gets_money_for_using_something(self):
        rater = self.rater(self.discount(percentage=Decimal(60)), self.discount(percentage=Decimal(60)))
        assert rater.charges(Used(1_000_000))[0].cost == 0

    def test_a_fixed_discount_is_spent_once(self):
        rater = self.rater(self.discount(fixed_millicents=1_500_000))
        assert [rater.charges(Used(1_000_000, hour))[0].cost for hour in (0, 1, 1)] == [0, 500_000, 1_000_000]

    @given(st.lists(st.integers(0, 3_000_000), max_size=12), st.lists(st.integers(1, 2_000_000), max_size=3))
    def test_of_fixed_discounts_all_is_spent_that_can_be(self, uses, fixed):
        rater = self.rater(*(self.discount(fixed_millicents=amount) for amount in fixed))
        cost = exact_sum(rater.charges(Used(quantity))[0].cost for quantity in uses)
        assert cost == max(0, sum(uses) - sum(fixed))


@given(st.fractions(-(10**6), 10**6, max_denominator=10**6).filter(lambda f: 10**6 % f.denominator == 0))
def test_rounding_is_half_to_even_and_leaves_at_most_half(amount):
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    assert rounded(exact) == round(amount)
    assert abs(exact - rounded(exact)) <= Decimal("0.5")


def test_the_exact_sum_of_nothing_is_nothing():
    assert exact_sum([]) == NOTHING
    large, small = Decimal(10**25), Decimal("0.0000000001")
    assert exact_sum([large, small, -large]) == small
