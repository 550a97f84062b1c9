"""FOCUS files, CSV or Parquet, as rows of typed values; whatever is not as ``focus_columns`` says is a problem."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from billing.focus_columns import COLUMNS, FOCUS_VERSION, SCHEMA, Column, Kind

_PARQUET_MAGIC = b"PAR1"
_ROWS_AT_A_TIME = 1_000
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAND_INS = {"null", "none", "nil", "n/a", "na", "nan", "-"}  # for a null


@dataclass(frozen=True)
class Problem:
    """Row 1 is the first after the header; None where it is about the whole file."""

    reason: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [f"row {self.row}" if self.row else "", f"column {self.column}" if self.column else ""]
        return ": ".join([", ".join(filter(None, place)) or "file", self.reason])


@dataclass
class Row:
    """``values`` has the columns that could be read; a null is None. The others have a problem each."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class NotFocus(Exception):
    """The file as a whole cannot be read as FOCUS."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def read_focus(path: Path) -> Iterator[Row]:
    """The rows of the file. Raises ``NotFocus`` when its form or its columns are wrong, ``OSError``."""
    with path.open("rb") as file:
        parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    return _parquet_rows(path) if parquet else _csv_rows(path)


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            _check_names(next(reader, []))
            for number, fields in enumerate(reader, start=1):
                yield _csv_row(number, fields)
        except (csv.Error, UnicodeDecodeError) as error:
            raise NotFocus(Problem(f"this is no CSV in UTF-8 after line {reader.line_num}: {error}")) from error


def _csv_row(number: int, fields: Sequence[str]) -> Row:
    row = Row(number)
    if len(fields) != len(COLUMNS):
        row.problems.append(Problem(f"there are {len(fields)} fields and not {len(COLUMNS)}", number))
        return row
    for (name, column), text in zip(COLUMNS.items(), fields, strict=True):
        _put(row, name, column, _from_text, text or None)
    return row


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            _check_schema(file.schema_arrow)
            number = 0
            for batch in file.iter_batches(_ROWS_AT_A_TIME):
                for values in batch.to_pylist():
                    number += 1
                    row = Row(number)
                    for name, column in COLUMNS.items():
                        _put(row, name, column, _from_parquet, values[name])
                    yield row
    except (pa.ArrowException, OSError) as error:  # Arrow has both for bytes that it cannot make sense of
        raise NotFocus(Problem(f"this is no Parquet file that can be read: {error}")) from error


def _check_names(names: Sequence[str]) -> None:
    problems = [Problem("the column is missing", column=name) for name in COLUMNS if name not in names]
    problems += [
        Problem(f"this is no column of ours in FOCUS {FOCUS_VERSION}", column=name)
        for name in names
        if name not in COLUMNS
    ]
    problems += [
        Problem("the column is there twice", column=name) for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    if not problems:
        pairs = zip(names, COLUMNS, strict=True)
        problems = [Problem(f"the column stands where {due} is due", column=name) for name, due in pairs if name != due]
    if problems:
        raise NotFocus(*problems)


def _check_schema(schema: pa.Schema) -> None:
    _check_names(schema.names)
    wrong = [
        Problem(f"the type is {found.type} and not {due.type}", column=due.name)
        for found, due in zip(schema, SCHEMA, strict=True)
        if found.type != due.type
    ]
    if wrong:
        raise NotFocus(*wrong)


def _put(row: Row, name: str, column: Column, read: Any, raw: Any) -> None:
    if raw is None:
        if column.nullable:
            row.values[name] = None
        else:
            row.problems.append(Problem("there is nothing (null), which may not be", row.number, name))
        return
    try:
        value = read(column, raw)
        if column.allowed is not None and value not in column.allowed:
            raise ValueError(f"{value!r} is none of the allowed values")
    except ValueError as error:
        row.problems.append(Problem(str(error), row.number, name))
    else:
        row.values[name] = value


def _from_text(column: Column, text: str) -> Any:
    match column.kind:
        case Kind.DECIMAL:
            if not _DECIMAL.fullmatch(text):
                raise ValueError(f"{text!r} is no decimal number with a point and nothing else")
            return Decimal(text)
        case Kind.INTEGER:
            if not _INTEGER.fullmatch(text):
                raise ValueError(f"{text!r} is no whole number")
            return int(text)
        case Kind.TIME:
            return _time(text)
    return _string(column, text)


def _from_parquet(column: Column, value: Any) -> Any:
    return _string(column, value) if isinstance(value, str) else value


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time such as 2026-11-01T00:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time that exists") from None


def _string(column: Column, text: str) -> str:
    if column.kind is Kind.ID and not _UUID.fullmatch(text):
        raise ValueError(f"{text!r} is no id (a UUID in small letters)")
    if column.kind is Kind.TAGS:
        _check_tags(text)
    elif not text.strip() or (text.lower() in _STAND_INS and not column.chosen_by_people):
        raise ValueError(f"{text!r} stands for nothing, which FOCUS says with a null")
    return text


def _check_tags(text: str) -> None:
    try:
        tags = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError(f"{text!r} is no JSON") from None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise ValueError(f"{text!r} is no JSON object of strings")
    if orjson.dumps(tags, option=orjson.OPT_SORT_KEYS).decode() != text:
        raise ValueError(f"{text!r} is not written in one way: each key once, sorted, without spaces")
