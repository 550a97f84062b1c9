"""What usage costs, and why. Pure: prices, allowances and discounts come in, charges come out.

Amounts are exact decimals in millicents with ten places: a price is whole millicents per pricing unit, a million
tokens are one (six places), and a percentage has two places (four more). No float comes near money.

The free allowance and fixed discounts are spent in the order in which usage is handed in, so whoever hands it in has
to sort it: ``order`` is that order, and makes the result the same whatever order the events came in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache, reduce
from typing import Any, Protocol
from uuid import UUID

from cloudconsole.money import EXACT

PLACES = 10  # of amounts in millicents
_EXPONENT = Decimal(1).scaleb(-PLACES)
NOTHING = Decimal(0).quantize(_EXPONENT)
_NO_ID = UUID(int=0)
NO_PERCENTAGE = Decimal("0.00")
EVERYTHING_OFF = Decimal("100.00")
UNLIMITED = 2**63


class PricingUnit(Enum):
    """What a price is per, how many of the counted things that is, what these are called, and the first for people."""

    TOKENS = ("1000000 Tokens", 1_000_000, "tokens", "1,000,000 tokens")
    NODE_HOURS = ("Hours", 1, "node-hours", "node-hour")
    DISK_HOURS = ("GiB-Hours", 1, "GiB-hours", "GiB-hour")

    def __init__(self, label: str, size: int, things: str, in_words: str) -> None:
        self.label = label
        self.size = size
        self.things = things
        self.in_words = in_words


_UNITS = {"compute": PricingUnit.NODE_HOURS, "disk": PricingUnit.DISK_HOURS}


def pricing_unit(kind: str) -> PricingUnit:
    """Of an event's kind."""
    return _UNITS.get(kind, PricingUnit.TOKENS)


@dataclass(frozen=True)
class DiscountTerms:
    """A percentage, or a fixed amount every month, for usage in ``[valid_from, valid_until)``."""

    name: str
    valid_from: datetime
    valid_until: datetime
    percentage: Decimal | None = None
    fixed_millicents: int | None = None


@dataclass(frozen=True)
class Terms:
    """What an account gets in a month. ``free`` tells the tokens of a model that cost nothing; without it, none."""

    free: Mapping[UUID, int] = field(default_factory=dict)
    free_by_default: int = 0
    discounts: tuple[DiscountTerms, ...] = ()

    def free_tokens(self, model_id: UUID) -> int:
        return self.free.get(model_id, self.free_by_default)


class Rateable(Protocol):
    """What is known of the usage of an hour: ``hourly.HourlyUsage`` has all of it."""

    @property
    def hour_start(self) -> datetime: ...
    @property
    def model_id(self) -> UUID | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> int: ...
    @property
    def price_effective_from(self) -> datetime | None: ...


def order(usage: Any) -> tuple[object, ...]:
    """Sorts usage, and lines made of it: the order of statements and exports."""
    began = usage.price_effective_from
    return (
        usage.hour_start,
        usage.cluster_id,
        usage.sku,
        usage.api_key_id or _NO_ID,
        usage.kind,
        began is not None,
        began or usage.hour_start,
    )


@dataclass(frozen=True, slots=True)
class Charge:
    """A part of some usage at one price. ``cost`` is what is billed: contracted cost less fixed discounts."""

    quantity: int
    allowance: bool
    discount_percentage: Decimal
    list_cost: Decimal
    contracted_cost: Decimal
    cost: Decimal
    why: str


def list_cost(quantity: int, unit_price: int, unit: PricingUnit) -> Decimal:
    """Quantity times price, exactly. Both are whole numbers; the price is per pricing unit."""
    # Sizes are powers of ten, so the quotient is a decimal of few places.
    return EXACT.divide(Decimal(quantity * unit_price), Decimal(unit.size)).quantize(_EXPONENT, context=EXACT)


