"""Rows as a Parquet file, in pieces: a row group at a time, and the same bytes for the same rows.

The bytes are stable because nothing in them depends on the moment: no creation time, no names of files, and the
version of the library only as long as the library stays the same (``created_by`` in the footer).
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_LINES = 20_000  # about a megabyte compressed: readers can skip, and memory holds one at a time
TIME = pa.timestamp("us", tz="UTC")
_MOST_DIGITS = 38  # that 128 bits hold
Line = TypeVar("Line")


def exact(places: int) -> pa.Decimal128Type:
    """The type of exact numbers with so many decimal places."""
    return pa.decimal128(_MOST_DIGITS, places)


class _Pieces(io.RawIOBase):
    """A file that hands on what was written to it."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        piece = b"".join(self._written)
        self._written.clear()
        return piece


def encode_parquet(
    schema: pa.Schema, values: Callable[[Line], Sequence[object]], batches: Iterable[Sequence[Line]]
) -> Iterator[bytes]:
    """The file of the lines, whose ``values`` are in the order of the schema's columns; no piece is empty.

    Raises ``pyarrow.ArrowInvalid`` for a value that its column's type does not hold exactly.
    """
    file = _Pieces()
    # The Arrow schema beside Parquet's own would only repeat it.
    with pq.ParquetWriter(file, schema, compression="zstd", store_schema=False) as writer:
        waiting: list[pa.RecordBatch] = []
        for lines in batches:
            waiting.append(_record_batch(schema, [values(line) for line in lines]))
            if sum(batch.num_rows for batch in waiting) >= ROW_GROUP_LINES:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting.clear()
                yield file.take()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
    yield file.take()


def _record_batch(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)
