"""A month at a glance: what it comes to so far and will come to, day by day, and what is left of the free allowance."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from billing.budgets.rules import Spending, forecast, window_start
from billing.month_tally import RatedMonth
from billing.rating import NOTHING, UNLIMITED, PricingUnit, exact_sum
from cloudconsole.money import EXACT

_PARTS = {
    PricingUnit.TOKENS: "Inference",
    PricingUnit.NODE_HOURS: "Cluster hours",
    PricingUnit.DISK_HOURS: "Additional disk",
}


@dataclass(frozen=True)
class Day:
    """What a day that begins ``at`` (UTC) cost, in millicents."""

    at: datetime
    cost: Decimal


@dataclass(frozen=True)
class Allowance:
    """Tokens of a model that are free in the month; None for as many as one likes."""

    model: str
    free: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.free is None else self.free - self.used


class Overview:
    """All lines of a bill, under the terms they were rated with."""

    def __init__(self, rated: RatedMonth, *, now: datetime) -> None:
        tally = rated.tally
        self._month = tally.month
        self._now = now
        self._terms = rated.terms
        self._by_part = {part: tally.parts.get(part, NOTHING) for part in PricingUnit}
        self._by_day = tally.days
        self._free = {(tally.models[id], id): tokens for id, tokens in tally.covered.items()}
        since = window_start(tally.month, now)
        self._in_window = exact_sum(hour.spent for start, hour in tally.hours.items() if start >= since)

    @cached_property
    def total(self) -> Decimal:
        """Before tax and credits."""
        total = NOTHING
        for cost in self._by_part.values():
            total = EXACT.add(total, cost)
        return total

    @property
    def parts(self) -> list[tuple[str, Decimal]]:
        return [(_PARTS[part], cost) for part, cost in self._by_part.items()]

    @property
    def forecast(self) -> Decimal | None:
        """What the month will come to; None for one that is over."""
        if not self._month.start <= self._now < self._month.end:
            return None
        return forecast(Spending(month=self.total, window=self._in_window), self._month, self._now)

    @cached_property
    def days(self) -> list[Day]:
        """Every day of the month, with or without costs."""
        count = (self._month.end - self._month.start).days
        moments = [self._month.start + timedelta(days=number) for number in range(count)]
        return [Day(at, self._by_day.get(at.date(), NOTHING)) for at in moments]

    @property
    def allowances(self) -> list[Allowance]:
        """Of every model that was used and of which something is free, by name."""
        found = []
        for (name, id), used in sorted(self._free.items()):
            free = self._terms.free_tokens(id)
            if free:
                found.append(Allowance(name, None if free >= UNLIMITED else free, used))
        return found
