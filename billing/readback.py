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
from cloudconsole.money import EXACT

UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, OSError, csv.Error, pa.ArrowException, NotFocus)
_MILLICENTS_PER_USD = Decimal(100_000)


class LineKey(NamedTuple):
    """What makes a line one of its own. ``unit_price`` is in millicents per 1,000,000 tokens.

    ``price_from`` is None for usage without a price.
    """

    hour: datetime
    cluster_id: str
    model: str
    api_key_id: str
    kind: str
    price_from: datetime | None
    unit_price: int

    def __str__(self) -> str:
        since = f"since {self.price_from:%Y-%m-%dT%H:%M:%S.%fZ}" if self.price_from else "without a price"
        return (
            f"{self.hour:%Y-%m-%dT%HZ}, cluster {self.cluster_id}, {self.model}, "
            f"key {self.api_key_id}, {self.kind}, at {self.unit_price} {since}"
        )


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Cost in millicents. ``inputs`` is None where a format does not tell (FOCUS)."""

    tokens: int = 0
    inputs: int | None = 0
    events: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            tokens=self.tokens + other.tokens,
            inputs=None if self.inputs is None or other.inputs is None else self.inputs + other.inputs,
            events=self.events + other.events,
            cost=EXACT.add(self.cost, other.cost),
        )


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


def _line(line: Mapping[str, Any]) -> tuple[LineKey, Amounts]:
    """A line of our own columns, with values as text."""
    began = line["price_effective_from"]
    key = LineKey(
        hour=datetime.fromisoformat(line["hour_start"]),
        cluster_id=line["cluster_id"],
        model=line["model"],
        api_key_id=line["api_key_id"],
        kind=line["kind"],
        price_from=datetime.fromisoformat(began) if began else None,
        unit_price=int(line["unit_price_millicents_per_million_tokens"]),
    )
    amounts = {name: int(line[name]) for name in ("tokens", "inputs", "events")}
    cost = Decimal(line["cost_millicents"])
    if EXACT.multiply(Decimal(line["cost_usd"]), _MILLICENTS_PER_USD) != cost:
        raise ValueError(f"{key}: cost_usd {line['cost_usd']} is not cost_millicents {cost:f}")
    return key, Amounts(cost=cost, **amounts)


def _csv(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from map(_line, csv.DictReader(file, restval="", strict=True))


def _json_lines(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with path.open("rb") as file:
        yield from (_line(orjson.loads(line)) for line in file)


def _parquet(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1_000):
            for line in batch.to_pylist():
                times = {name: line[name] and line[name].isoformat() for name in ("hour_start", "price_effective_from")}
                yield _line(line | times)


def _focus(path: Path, prices: PricesById) -> Iterator[tuple[LineKey, Amounts]]:
    for row in read_focus(path):
        charge = row.values
        key = LineKey(
            hour=charge["ChargePeriodStart"],
            cluster_id=charge["ResourceId"],
            model=charge["x_Model"],
            api_key_id=charge["x_ApiKeyId"],
            kind=charge["x_Kind"],
            price_from=None if charge["SkuPriceId"] == charge["SkuId"] else prices[charge["SkuPriceId"]],
            unit_price=int(EXACT.multiply(charge["ListUnitPrice"], _MILLICENTS_PER_USD)),
        )
        yield (
            key,
            Amounts(
                tokens=int(charge["ConsumedQuantity"]),
                inputs=None,
                events=charge["x_EventCount"],
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
