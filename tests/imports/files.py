"""The same rows as files of every format."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[dict[str, Any]]


def csv_bytes(rows: Rows, delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def json_lines(rows: Rows) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def parquet_bytes(rows: Rows) -> bytes:
    """In row groups of three, so that every position is tried inside of one and between two."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file, row_group_size=3)
    return file.getvalue()


WRITERS = {"csv": csv_bytes, "jsonl": json_lines, "parquet": parquet_bytes}


def kept(folder: Path, content: bytes) -> Path:
    path = folder / "uploaded"
    path.write_bytes(content)
    return path
