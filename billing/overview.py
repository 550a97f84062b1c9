"""A month at a glance: what it comes to so far and will come to, day by day, and what is left of the free allowance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from billing.budgets.rules import Spending, forecast, window_start
from billing.rating import NOTHING, UNLIMITED, PricingUnit, Terms, pricing_unit
from billing.report_line import ReportLine
from billing.rules import Month
from cloudconsole.money import EXACT

_PARTS = {
    PricingUnit.TOKENS: "Inference",
    PricingUnit.NODE_HOURS: "Cluster hours",
    PricingUnit.DISK_HOURS: "Additional disk",
}


@dataclass(frozen=True)
class Day:
    """What a day cost, in millicents: each part of it in the order of ``Overview.parts``."""

    at: datetime
    costs: list[Decimal]


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
    """Sums of all lines of a bill (``lines``), under the ``terms`` they were rated with."""

    def __init__(self, *, month: Month, lines: Iterable[ReportLine], terms: Terms, now: datetime) -> None:
        self._month = month
        self._now = now
        self._terms = terms
        self._by_part = dict.fromkeys(PricingUnit, NOTHING)
        self._by_day: dict[date, dict[PricingUnit, Decimal]] = {}
        self._free: dict[tuple[str, UUID], int] = {}
        self._in_window = NOTHING
        since = window_start(month, now)
        for line in lines:
            part, day = pricing_unit(line.kind), self._day(line)
            self._by_part[part] = EXACT.add(self._by_part[part], line.cost_millicents)
            of_day = self._by_day.setdefault(day, dict.fromkeys(PricingUnit, NOTHING))
            of_day[part] = EXACT.add(of_day[part], line.cost_millicents)
            if line.hour_start >= since:
                self._in_window = EXACT.add(self._in_window, line.cost_millicents)
            if line.model_id is not None:
                model = (line.model or str(line.model_id), line.model_id)
                covered = line.tokens if line.allowance and not line.correction else 0
                self._free[model] = self._free.get(model, 0) + covered

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
        nothing = dict.fromkeys(PricingUnit, NOTHING)
        return [Day(at, list(self._by_day.get(at.date(), nothing).values())) for at in moments]

    @property
    def allowances(self) -> list[Allowance]:
        """Of every model that was used and of which something is free, by name."""
        found = []
        for (name, id), used in sorted(self._free.items()):
            free = self._terms.free_tokens(id)
            if free:
                found.append(Allowance(name, None if free >= UNLIMITED else free, used))
        return found

    def _day(self, line: ReportLine) -> date:
        """A correction stands on the first day of the month that bills it."""
        return self._month.start.date() if line.correction else line.hour_start.astimezone(UTC).date()
