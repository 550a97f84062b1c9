"""From a row of a file to a point of a collection, or to the reason why not."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import orjson

from inference.catalogue import ModelSpec
from inference.imports.models import Import
from inference.imports.reading import Row

LARGEST_ID = 2**64 - 1
_LARGEST_POINT = 8 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class NumberedRow:
    """A row of the file; ``number`` counts from 1."""

    number: int
    row: Row


class Bad(Exception):
    """The row cannot become a point. Its text is a sentence for people."""


def encode_point(wanted: Import, spec: ModelSpec, numbered: NumberedRow) -> bytes:
    """The row as a point with an inference object in place of its vector, in JSON. Raises Bad."""
    row = numbered.row
    if row.problem is not None:
        raise Bad(row.problem)
    value = {spec.modality: _input(row.values.get(wanted.column), wanted.column, spec), "model": spec.name}
    point = {
        "id": _identifier(wanted, numbered),
        "vector": {wanted.vector: value} if wanted.vector else value,
        "payload": {name: row.values[name] for name in wanted.payload_columns if name in row.values},
    }
    try:
        encoded = orjson.dumps(point, default=_plain)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise Bad(f"It cannot be written as JSON in UTF-8: {error}.") from error
    if len(encoded) > _LARGEST_POINT:
        raise Bad(f"It has {len(encoded):,} bytes; a point has at most {_LARGEST_POINT:,}.")
    return encoded


def _input(value: Any, column: str, spec: ModelSpec) -> str:
    what = "text" if spec.modality == "text" else "image (an address, or a file in base64)"
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Bad(f"Column {column} is empty, where the {what} should be.")
    if not isinstance(value, str):
        raise Bad(f"Column {column} holds {type(value).__name__}, not a {what}.")
    return value


def _identifier(wanted: Import, numbered: NumberedRow) -> int | str:
    """The row's own id; without a column for it one that only this row of this import can have."""
    if not wanted.id_column:
        return str(uuid5(wanted.pk, str(numbered.number)))
    value = numbered.row.values.get(wanted.id_column)
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and value.strip().isdecimal() and value.strip().isascii():
        number = int(value.strip()[:32])
    else:
        return _uuid(value, wanted.id_column)
    if not 0 <= number <= LARGEST_ID:
        raise Bad(f"Column {wanted.id_column} holds {number}; ids are whole numbers from 0 to {LARGEST_ID}, or UUIDs.")
    return number


def _uuid(value: Any, column: str) -> str:
    try:
        return str(UUID(str(value).strip()))
    except ValueError:
        shown = str(value)[:60] if value not in (None, "") else "nothing"
        raise Bad(f"Column {column} holds {shown}; ids are whole numbers or UUIDs.") from None


def _plain(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("a column holds bytes")
    return str(value)
