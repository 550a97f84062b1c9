"""The billing reports export: usage of a month or more, line by line, in bytes that stay the same."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa
from asgiref.sync import sync_to_async

from billing import focus_columns
from billing.focus import focus_charge
from billing.lines import EVERYTHING, Selection, report_lines
from billing.parquet import TIME, encode_parquet, exact
from billing.report_line import COLUMNS, ReportLine, as_json, column_values, text_of
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError

Batches = Iterable[Sequence[ReportLine]]

_TYPES_OF_PARQUET = {
    **dict.fromkeys(("hour_start", "price_effective_from"), TIME),
    **dict.fromkeys(("tokens", "inputs", "hours", "events", "unit_price_millicents"), pa.int64()),
    **dict.fromkeys(("correction", "allowance"), pa.bool_()),
    **dict.fromkeys(("list_cost_millicents", "contracted_cost_millicents", "cost_millicents"), exact(10)),
    "discount_percentage": exact(2),
    "cost_usd": exact(15),
}
_NULLABLE = {
    *("invoice", "labels", "model_id", "model", "package_id", "package", "api_key_id", "api_key_name"),
    *("price_id", "price_effective_from"),
}
PARQUET_SCHEMA = pa.schema(
    [pa.field(name, _TYPES_OF_PARQUET.get(name, pa.string()), nullable=name in _NULLABLE) for name in COLUMNS]
)
_NAMES_PEOPLE_CHOOSE = {"account_name", "cluster_name", "api_key_name"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class ExportFormat:
    """``encode`` makes a file of the lines, in pieces of which none is empty."""

    label: str
    content_type: str
    extension: str
    encode: Callable[[Batches], Iterator[bytes]]


def _csv_value(value: object, chosen_by_people: bool) -> str:
    """A name that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises."""
    text = text_of(value)
    return f"'{text}" if chosen_by_people and text.startswith(_FORMULA_STARTS) else text


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
    return _csv_file({name: name in _NAMES_PEOPLE_CHOOSE for name in COLUMNS}, column_values, batches)


def _json_lines(batches: Batches) -> Iterator[bytes]:
    for lines in batches:
        yield b"".join(map(as_json, lines))


def _usage_parquet(batches: Batches) -> Iterator[bytes]:
    def values(line: ReportLine) -> list[object]:
        return [text_of(value) if isinstance(value, UUID | list) else value for value in column_values(line)]

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
