"""What the lines of a month's bill come to, by everything that pages show. Lines go in one at a time."""

from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from billing.rating import NOTHING, PricingUnit, pricing_unit
from billing.report_line import ReportLine
from billing.rules import Month
from cloudconsole.money import EXACT


@dataclass(frozen=True, slots=True)
class Amounts:
    """Tokens, the inputs they came from, and what they cost in millicents, exactly (ten places)."""

    tokens: int = 0
    inputs: int = 0
    cost: Decimal = NOTHING

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.tokens + other.tokens, self.inputs + other.inputs, EXACT.add(self.cost, other.cost))


@dataclass(frozen=True, slots=True)
class Used:
    """What tokens were used for. ``correction``: they are of a month before."""

    cluster_id: UUID
    model_id: UUID
    api_key_id: UUID | None
    correction: bool


@dataclass(frozen=True, slots=True)
class Item:
    """What one line of a statement is about: everything of one cluster at one price, reduced in the same way."""

    cluster_id: UUID
    sku: str
    note: str  # "free allowance", "-20 %", "correction of 2026-10"
    unit_price: int
    unit: PricingUnit


@dataclass(frozen=True, slots=True)
class Billed:
    """Tokens, node-hours or GiB-hours, what they cost without reductions, and what is billed, in millicents."""

    quantity: int = 0
    list_cost: Decimal = NOTHING
    cost: Decimal = NOTHING

    def __add__(self, other: "Billed") -> "Billed":
        list_cost, cost = EXACT.add(self.list_cost, other.list_cost), EXACT.add(self.cost, other.cost)
        return Billed(self.quantity + other.quantity, list_cost, cost)


def _nothing() -> Decimal:
    return NOTHING


@dataclass
class Tally:
    """Sums of lines of one month's bill."""

    month: Month
    tokens: dict[Used, Amounts] = field(default_factory=lambda: defaultdict(Amounts))
    hours: dict[datetime, Amounts] = field(default_factory=lambda: defaultdict(Amounts))  # of tokens
    models: dict[UUID, str] = field(default_factory=dict)  # names of those that were used
    covered: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))  # by the free allowance, by model
    parts: dict[PricingUnit, Decimal] = field(default_factory=lambda: defaultdict(_nothing))
    days: dict[date, Decimal] = field(default_factory=lambda: defaultdict(_nothing))
    spent: dict[datetime, Decimal] = field(default_factory=lambda: defaultdict(_nothing))  # by hour, of everything
    clusters: dict[UUID, Decimal] = field(default_factory=lambda: defaultdict(_nothing))  # without corrections
    items: dict[Item, Billed] = field(default_factory=lambda: defaultdict(Billed))
    names: dict[UUID, str] = field(default_factory=dict)  # of clusters, as the lines have them

    def add_all(self, lines: Iterable[ReportLine]) -> "Tally":
        """This tally, with the lines in it."""
        for line in lines:
            self.add(line)
        return self

    def add(self, line: ReportLine) -> None:
        cost = line.cost_millicents
        part, day = pricing_unit(line.kind), self._day(line)
        self.parts[part] = EXACT.add(self.parts[part], cost)
        self.days[day] = EXACT.add(self.days[day], cost)
        self.spent[line.hour_start] = EXACT.add(self.spent[line.hour_start], cost)
        item = Item(line.cluster_id, line.sku, _note(line), line.unit_price, part)
        self.items[item] += Billed(line.quantity, line.list_cost_millicents, cost)
        self.names[line.cluster_id] = line.cluster_name
        if not line.correction:
            self.clusters[line.cluster_id] = EXACT.add(self.clusters[line.cluster_id], cost)
        if line.model_id is None:
            return
        amounts = Amounts(line.tokens, line.inputs, cost)
        self.tokens[Used(line.cluster_id, line.model_id, line.api_key_id, bool(line.correction))] += amounts
        self.hours[line.hour_start] += amounts
        self.models[line.model_id] = line.model or str(line.model_id)
        self.covered[line.model_id] += line.tokens if line.allowance and not line.correction else 0

    def copy(self) -> "Tally":
        """One that can grow without this one growing."""
        sums = (one.name for one in fields(self) if one.name != "month")
        return Tally(self.month, **{name: copy(getattr(self, name)) for name in sums})

    def _day(self, line: ReportLine) -> date:
        """A correction stands on the first day of the month that bills it."""
        return self.month.start.date() if line.correction else line.hour_start.astimezone(UTC).date()


def _note(line: ReportLine) -> str:
    notes = [f"correction of {Month.of(line.hour_start)}"] if line.correction else []
    notes += ["free allowance"] if line.allowance else []
    notes += [f"-{line.discount_percentage.normalize():f} %"] if line.discount_percentage else []
    return ", ".join(notes)
