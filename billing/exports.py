"""The billing reports export: usage of a month or more, line by line, in bytes that stay the same."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

import orjson
import pyarrow as pa
from asgiref.sync import sync_to_async

from billing import focus_columns
from billing.focus import focus_charge
from billing.lines import EVERYTHING, ReportLine, Selection, report_lines
from billing.parquet import TIME, encode_parquet, exact
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError

Batches = Iterable[Sequence[ReportLine]]

_COLUMN_TYPES = {
    "hour_start": TIME,
    "account_id": pa.string(),
    "account_name": pa.string(),
    "cluster_id": pa.string(),
    "cluster_name": pa.string(),
    "provider": pa.string(),
    "region": pa.string(),
    "model": pa.string(),
    "api_key_id": pa.string(),
    "api_key_name": pa.string(),
    "kind": pa.string(),
    "tokens": pa.int64(),
    "inputs": pa.int64(),
    "events": pa.int64(),
    "unit_price_millicents_per_million_tokens": pa.int64(),
    "price_effective_from": TIME,
    "cost_millicents": exact(6),
    "cost_usd": exact(11),
}
COLUMNS = tuple(_COLUMN_TYPES)  # of every format but FOCUS
PARQUET_SCHEMA = pa.schema(
    [pa.field(name, type, nullable=name == "price_effective_from") for name, type in _COLUMN_TYPES.items()]
)
_NAMES_PEOPLE_CHOOSE = {"account_name", "cluster_name", "api_key_name"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

_values = attrgetter(*COLUMNS)


@dataclass(frozen=True)
class ExportFormat:
    """``encode`` makes a file of the lines, in pieces of which none is empty."""

    label: str
    content_type: str
    extension: str
    encode: Callable[[Batches], Iterator[bytes]]


def _text(value: object) -> str:
    """Times as ISO 8601 in UTC with Z, decimals in full without an exponent, nothing as an empty string."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _csv_value(value: object, chosen_by_people: bool) -> str:
    """A name that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises."""
    text = _text(value)
    return f"'{text}" if chosen_by_people and text.startswith(_FORMULA_STARTS) else text


def _json_value(value: object) -> object:
    """Whole numbers as numbers, exact decimals as strings: most readers would make floats of them."""
    return value if value is None or isinstance(value, int) else _text(value)


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    """RFC 4180 in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _csv_file(
    columns: dict[str, bool], values: Callable[[ReportLine], Sequence[object]], batches: Batches
) -> Iterator[bytes]:
    """``columns`` tells of each column whether people choose what is in it."""
    yield _csv([tuple(columns)])
    for lines in batches:
        yield _csv([list(map(_csv_value, values(line), columns.values())) for line in lines])


def _usage_csv(batches: Batches) -> Iterator[bytes]:
    return _csv_file({name: name in _NAMES_PEOPLE_CHOOSE for name in COLUMNS}, _values, batches)


def _json_lines(batches: Batches) -> Iterator[bytes]:
    for lines in batches:
        objects = (dict(zip(COLUMNS, map(_json_value, _values(line)), strict=True)) for line in lines)
        yield b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in objects)


def _usage_parquet(batches: Batches) -> Iterator[bytes]:
    def values(line: ReportLine) -> list[object]:
        return [str(value) if isinstance(value, UUID) else value for value in _values(line)]

    return encode_parquet(PARQUET_SCHEMA, values, batches)


def _focus_csv(batches: Batches) -> Iterator[bytes]:
    columns = {name: column.chosen_by_people for name, column in focus_columns.COLUMNS.items()}
    return _csv_file(columns, focus_charge, batches)


def _focus_parquet(batches: Batches) -> Iterator[bytes]:
    return encode_parquet(focus_columns.SCHEMA, focus_charge, batches)


_CSV, _PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"
EXPORT_FORMATS = {
    "csv": ExportFormat("CSV", _CSV, "csv", _usage_csv),
    "jsonl": ExportFormat("JSON Lines", "application/jsonl", "jsonl", _json_lines),
    "parquet": ExportFormat("Parquet", _PARQUET, "parquet", _usage_parquet),
    "focus-csv": ExportFormat(f"FOCUS {focus_columns.FOCUS_VERSION} CSV", _CSV, "focus.csv", _focus_csv),
    "focus-parquet": ExportFormat(
        f"FOCUS {focus_columns.FOCUS_VERSION} Parquet", _PARQUET, "focus.parquet", _focus_parquet
    ),
}


def stream_export(
    *,
    account: Account,
    month: Month,
    format: str,
    until: Month | None = None,
    selection: Selection = EVERYTHING,
    passed: Callable[[datetime], None] = lambda hour: None,
) -> Generator[bytes, None, None]:
    """The month (or the months up to and with ``until``) as a file of one of ``EXPORT_FORMATS``, in pieces.

    ``passed`` is told the hours that lines were read of, from time to time, in their order.
    Raises ``ServiceError`` INVALID_ARGUMENT for another format, at once and not at the first piece.
    """
    chosen = EXPORT_FORMATS.get(format)
    if chosen is None:
        sentence = f"There is no export format {format}. Use one of: {', '.join(EXPORT_FORMATS)}."
        raise ServiceError(Code.INVALID_ARGUMENT, sentence, "format")
    batches = report_lines(account=account, month=month, until=until, selection=selection)
    return (piece for piece in chosen.encode(_telling(batches, passed)))


def _telling(batches: Batches, passed: Callable[[datetime], None]) -> Iterator[Sequence[ReportLine]]:
    for lines in batches:
        yield lines
        passed(lines[-1].hour_start)


async def stream_export_async(*, account: Account, month: Month, format: str) -> AsyncIterator[bytes]:
    """``stream_export`` for an answer under ASGI, where Django would put a plain iterator into memory whole."""
    pieces = stream_export(account=account, month=month, format=format)
    try:
        while piece := await sync_to_async(lambda: next(pieces, b""))():
            yield piece
    finally:
        await sync_to_async(pieces.close)()
