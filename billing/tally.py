"""What the lines of a month's bill come to, by everything that pages show.

Lines go in one at a time and are kept in two sums only, by thing and by hour, so that a line costs little and a tally
is quickly copied, written down and read back. What pages ask for is summed up from these, once for each tally.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, TypeVar
from uuid import UUID

from billing.hourly import HourlyUsage
from billing.rating import NOTHING, Charge, PricingUnit, pricing_unit
from billing.report_line import ReportLine
from billing.rules import Month
from cloudconsole.money import EXACT

Of = TypeVar("Of", bound=Hashable)


class Thing(NamedTuple):
    """Everything of one cluster, through one key, at one price and reduced in the same way."""

    cluster_id: UUID
    sku: str
    api_key_id: UUID | None
    unit_price: int
    allowance: bool
    percentage: Decimal
    correction: Month | None  # what it corrects
    model_id: UUID | None
    unit: str  # the name of a PricingUnit: an enum's hash would take longer than the sums


class Item(NamedTuple):
    """What one line of a statement is about: everything of one cluster at one price, reduced in the same way."""

    cluster_id: UUID
    sku: str
    note: str  # "free allowance", "-20 %", "correction of 2026-10"
    unit_price: int
    unit: PricingUnit


class Billed(NamedTuple):
    """Tokens, node-hours or GiB-hours, the inputs that tokens came from, what they cost without reductions, and what
    is billed, in millicents, exactly (ten places)."""

    quantity: int = 0
    inputs: int = 0
    list_cost: Decimal = NOTHING
    cost: Decimal = NOTHING


class Hour(NamedTuple):
    """Of one hour: tokens, their inputs, what they cost, and what everything in it cost."""

    tokens: int = 0
    inputs: int = 0
    cost: Decimal = NOTHING
    spent: Decimal = NOTHING


_NO_BILL, _NO_HOUR = Billed(), Hour()
_add = EXACT.add


@dataclass
class Tally:
    """Sums of lines of one month's bill. A tally that was asked for a sum by something else takes no more lines."""

    month: Month
    things: dict[Thing, Billed] = field(default_factory=dict)
    hours: dict[datetime, Hour] = field(default_factory=dict)
    names: dict[UUID, str] = field(default_factory=dict)  # of clusters, as the lines have them

    def add_all(self, lines: Iterable[ReportLine]) -> "Tally":
        """This tally, with the lines in it."""
        for line in lines:
            unit = pricing_unit(line.kind)
            thing = Thing(
                line.cluster_id,
                line.sku,
                line.api_key_id,
                line.unit_price,
                line.allowance,
                line.discount_percentage,
                Month.of(line.hour_start) if line.correction else None,
                line.model_id,
                unit.name,
            )
            amounts = Billed(line.quantity, line.inputs, line.list_cost_millicents, line.cost_millicents)
            self._add(thing, line.hour_start, amounts)
            self.names[line.cluster_id] = line.cluster_name
        return self

    def add_charges(self, usage: HourlyUsage, charges: list[Charge]) -> None:
        """What ``report_line.line_of`` would make lines of, without making them."""
        unit, inputs = pricing_unit(usage.kind).name, usage.inputs
        for charge in charges:
            thing = Thing(
                usage.cluster_id,
                usage.sku,
                usage.api_key_id,
                usage.unit_price,
                charge.allowance,
                charge.discount_percentage,
                None,
                usage.model_id,
                unit,
            )
            self._add(thing, usage.hour_start, Billed(charge.quantity, inputs, charge.list_cost, charge.cost))
            inputs = 0  # they count on the first line
        self.names[usage.cluster_id] = usage.cluster_name

    def _add(self, thing: Thing, hour_start: datetime, amounts: Billed) -> None:
        quantity, inputs, list_cost, cost = self.things.get(thing, _NO_BILL)
        self.things[thing] = Billed(
            quantity + amounts.quantity,
            inputs + amounts.inputs,
            _add(list_cost, amounts.list_cost),
            _add(cost, amounts.cost),
        )
        hour = self.hours.get(hour_start, _NO_HOUR)
        spent = _add(hour.spent, amounts.cost)
        if thing.model_id is None:
            self.hours[hour_start] = hour._replace(spent=spent)
        else:
            tokens, inputs = hour.tokens + amounts.quantity, hour.inputs + amounts.inputs
            self.hours[hour_start] = Hour(tokens, inputs, _add(hour.cost, amounts.cost), spent)

    def copy(self) -> "Tally":
        """One that can grow without this one growing."""
        return Tally(self.month, dict(self.things), dict(self.hours), dict(self.names))

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        both = self.copy()
        for thing, amounts in other.things.items():
            both.things[thing] = _both(both.things.get(thing, _NO_BILL), amounts)
        for start, hour in other.hours.items():
            before = both.hours.get(start, _NO_HOUR)
            cost, spent = _add(before.cost, hour.cost), _add(before.spent, hour.spent)
            both.hours[start] = Hour(before.tokens + hour.tokens, before.inputs + hour.inputs, cost, spent)
        both.names |= other.names
        return both

    @cached_property
    def by_model(self) -> dict[UUID, Billed]:
        """Tokens, through whatever key in whatever cluster."""
        return _summed(self._of_tokens, _model_of)

    @cached_property
    def by_cluster(self) -> dict[UUID, Billed]:
        """Tokens, of whatever model."""
        return _summed(self._of_tokens, lambda thing: thing.cluster_id)

    @cached_property
    def by_api_key(self) -> dict[UUID | None, Billed]:
        """Tokens, of whatever model."""
        return _summed(self._of_tokens, lambda thing: thing.api_key_id)

    def by_model_of(self, cluster_id: UUID) -> dict[UUID, Billed]:
        """Tokens of one cluster, without corrections of months before."""
        own = self._own_by_cluster.get(cluster_id, [])
        return _summed(own, _model_of)

    @cached_property
    def tokens(self) -> Billed:
        """All of them."""
        return sum_of(self.by_model.values())

    @cached_property
    def models(self) -> dict[UUID, str]:
        """Names of those that were used."""
        return {_model_of(thing): thing.sku.removeprefix("inference/") for thing, _ in self._of_tokens}

    @cached_property
    def covered(self) -> dict[UUID, int]:
        """Tokens of each model used that the free allowance of this month covered."""
        covered = dict.fromkeys(self.models, 0)
        for thing, billed in self._of_tokens:
            if thing.allowance and thing.correction is None:
                covered[_model_of(thing)] += billed.quantity
        return covered

    @cached_property
    def parts(self) -> dict[PricingUnit, Decimal]:
        """What tokens, node-hours and disks cost."""
        sums = _summed(self.things.items(), lambda thing: thing.unit)
        return {PricingUnit[name]: billed.cost for name, billed in sums.items()}

    @cached_property
    def days(self) -> dict[date, Decimal]:
        """What each day cost. A correction stands on the first day of the month that bills it."""
        days: dict[date, Decimal] = defaultdict(lambda: NOTHING)
        for start, hour in self.hours.items():
            day = max(start, self.month.start).astimezone(UTC).date()
            days[day] = _add(days[day], hour.spent)
        return dict(days)

    @cached_property
    def clusters(self) -> dict[UUID, Decimal]:
        """What each cluster cost: its hours, its disks and its tokens, without corrections of months before."""
        own = ((thing, billed) for thing, billed in self.things.items() if thing.correction is None)
        return {id: billed.cost for id, billed in _summed(own, lambda thing: thing.cluster_id).items()}

    @cached_property
    def items(self) -> list[tuple[Item, Billed]]:
        """The lines of a statement, by the names of clusters, then by what they are about."""
        sums = _summed(self.things.items(), lambda thing: thing._replace(api_key_id=None))
        items = [
            (Item(thing.cluster_id, thing.sku, _note(thing), thing.unit_price, PricingUnit[thing.unit]), billed)
            for thing, billed in sums.items()
        ]
        names = {id: (name, id.int) for id, name in self.names.items()}
        return sorted(items, key=lambda entry: (names[entry[0].cluster_id], entry[0][1:4]))

    @cached_property
    def total(self) -> Billed:
        """All lines; quantities are of different things, only the costs mean something."""
        return sum_of(self.things.values())

    @cached_property
    def _of_tokens(self) -> list[tuple[Thing, Billed]]:
        return [entry for entry in self.things.items() if entry[0].model_id is not None]

    @cached_property
    def _own_by_cluster(self) -> dict[UUID, list[tuple[Thing, Billed]]]:
        found: dict[UUID, list[tuple[Thing, Billed]]] = {}
        for entry in self._of_tokens:
            if not entry[0].correction:
                found.setdefault(entry[0].cluster_id, []).append(entry)
        return found


def sum_of(several: Iterable[Billed]) -> Billed:
    """All of them together."""
    total = _NO_BILL
    for one in several:
        total = _both(total, one)
    return total


def _summed(things: Iterable[tuple[Thing, Billed]], of: Callable[[Thing], Of]) -> dict[Of, Billed]:
    sums: dict[Of, Billed] = {}
    for thing, billed in things:
        about = of(thing)
        before = sums.get(about)
        sums[about] = billed if before is None else _both(before, billed)
    return sums


def _model_of(thing: Thing) -> UUID:
    assert thing.model_id is not None, "tokens are of a model"
    return thing.model_id


def _both(one: Billed, other: Billed) -> Billed:
    return Billed(
        one.quantity + other.quantity,
        one.inputs + other.inputs,
        _add(one.list_cost, other.list_cost),
        _add(one.cost, other.cost),
    )


def _note(thing: Thing) -> str:
    notes = [f"correction of {thing.correction}"] if thing.correction else []
    notes += ["free allowance"] if thing.allowance else []
    notes += [f"-{thing.percentage.normalize():f} %"] if thing.percentage else []
    return ", ".join(notes)
