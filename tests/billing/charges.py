"""Lines of a report, and the FOCUS files of them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from billing.exports import EXPORT_FORMATS
from billing.report_line import ReportLine

HOUR = datetime(2026, 11, 15, 12, tzinfo=UTC)
KEY, OTHER_KEY = UUID(int=4), UUID(int=5)
LINE = ReportLine(
    billing_month="2026-11",
    invoice=None,
    correction=False,
    hour_start=HOUR,
    account_id=UUID(int=1),
    account_name="Acme",
    cluster_id=UUID(int=2),
    cluster_name="one",
    labels=[{"key": "team", "value": "search"}, {"key": "env", "value": "prod"}],
    provider="aws",
    region="us-east-1",
    region_name="US East (N. Virginia)",
    kind="update",
    sku="inference/maker/model",
    model_id=UUID(int=3),
    model="maker/model",
    package_id=None,
    package=None,
    api_key_id=KEY,
    api_key_name="reader",
    tokens=1_234_567,
    inputs=3,
    hours=0,
    events=2,
    pricing_unit="1000000 Tokens",
    unit_price_millicents=2_100,
    price_id=UUID(int=6),
    price_effective_from=datetime(2026, 11, 1, tzinfo=UTC),
    allowance=False,
    discount_percentage=Decimal("0.00"),
    list_cost_millicents=Decimal("2592.5907000000"),
    contracted_cost_millicents=Decimal("2592.5907000000"),
    cost_millicents=Decimal("2592.5907000000"),
    cost_usd=Decimal("0.025925907000000"),
    why="1234567 tokens at 2100 millicents per 1000000 tokens",
)
LINES = [LINE, replace(LINE, kind="search"), replace(LINE, hour_start=HOUR + timedelta(hours=1), api_key_id=OTHER_KEY)]
SUMS = {"ConsumedQuantity": 3 * 1_234_567, "BilledCost": 3 * LINE.cost_usd, "x_EventCount": 6}


def focus_file(path: Path, format: str, lines: Iterable[ReportLine] = LINES) -> Path:
    path.write_bytes(b"".join(EXPORT_FORMATS[format].encode([list(lines)])))
    return path


both = pytest.mark.parametrize("format", ["focus-csv", "focus-parquet"])


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)
    return path
