"""A bill's lines summed into items, in whole millicents whose sum is that of the bill.

An amount leaves the system as whole millicents only, and a bill is rounded once. So an item is not rounded by
itself: it gets the difference between two rounded running sums, and all items together come to the rounded total.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from billing.lines import bill_lines
from billing.models import Statement
from billing.rating import NOTHING, PricingUnit, pricing_unit
from billing.report_line import ReportLine
from billing.rules import Month, StatementState, rounded
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT

_HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Item:
    """What one cluster used of one thing at one price. ``quantity`` is in tokens, node-hours or GiB-hours."""

    cluster_id: UUID
    cluster_name: str
    labels: dict[str, str]
    provider: str
    region: str
    unit: PricingUnit
    thing_id: UUID
    thing: str
    unit_price: int
    start: datetime
    end: datetime
    quantity: int = 0
    list_cost: Decimal = NOTHING
    cost: Decimal = NOTHING
    by_hour: dict[datetime, int] = field(default_factory=dict)

    def add(self, line: ReportLine) -> None:
        self.start = min(self.start, line.hour_start)
        self.end = max(self.end, line.hour_start + _HOUR)
        self.quantity += line.quantity
        self.list_cost = EXACT.add(self.list_cost, line.list_cost_millicents)
        self.cost = EXACT.add(self.cost, line.cost_millicents)
        self.by_hour[line.hour_start] = self.by_hour.get(line.hour_start, 0) + line.quantity

    @property
    def most_in_an_hour(self) -> int:
        """Of nodes or GiB: how many there were at once."""
        return max(self.by_hour.values(), default=0)

    @property
    def discount_percent(self) -> float:
        """Of the list cost, for display."""
        return float(100 * (self.list_cost - self.cost) / self.list_cost) if self.list_cost > 0 else 0.0


@dataclass(frozen=True)
class WholeItem:
    """An item with its amounts in whole millicents: ``amount`` less ``discount`` is what is billed."""

    item: Item
    amount: int
    discount: int


def items_of(lines: Iterable[ReportLine]) -> list[Item]:
    """One item for each cluster, thing and price, in the order of clusters, kinds, things and prices."""
    items: dict[tuple[object, ...], Item] = {}
    for line in lines:
        unit, thing_id = pricing_unit(line.kind), line.model_id or line.package_id
        assert thing_id is not None, "every line is of a model or of a package"
        key = (line.cluster_name, line.cluster_id, unit.label, line.sku, line.unit_price_millicents)
        if key not in items:
            items[key] = Item(
                cluster_id=line.cluster_id,
                cluster_name=line.cluster_name,
                labels={label["key"]: label["value"] for label in line.labels or []},
                provider=line.provider,
                region=line.region,
                unit=unit,
                thing_id=thing_id,
                thing=line.model or line.package or str(thing_id),
                unit_price=line.unit_price_millicents,
                start=line.hour_start,
                end=line.hour_start,
            )
        items[key].add(line)
    return [items[key] for key in sorted(items)]


def whole_items(items: Iterable[Item]) -> Iterator[WholeItem]:
    """Items in whole millicents that come to the rounded total, whatever their number."""
    cost = taken_off = NOTHING
    for item in items:
        cost_before, off_before = rounded(cost), rounded(taken_off)
        cost = EXACT.add(cost, item.cost)
        taken_off = EXACT.add(taken_off, EXACT.subtract(item.list_cost, item.cost))
        billed, discount = rounded(cost) - cost_before, rounded(taken_off) - off_before
        yield WholeItem(item, billed + discount, discount)


def monthly_totals(*, account: Account, until: Month) -> list[tuple[Month, int]]:
    """Whole millicents of every month that something was used in, latest first; closed ones as on their statements."""
    closed = {
        Month.of_day(one.month): one.total if one.state != StatementState.VOID else 0
        for one in Statement.objects.filter(account=account).exclude(state=StatementState.DRAFT)
    }
    totals = []
    month = Month.of(account.created_at)
    if first := min(closed, default=None):
        month = min(month, first)
    while month <= until:
        if month in closed:
            totals.append((month, closed[month]))
        else:
            items = items_of(bill_lines(account=account, month=month))
            if items:
                totals.append((month, rounded(sum((item.cost for item in items), NOTHING))))
        month = month.following
    return totals[::-1]
