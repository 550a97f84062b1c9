"""Exports read back: what the lines of each format say, in one form that can be compared."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from billing.focus_files import NotFocus, read_focus
from billing.report_line import COLUMNS, ReportLine, from_json
from cloudconsole.money import EXACT

UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, OSError, csv.Error, pa.ArrowException, NotFocus)
_MILLICENTS_PER_USD = Decimal(100_000)


class LineKey(NamedTuple):
    """What makes a line one of its own. ``unit_price`` is in millicents per pricing unit.

    ``price_from`` is None for usage without a price.
    """

    hour: datetime
    cluster_id: str
    sku: str
    api_key_id: str
    kind: str
    price_from: datetime | None
    unit_price: int
    allowance: bool = False
    correction: bool = False

    def __str__(self) -> str:
        since = f"since {self.price_from:%Y-%m-%dT%H:%M:%S.%fZ}" if self.price_from else "without a price"
        notes = (", free allowance" if self.allowance else "") + (", correction" if self.correction else "")
        return (
            f"{self.hour:%Y-%m-%dT%HZ}, cluster {self.cluster_id}, {self.sku}, "
            f"key {self.api_key_id or 'none'}, {self.kind}, at {self.unit_price} {since}{notes}"
        )


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Costs in millicents. ``inputs`` is None where a format does not tell (FOCUS)."""

    quantity: int = 0
    inputs: int | None = 0
    events: int = 0
    list_cost: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            quantity=self.quantity + other.quantity,
            inputs=None if self.inputs is None or other.inputs is None else self.inputs + other.inputs,
            events=self.events + other.events,
            list_cost=EXACT.add(self.list_cost, other.list_cost),
            cost=EXACT.add(self.cost, other.cost),
        )

    def __bool__(self) -> bool:
        return bool(self.quantity or self.inputs or self.events or self.list_cost or self.cost)


Lines = dict[LineKey, Amounts]
PricesById = Mapping[str, datetime]  # when each price began, by its id


def read_back(format: str, path: Path, prices: PricesById) -> Lines:
    """What the lines of an exported file say; lines that say they are the same one are added.

    Raises one of ``UNREADABLE`` when the file cannot be read.
    """
    lines: Lines = {}
    for key, amounts in _READERS[format](path, prices):
        lines[key] = lines[key] + amounts if key in lines else amounts
    return lines


def key_and_amounts(line: ReportLine) -> tuple[LineKey, Amounts]:
    key = LineKey(
        hour=line.hour_start,
        cluster_id=str(line.cluster_id),
        sku=line.sku,
        api_key_id=str(line.api_key_id or ""),
        kind=line.kind,
        price_from=line.price_effective_from,
        unit_price=line.unit_price_millicents,
        allowance=line.allowance,
        correction=line.correction,
    )
    if EXACT.multiply(line.cost_usd, _MILLICENTS_PER_USD) != line.cost_millicents:
        raise ValueError(f"{key}: cost_usd {line.cost_usd} is not cost_millicents {line.cost_millicents:f}")
    return key, Amounts(
        quantity=line.tokens + line.hours,
        inputs=line.inputs,
        events=line.events,
        list_cost=line.list_cost_millicents,
        cost=line.cost_millicents,
    )


_TRUTH = {"true": True, "false": False}
_TEXTS = {"provider", "region", "region_name"}  # empty where they are not known
_READERS_OF_TEXT: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("correction", "allowance"), _TRUTH.__getitem__),
    **dict.fromkeys(("tokens", "inputs", "hours", "events", "unit_price_millicents"), int),
    "labels": orjson.loads,
}


def _from_text(values: Mapping[str, str]) -> tuple[LineKey, Amounts]:
    """A line of CSV: the same as JSON, all as text."""
    typed = {
        name: None if text == "" and name not in _TEXTS else _READERS_OF_TEXT.get(name, str)(text)
        for name, text in values.items()
    }
    return key_and_amounts(from_json(orjson.dumps({name: typed[name] for name in COLUMNS})))


def _csv(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from map(_from_text, csv.DictReader(file, restval="", strict=True))


def _json_lines(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with path.open("rb") as file:
        yield from (key_and_amounts(from_json(line)) for line in file)


def _parquet(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1_000):
            for values in batch.to_pylist():
                labels = values["labels"] and orjson.loads(values["labels"])
                typed = {name: _json_of(value) for name, value in values.items()} | {"labels": labels}
                yield key_and_amounts(from_json(orjson.dumps({name: typed[name] for name in COLUMNS})))


def _json_of(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat() if isinstance(value, datetime) else value


def _focus(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    for row in read_focus(path):
        charge = row.values
        key = LineKey(
            hour=charge["ChargePeriodStart"],
            cluster_id=charge["ResourceId"],
            sku=charge["SkuId"],
            api_key_id=charge["x_ApiKeyId"] or "",
            kind=charge["x_Kind"],
            price_from=None if charge["SkuPriceId"] == charge["SkuId"] else prices[charge["SkuPriceId"]],
            unit_price=int(EXACT.multiply(charge["ListUnitPrice"], _MILLICENTS_PER_USD)),
            allowance=charge["x_FreeAllowance"] == "Yes",
            correction=charge["ChargeClass"] == "Correction",
        )
        yield (
            key,
            Amounts(
                quantity=int(charge["ConsumedQuantity"]),
                inputs=None,
                events=charge["x_EventCount"],
                list_cost=EXACT.multiply(charge["ListCost"], _MILLICENTS_PER_USD),
                cost=EXACT.multiply(charge["BilledCost"], _MILLICENTS_PER_USD),
            ),
        )


_READERS: dict[str, Callable[[Path, PricesById], Iterator[tuple[LineKey, Amounts]]]] = {
    "csv": _csv,
    "jsonl": _json_lines,
    "parquet": _parquet,
    "focus-csv": _focus,
    "focus-parquet": _focus,
}
