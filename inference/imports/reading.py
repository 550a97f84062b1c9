"""Rows of files that people upload: CSV, JSON Lines and Parquet, from any position on, in bounded memory."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

LONGEST_LINE = 16 * 1024 * 1024  # bytes
_LONGEST_FIELD = 4 * 1024 * 1024  # characters
_LONGEST_EXCERPT = 200
_ROWS_AT_ONCE = 256
_DELIMITERS = ",;\t|"
_PARQUET_MAGIC = b"PAR1"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

csv.field_size_limit(_LONGEST_FIELD)


class Unreadable(Exception):
    """The file as a whole cannot be read. Its text is a sentence for people."""


@dataclass(frozen=True)
class Row:
    """``values`` by column, or the ``problem`` why there are none. ``end`` is the position behind the row."""

    end: int
    values: dict[str, Any]
    problem: str | None = None
    excerpt: str = ""

    @property
    def shown(self) -> str:
        """The row's beginning, for a report."""
        return storable(self.excerpt or json.dumps(self.values, default=str, ensure_ascii=False))[:_LONGEST_EXCERPT]


@dataclass(frozen=True)
class Format:
    """``columns`` are those that the file itself declares, None where only its rows know."""

    title: str
    rows: Callable[[Path, int], Iterator[Row]]
    columns: Callable[[Path], list[str] | None]


def format_of(path: Path) -> str:
    """The file's format by its first bytes. Raises Unreadable for what is none of ``FORMATS``."""
    with path.open("rb") as file:
        begin = file.read(4096)
    if begin.startswith(_PARQUET_MAGIC):
        return "parquet"
    text = begin.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if not text:
        raise Unreadable("The file is empty.")
    if b"\0" in begin:
        raise Unreadable("This is neither CSV in UTF-8 nor JSON Lines nor Parquet.")
    if text.startswith(b"["):
        raise Unreadable("This is a JSON list. Write one object in each line (JSON Lines).")
    return "jsonl" if text.startswith(b"{") else "csv"


def read_rows(path: Path, format: str, position: int = 0) -> Iterator[Row]:
    """The rows from ``position`` on (0, or the end of a row). Raises Unreadable, OSError."""
    return FORMATS[format].rows(path, position)


def storable(text: str) -> str:
    """The text without what a database refuses: half surrogates and NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _quoted(text: str) -> str:
    """As JSON, which no spreadsheet runs as a formula."""
    return json.dumps(text[:_LONGEST_EXCERPT], ensure_ascii=False)


def _csv_columns(path: Path) -> list[str]:
    with path.open("rb") as file:
        columns, _ = _csv_header(file)
    return columns


def _csv_header(file: BinaryIO) -> tuple[list[str], str]:
    """The columns' names and the delimiter; the file stands behind the header then."""
    lines = _Lines(file)
    first = next(lines, "").removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=first.count)
    columns = [name.strip() for name in next(csv.reader(_chain(first, lines), delimiter=delimiter), [])]
    file.seek(lines.position)
    if not any(columns):
        raise Unreadable("The first line of a CSV file names its columns; here it is empty.")
    if len(set(columns)) < len(columns) or "" in columns:
        raise Unreadable("Every column needs a name of its own in the first line.")
    if any("\udc80" <= letter <= "\udcff" for name in columns for letter in name):
        raise Unreadable("The file is not in UTF-8. Save it as “CSV UTF-8”.")
    return columns, delimiter


def _csv_rows(path: Path, position: int) -> Iterator[Row]:
    with path.open("rb") as file:
        columns, delimiter = _csv_header(file)
        if position:
            file.seek(position)
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(lines.position, {}, f"It cannot be read: {error}. Is a quotation mark missing?")
                continue
            if not fields:
                continue
            problem = None
            if len(fields) != len(columns):
                problem = f"It has {len(fields)} fields, and the header has {len(columns)}."
            yield Row(
                lines.position,
                dict(zip(columns, fields, strict=False)),
                problem,
                _quoted(delimiter.join(fields)) if problem else "",
            )


class _Lines:
    """Lines of a file as text, and the position behind the last one. What is no UTF-8 stays as half surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.position = file.tell()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.position += len(line)
        return line.decode(errors="surrogateescape")


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _json_rows(path: Path, position: int) -> Iterator[Row]:
    with path.open("rb") as file:
        file.seek(position)
        while line := file.readline(LONGEST_LINE):
            end = file.tell()
            line = line.removeprefix(_BYTE_ORDER_MARK)
            if not line.strip():
                continue
            try:
                values = orjson.loads(line)
                problem = None if isinstance(values, dict) else "It is not a JSON object."
            except orjson.JSONDecodeError as error:
                problem = f"It is not JSON: {error}."
            if problem:
                yield Row(end, {}, problem, _quoted(line[:_LONGEST_EXCERPT].decode(errors="replace").strip()))
            else:
                yield Row(end, values)


def _parquet_rows(path: Path, position: int) -> Iterator[Row]:
    """Positions are numbers of rows: a whole group of rows is decoded to find one in it."""
    try:
        file = pq.ParquetFile(path)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if end > position:
                yield from _rows_of_group(file, group, start, position)
            start = end
    except pa.ArrowException as error:
        raise Unreadable(f"The Parquet file cannot be read: {error}.") from error


def _rows_of_group(file: pq.ParquetFile, group: int, number: int, position: int) -> Iterator[Row]:
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group]):
        if number + batch.num_rows <= position:
            number += batch.num_rows
            continue
        for values in batch.to_pylist():
            number += 1
            if number > position:
                yield Row(number, values)


def _parquet_columns(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except pa.ArrowException as error:
        raise Unreadable(f"The Parquet file cannot be read: {error}.") from error


FORMATS = {
    "csv": Format("CSV", _csv_rows, _csv_columns),
    "jsonl": Format("JSON Lines", _json_rows, lambda path: None),
    "parquet": Format("Parquet", _parquet_rows, _parquet_columns),
}
