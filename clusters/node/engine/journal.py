"""The journal: the write requests now being applied, so that a crash leaves each of them whole or absent.

The engine changes stored vectors in place, through memory maps, before it is flushed: a process that dies in
between leaves points with new vectors and old payloads. So the requests of a group are written here first, and a
journal found at start is applied again. Applying a group twice gives what applying it once gives, but for updates
that depend on what is stored; around those the shard is flushed and the position in the group is noted.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

_HEADER = struct.Struct("<IQ")  # crc32 of the record, its length
_POSITION = struct.Struct("<II")  # a position, and its complement to recognise a torn one


Form = Literal["json", "message"]


@dataclass(frozen=True)
class JournalEntry:
    """One write request: the operation's name, the collection's folder, path parameters and the body as it came.

    ``form`` tells whether the body is JSON or a gRPC message.
    """

    operation: str
    folder: str
    parameters: dict[str, str]
    body: bytes
    form: Form = "json"


class Journal:
    """One group of write requests on disk."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = 0

    def write(self, entries: list[JournalEntry]) -> None:
        """Put the group on disk, in place of the one before."""
        heads = [
            {
                "operation": e.operation,
                "folder": e.folder,
                "parameters": e.parameters,
                "size": len(e.body),
                "form": e.form,
            }
            for e in entries
        ]
        record = orjson.dumps(heads) + b"\n" + b"".join(entry.body for entry in entries)
        self._write(_HEADER.pack(zlib.crc32(record), len(record)) + record, 0)

    def note_position(self, steps_done: int) -> None:
        """Put on disk that this many of the group's steps are flushed and must not be repeated."""
        self._write(_POSITION.pack(steps_done, steps_done ^ 0xFFFFFFFF), self._end)

    def clear(self) -> None:
        """Forget the group, which is flushed. A group that reappears after a power cut is the last one, and whole."""
        os.ftruncate(self._handle, 0)
        self._end = 0

    def read(self) -> tuple[list[JournalEntry], int]:
        """The group a crash interrupted and how many of its steps are done; no entries when there is none."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._handle), "rb") as source:
            content = source.read()
        if len(content) < _HEADER.size:
            return [], 0
        checksum, length = _HEADER.unpack_from(content)
        record = content[_HEADER.size : _HEADER.size + length]
        if len(record) != length or zlib.crc32(record) != checksum:
            return [], 0  # died while writing it, so nothing of it was applied
        self._end = _HEADER.size + length
        return _entries(record), self._position(content)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _position(self, content: bytes) -> int:
        steps_done = 0
        while len(content) - self._end >= _POSITION.size:
            position, complement = _POSITION.unpack_from(content, self._end)
            if position ^ 0xFFFFFFFF != complement:
                break
            steps_done = position
            self._end += _POSITION.size
        return steps_done

    def _write(self, data: bytes, offset: int) -> None:
        if offset == 0:
            os.ftruncate(self._handle, 0)
        view = memoryview(data)
        while view:
            written = os.pwrite(self._handle, view, offset)
            view, offset = view[written:], offset + written
        os.fdatasync(self._handle)
        self._end = offset


def _entries(record: bytes) -> list[JournalEntry]:
    head, _, bodies = record.partition(b"\n")
    entries, start = [], 0
    for item in orjson.loads(head):
        body = bodies[start : start + item["size"]]
        form = item.get("form", "json")
        entries.append(JournalEntry(item["operation"], item["folder"], item["parameters"], body, form))
        start += item["size"]
    return entries
