"""One look through a file that was uploaded: its columns, how many rows, the first of them, and a fair sample."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from inference.imports.reading import FORMATS, Row, Unreadable, format_of, read_rows, storable

MOST_ROWS = 1_000_000
MOST_COLUMNS = 200
LONGEST_NAME = 255
PREVIEWED = 5
SAMPLED = 100
_LOOKED_AT_FOR_COLUMNS = 1_000
# More than the longest context window needs, and short enough that a draft stays small
_LONGEST_SAMPLED_TEXT = 4_000


@dataclass(frozen=True)
class Inspected:
    """``sample`` holds all rows of a file that has no more than ``SAMPLED``."""

    format: str
    columns: list[str]
    rows: int
    preview: list[dict[str, Any]]
    sample: list[dict[str, Any]]


def inspect_file(path: Path) -> Inspected:
    """Read the file once. Raises Unreadable with what to do about it, OSError."""
    format = format_of(path)
    columns = FORMATS[format].columns(path)
    found = dict.fromkeys(columns or [])
    preview: list[dict[str, Any]] = []
    sample: list[dict[str, Any]] = []
    chance = random.Random(0)  # noqa: S311 - a fair sample, no secret; the same for the same file
    rows = 0
    for row in read_rows(path, format):
        rows += 1
        if rows > MOST_ROWS:
            raise Unreadable(f"The file has more than {MOST_ROWS:,} rows. Split it.")
        if columns is None and rows <= _LOOKED_AT_FOR_COLUMNS:
            found |= dict.fromkeys(row.values)
        if len(preview) < PREVIEWED and row.problem is None:
            preview.append(_kept(row))
        place = rows - 1 if len(sample) < SAMPLED else chance.randrange(rows)
        if place < SAMPLED:
            sample[place : place + 1] = [_kept(row)]
    _check(list(found), rows, preview)
    return Inspected(format, list(found), rows, preview, sample)


def _check(columns: list[str], rows: int, readable: Iterable[Any]) -> None:
    if not rows:
        raise Unreadable("The file has no rows.")
    if not list(readable):
        raise Unreadable("None of the file's rows can be read. Is it CSV, JSON Lines or Parquet?")
    if any(len(name) > LONGEST_NAME or storable(name) != name for name in columns):
        raise Unreadable(f"Names of columns have at most {LONGEST_NAME} characters, and NUL is none of them.")
    if len(columns) > MOST_COLUMNS:
        raise Unreadable(f"The file has {len(columns)} columns; at most {MOST_COLUMNS} are taken.")


def _kept(row: Row) -> dict[str, Any]:
    """The row's values as JSON can have them, with long texts cut."""
    return {storable(name): _short(value) for name, value in row.values.items()}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value[:_LONGEST_SAMPLED_TEXT])
    if value is None or isinstance(value, bool | int | float):
        return value if value == value and abs(value or 0) != float("inf") else None
    return _short(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
