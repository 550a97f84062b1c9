"""One line of a bill, and its one form as JSON: closed statements keep their lines in it, byte for byte."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from billing.hourly import HourlyUsage
from billing.rating import Charge, PricingUnit, order, pricing_unit
from billing.rules import Month, invoice_number
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT, usd_from_millicents


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What was used of one thing in one hour at one price, by one API key if it was tokens, and what that costs.

    Names of things that are gone are their ids. ``price_effective_from`` and ``price_id`` are None for usage from
    before the first price, which is free. Amounts in millicents have ten decimal places and ``cost_usd`` fifteen:
    exact. Usage that the free allowance covers in part is two lines; requests and inputs count on the first.
    A correction carries the difference to what was billed before for an hour of a closed month.
    """

    billing_month: str
    invoice: str | None  # its number, once the month is closed
    correction: bool
    hour_start: datetime
    account_id: UUID
    account_name: str
    cluster_id: UUID
    cluster_name: str
    labels: list[dict[str, str]] | None
    provider: str
    region: str
    region_name: str
    kind: str
    sku: str
    model_id: UUID | None
    model: str | None
    package_id: UUID | None
    package: str | None
    api_key_id: UUID | None
    api_key_name: str | None
    tokens: int
    inputs: int
    hours: int
    events: int
    pricing_unit: str
    unit_price_millicents: int
    price_id: UUID | None
    price_effective_from: datetime | None
    allowance: bool
    discount_percentage: Decimal
    list_cost_millicents: Decimal
    contracted_cost_millicents: Decimal
    cost_millicents: Decimal
    cost_usd: Decimal
    why: str

    @property
    def unit_price(self) -> int:
        return self.unit_price_millicents

    @property
    def quantity(self) -> int:
        """Tokens, node-hours or GiB-hours."""
        return self.tokens if pricing_unit(self.kind) is PricingUnit.TOKENS else self.hours


COLUMNS = tuple(ReportLine.__annotations__)
column_values = attrgetter(*COLUMNS)


@dataclass(frozen=True)
class Heading:
    """What all lines of a bill share."""

    account: Account
    month: Month
    number: int | None = None

    @property
    def invoice(self) -> str | None:
        return invoice_number(self.account.pk, self.number) if self.number else None


def line_of(usage: HourlyUsage, charge: Charge, heading: Heading, *, first: bool) -> ReportLine:
    """The line of one charge; ``first`` of those of the same usage, which counts its requests."""
    unit = pricing_unit(usage.kind)
    of_tokens = unit is PricingUnit.TOKENS
    return ReportLine(
        str(heading.month),
        heading.invoice,
        False,
        usage.hour_start,
        heading.account.pk,
        heading.account.name,
        usage.cluster_id,
        usage.cluster_name,
        None if usage.labels is None else orjson.loads(usage.labels),
        usage.provider,
        usage.region,
        usage.region_name,
        usage.kind,
        usage.sku,
        usage.model_id,
        usage.model,
        usage.package_id,
        usage.package,
        usage.api_key_id,
        usage.api_key_name,
        charge.quantity if of_tokens else 0,
        usage.inputs if first else 0,
        0 if of_tokens else charge.quantity,
        usage.events if first else 0,
        unit.label,
        usage.unit_price,
        usage.price_id,
        usage.price_effective_from,
        charge.allowance,
        charge.discount_percentage,
        charge.list_cost,
        charge.contracted_cost,
        charge.cost,
        usd_from_millicents(charge.cost),
        charge.why,
    )


def line_key(line: ReportLine) -> tuple[object, ...]:
    """Sorts lines, and tells which of them are about the same."""
    return (*order(line), not line.allowance, line.discount_percentage)


_AMOUNTS = ("tokens", "inputs", "hours", "events")
_COSTS = ("list_cost_millicents", "contracted_cost_millicents", "cost_millicents", "cost_usd")


def minus(line: ReportLine) -> ReportLine:
    """The line that takes this one back."""
    amounts: dict[str, Any] = {name: -getattr(line, name) for name in _AMOUNTS}
    amounts |= {name: EXACT.minus(getattr(line, name)) for name in _COSTS}
    return replace(line, **amounts)


def plus(one: ReportLine, other: ReportLine) -> ReportLine:
    """Their sum, under the names of the first."""
    amounts: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in _AMOUNTS}
    amounts |= {name: EXACT.add(getattr(one, name), getattr(other, name)) for name in _COSTS}
    return replace(one, **amounts)


def is_nothing(line: ReportLine) -> bool:
    return not any(getattr(line, name) for name in (*_AMOUNTS, *_COSTS))


def text_of(value: object) -> str:
    """Times as ISO 8601 in UTC with Z, decimals in full without an exponent, nothing as an empty string."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _json_value(value: object) -> object:
    """Whole numbers as numbers, exact decimals as strings: most readers would make floats of them."""
    return value if value is None or isinstance(value, int | list) else text_of(value)


def as_json(line: ReportLine) -> bytes:
    """One line of JSON Lines, with its end."""
    values = map(_json_value, column_values(line))
    return orjson.dumps(dict(zip(COLUMNS, values, strict=True)), option=orjson.OPT_APPEND_NEWLINE)


_READERS: dict[str, Any] = {
    **dict.fromkeys(("hour_start", "price_effective_from"), datetime.fromisoformat),
    **dict.fromkeys(("account_id", "cluster_id", "model_id", "package_id", "api_key_id", "price_id"), UUID),
    **dict.fromkeys(("discount_percentage", *_COSTS), Decimal),
}
_READER_OF_COLUMN = tuple(_READERS.get(name) for name in COLUMNS)


def from_json(text: str | bytes) -> ReportLine:
    """The line that ``as_json`` wrote."""
    values = orjson.loads(text).values()
    return ReportLine(
        *(
            value if reader is None or value is None else reader(value)
            for value, reader in zip(values, _READER_OF_COLUMN, strict=True)
        )
    )
