# ruff: noqa: S608 - the statement is put together from constants; values go in as parameters
"""The billing reports export: a month of usage, line by line, in bytes that stay the same.

One line per hour, cluster, model, API key, kind and price version, in that order. The database groups, sorts and
keeps the lines; they pass through here a few hundred at a time, so memory does not grow with the month.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import connection

from billing.queries import NOT_TAKEN_BACK, RATED_USAGE, period
from billing.rules import Month, millicents_from_millionths
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from cloudconsole.money import usd_from_millicents

LINES_AT_A_TIME = 500

_LINES = f"""{RATED_USAGE}, line AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour_start, account_id, cluster_id, model_id, api_key_id, kind,
        price_effective_from, unit_price, sum(tokens) AS tokens, sum(inputs) AS inputs, sum(events) AS events,
        sum(cost_millionths) AS cost_millionths
    FROM rated
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 {NOT_TAKEN_BACK}
)
SELECT line.hour_start, line.account_id, coalesce(account.name, line.account_id::text),
    line.cluster_id, coalesce(cluster.name, line.cluster_id::text),
    coalesce(region.provider_id, ''), coalesce(region.code, ''), coalesce(model.name, line.model_id::text) AS model,
    line.api_key_id, coalesce(api_key.name, line.api_key_id::text), line.kind,
    line.tokens, line.inputs, line.events, line.unit_price, line.price_effective_from, line.cost_millionths
FROM line
LEFT JOIN accounts_account account ON account.id = line.account_id
LEFT JOIN clusters_cluster cluster ON cluster.id = line.cluster_id
LEFT JOIN clusters_region region ON region.id = cluster.region_id
LEFT JOIN clusters_databaseapikey api_key ON api_key.id = line.api_key_id
LEFT JOIN inference_inferencemodel model ON model.id = line.model_id
ORDER BY line.hour_start, line.cluster_id, coalesce(model.name, line.model_id::text) COLLATE "C",
    line.api_key_id, line.kind COLLATE "C", line.price_effective_from NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class ExportLine:
    """What one API key used of one model in one hour at one price. The fields are the columns of every format.

    Names of things that are gone are their ids. ``price_effective_from`` is None for usage from before the
    model's first price, which is free. ``cost_millicents`` has six decimal places and ``cost_usd`` eleven: exact.
    """

    hour_start: datetime
    account_id: UUID
    account_name: str
    cluster_id: UUID
    cluster_name: str
    provider: str
    region: str
    model: str
    api_key_id: UUID
    api_key_name: str
    kind: str
    tokens: int
    inputs: int
    events: int
    unit_price_millicents_per_million_tokens: int
    price_effective_from: datetime | None
    cost_millicents: Decimal
    cost_usd: Decimal


@dataclass(frozen=True)
class ExportFormat:
    content_type: str
    extension: str
    header: bytes
    encode: Callable[[Sequence[ExportLine]], bytes]


COLUMNS = tuple(ExportLine.__dataclass_fields__)
_NAMES_PEOPLE_CHOOSE = {"account_name", "cluster_name", "api_key_name"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def _text(value: object) -> str:
    """Times as ISO 8601 in UTC with Z, decimals in full without an exponent, nothing as an empty string."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _csv_value(column: str, value: object) -> str:
    """A name that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises."""
    text = _text(value)
    return f"'{text}" if column in _NAMES_PEOPLE_CHOOSE and text.startswith(_FORMULA_STARTS) else text


def _json_value(value: object) -> object:
    """Whole numbers as numbers, exact decimals as strings: most readers would make floats of them."""
    return value if value is None or isinstance(value, int) else _text(value)


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    """RFC 4180 in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _csv_lines(lines: Sequence[ExportLine]) -> bytes:
    return _csv([[_csv_value(column, getattr(line, column)) for column in COLUMNS] for line in lines])


def _json_lines(lines: Sequence[ExportLine]) -> bytes:
    objects = ({column: _json_value(getattr(line, column)) for column in COLUMNS} for line in lines)
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in objects)


EXPORT_FORMATS = {
    "csv": ExportFormat("text/csv; charset=utf-8", "csv", _csv([COLUMNS]), _csv_lines),
    "jsonl": ExportFormat("application/jsonl", "jsonl", b"", _json_lines),
}


def export_lines(*, account: Account, month: Month) -> Iterator[list[ExportLine]]:
    """The account's lines of the month, some at a time, all as of the moment the first are asked for."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LINES, period(month.start, month.end, account=account))
        while rows := cursor.fetchmany(LINES_AT_A_TIME):
            yield [_line(row) for row in rows]


def _line(row: Sequence[Any]) -> ExportLine:
    *facts, unit_price, price_effective_from, cost_millionths = row
    facts[-3:] = map(int, facts[-3:])  # sums arrive as decimals
    cost = millicents_from_millionths(cost_millionths)
    return ExportLine(*[*facts, unit_price, price_effective_from, cost, usd_from_millicents(cost)])


def stream_export(*, account: Account, month: Month, format: str) -> Generator[bytes, None, None]:
    """The month as a file of one of ``EXPORT_FORMATS``, in pieces.

    Raises ``ServiceError`` INVALID_ARGUMENT for another format, at once and not at the first piece.
    """
    chosen = EXPORT_FORMATS.get(format)
    if chosen is None:
        sentence = f"There is no export format {format}. Use one of: {', '.join(EXPORT_FORMATS)}."
        raise ServiceError(Code.INVALID_ARGUMENT, sentence, "format")
    return _stream(chosen, account, month)


def _stream(format: ExportFormat, account: Account, month: Month) -> Generator[bytes, None, None]:
    if format.header:
        yield format.header
    for lines in export_lines(account=account, month=month):
        yield format.encode(lines)


async def stream_export_async(*, account: Account, month: Month, format: str) -> AsyncIterator[bytes]:
    """``stream_export`` for an answer under ASGI, where Django would put a plain iterator into memory whole."""
    pieces = stream_export(account=account, month=month, format=format)
    try:
        while piece := await sync_to_async(lambda: next(pieces, b""))():
            yield piece
    finally:
        await sync_to_async(pieces.close)()