def rate(
    quantity: int,
    unit_price: int,
    unit: PricingUnit,
    *,
    price_effective_from: datetime | None = None,
    free: int = 0,
    percentage: Decimal = NO_PERCENTAGE,
    fixed: Decimal = NOTHING,
) -> list[Charge]:
    """The charges for some usage: the part that ``free`` covers, if any, then the rest, if any; never none.

    ``percentage`` is taken off the price of the rest; of what that costs ``fixed`` millicents are taken off, as far
    as it lasts. Usage without a price costs nothing and spends no allowance.
    """
    covered = min(free, quantity) if unit_price else 0
    formula = _formula(unit_price, unit, price_effective_from)
    charges = []
    if covered > 0:
        why = f"{covered} {unit.things} of the free allowance: {formula} would be the list price"
        cost = list_cost(covered, unit_price, unit)
        charges.append(Charge(covered, True, NO_PERCENTAGE, cost, NOTHING, NOTHING, why))
    rest = quantity - covered
    if rest or not charges:
        cost = list_cost(rest, unit_price, unit)
        contracted = discounted(cost, percentage)
        taken_off = max(NOTHING, min(fixed, contracted))
        why = f"{rest} {unit.things} at {formula}"
        why += f", {percentage.normalize():f} % off" if percentage else ""
        why += f", {taken_off.normalize():f} millicents of a fixed discount off" if taken_off else ""
        charges.append(Charge(rest, False, percentage, cost, contracted, EXACT.subtract(contracted, taken_off), why))
    return charges


def discounted(amount: Decimal, percentage: Decimal) -> Decimal:
    """The amount less the percentage, exactly."""
    if not percentage:
        return amount
    kept = EXACT.divide(EXACT.subtract(Decimal(100), percentage), Decimal(100))
    return EXACT.multiply(amount, kept).quantize(_EXPONENT, context=EXACT)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """``sum`` would round to the 28 digits of the usual context."""
    return reduce(EXACT.add, amounts, NOTHING)


@lru_cache(maxsize=1024)  # a few prices, and every charge says them
def _formula(unit_price: int, unit: PricingUnit, effective_from: datetime | None) -> str:
    if effective_from is None:
        return "no price yet"
    per = f"{unit.size} {unit.things}" if unit.size > 1 else unit.things.removesuffix("s")
    return f"{unit_price} millicents per {per} (price since {effective_from:%Y-%m-%d %H:%M} UTC)"


class MonthRater:
    """Rates the usage of one account's month, handed in in ``order``: what is spent once is spent here."""

    def __init__(
        self, terms: Terms, *, tokens_left: dict[UUID, int] | None = None, amounts_left: list[Decimal] | None = None
    ) -> None:
        """``tokens_left`` (of the allowance, by model used) and ``amounts_left`` (of each discount) are those of a
        rater that stood where this one begins; without them it begins with the month."""
        self._terms = terms
        self.tokens_left = dict(tokens_left or {})
        self.amounts_left = list(amounts_left or ()) or [
            Decimal(one.fixed_millicents).quantize(_EXPONENT) if one.fixed_millicents else NOTHING
            for one in terms.discounts
        ]

    def charges(self, usage: Rateable) -> list[Charge]:
        free, model_id = 0, usage.model_id
        if model_id is not None:
            free = self.tokens_left.setdefault(model_id, self._terms.free_tokens(model_id))
        valid = [
            n for n, one in enumerate(self._terms.discounts) if one.valid_from <= usage.hour_start < one.valid_until
        ]
        percentage = sum((self._terms.discounts[n].percentage or NO_PERCENTAGE for n in valid), NO_PERCENTAGE)
        charges = rate(
            usage.quantity,
            usage.unit_price,
            pricing_unit(usage.kind),
            price_effective_from=usage.price_effective_from,
            free=free,
            percentage=min(percentage, EVERYTHING_OFF),
            fixed=exact_sum(self.amounts_left[n] for n in valid),
        )
        if model_id is not None and charges[0].allowance:
            self.tokens_left[model_id] -= charges[0].quantity
        self._draw_down(valid, EXACT.subtract(charges[-1].contracted_cost, charges[-1].cost))
        return charges

    def copy(self) -> "MonthRater":
        """One that stands where this one stands, and goes on by itself."""
        return MonthRater(self._terms, tokens_left=self.tokens_left, amounts_left=self.amounts_left)

    def _draw_down(self, valid: list[int], amount: Decimal) -> None:
        for n in valid:
            taken = min(amount, self.amounts_left[n])
            self.amounts_left[n] = EXACT.subtract(self.amounts_left[n], taken)
            amount = EXACT.subtract(amount, taken)
