"""Months, prices and amounts."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import PricingUnit, list_cost
from billing.rules import (
    Month,
    PriceVersion,
    price_at,
)
from cloudconsole.money import format_usd, usd_from_millicents

moments = st.datetimes(min_value=datetime(1999, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
months = st.builds(Month, st.integers(1971, 9997), st.integers(1, 12))
tokens = st.integers(-(10**18), 10**18)


def rate(tokens: int, price: int) -> Decimal:
    return list_cost(tokens, price, PricingUnit.TOKENS)


prices = st.integers(0, 2**31 - 1)
amounts = st.builds(rate, tokens, prices)


@given(moments, st.integers(-14, 14))
def test_a_moment_falls_into_the_one_month_that_holds_it_whatever_its_time_zone(moment, hours):
    month = Month.of(moment.astimezone(timezone(timedelta(hours=hours))))
    assert month.start <= moment < month.end


@given(months)
def test_months_follow_each_other_without_gap(month):
    assert month.following.start == month.end
    assert month.following.previous == month
    assert Month.of(month.end - timedelta(microseconds=1)) == month
    assert Month.parse(str(month)) == month
    assert month < month.following


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-00", "2026-13", "2026-1", "2026-11-01", " 2026-11", "２０２６-11", "0000-01", "9999-12"]
)
def test_what_is_not_a_month_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"^A month is .+\.$"):
        Month.parse(text)


def test_a_time_without_a_time_zone_falls_into_no_month():
    with pytest.raises(ValueError, match="time zone"):
        Month.of(datetime(2026, 11, 1))


@given(tokens, prices)
def test_a_rate_is_exact_to_the_last_digit(tokens, price):
    assert Fraction(rate(tokens, price)) == Fraction(tokens * price, 1_000_000)


def test_a_million_tokens_cost_the_price_and_one_token_a_millionth_of_it():
    assert rate(1_000_000, 2_000) == 2_000
    assert str(rate(1, 2_000)) == "0.0020000000"


@given(st.lists(st.tuples(tokens, prices), max_size=20))
def test_sums_of_rates_are_exact_too(lines):
    exact = sum((Fraction(tokens * price, 1_000_000) for tokens, price in lines), Fraction())
    assert Fraction(sum((rate(*line) for line in lines), Decimal())) == exact


@given(amounts)
def test_dollars_are_the_same_amount(amount):
    assert Fraction(usd_from_millicents(amount)) == Fraction(amount) / 100_000
    assert Fraction(Decimal(format_usd(amount).replace("$", ""))) == Fraction(amount) / 100_000


@pytest.mark.parametrize(
    ("millicents", "text"),
    [
        (0, "$0.00"),
        (2_000, "$0.02"),
        (-150_000, "-$1.50"),
        (100_000_000, "$1000.00"),
        (Decimal("0.002100"), "$0.000000021"),
        (12_345, "$0.12345"),
    ],
)
def test_dollars_are_shown_in_full(millicents, text):
    assert format_usd(millicents) == text


versions = st.lists(st.builds(PriceVersion, moments, prices), unique_by=lambda version: version.effective_from)


@given(versions, moments)
def test_the_price_is_the_one_that_began_last(versions, moment):
    chosen = price_at(versions, moment)
    begun = [version for version in versions if version.effective_from <= moment]
    assert (chosen is None) == (not begun)
    if chosen is not None:
        assert chosen in begun
        assert all(version.effective_from <= chosen.effective_from for version in begun)


@given(versions, st.builds(PriceVersion, moments, prices), moments)
def test_a_change_affects_only_what_happens_from_then_on(versions, change, moment):
    before = [version for version in versions if version.effective_from != change.effective_from]
    if moment < change.effective_from:
        assert price_at([*before, change], moment) == price_at(before, moment)
    else:
        assert price_at([*before, change], moment) == price_at(
            [change, *(version for version in before if version.effective_from > change.effective_from)], moment
        )


@given(versions.filter(len), st.timedeltas(min_value=timedelta(), max_value=timedelta(days=1)))
def test_a_price_holds_at_its_very_first_moment(versions, later):
    for version in versions:
        assert price_at(versions, version.effective_from) == version
        assert price_at([version], version.effective_from - timedelta(microseconds=1)) is None
        assert price_at([version], version.effective_from + later) == version
