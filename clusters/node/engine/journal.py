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

_HEADER = struct.Struct("<IQQ")  # crc32 of what follows it, number of the group, length of the record
_POSITION = struct.Struct("<QII")  # number of the group, a position, and its complement to recognise a torn one
_MOST_PARTS = 512  # of one system call; POSIX allows 1024
_NO_GROUP = bytes(_HEADER.size)
_LARGEST_KEPT = 16 * 1024 * 1024  # bytes of disk that a journal may occupy while it is empty


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
    """One group of write requests on disk.

    A group is written over the one before: a file that keeps its size is on disk sooner than one that grows. What
    is behind a group is left over from another, which the number tells.
    """

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._group = int.from_bytes(os.urandom(8), "little")
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
        self._group = (self._group + 1) % 2**64
        parts = [orjson.dumps(heads) + b"\n", *(entry.body for entry in entries)]
        length = sum(map(len, parts))
        self._end = _HEADER.size + length
        self._write([_HEADER.pack(_checksum(self._group, length, parts), self._group, length), *parts], 0)

    def note_position(self, steps_done: int) -> None:
        """Put on disk that this many of the group's steps are flushed and must not be repeated."""
        position = _POSITION.pack(self._group, steps_done, steps_done ^ 0xFFFFFFFF)
        self._write([position], self._end)
        self._end += len(position)

    def clear(self) -> None:
        """Forget the group, which is flushed. A group that reappears after a power cut is the last one, and whole."""
        os.pwrite(self._handle, _NO_GROUP, 0)
        if self._end > _LARGEST_KEPT:
            os.ftruncate(self._handle, 0)
        self._end = 0

    def read(self) -> tuple[list[JournalEntry], int]:
        """The group a crash interrupted and how many of its steps are done; no entries when there is none."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._handle), "rb") as source:
            content = source.read()
        if len(content) < _HEADER.size:
            return [], 0
        checksum, group, length = _HEADER.unpack_from(content)
        record = content[_HEADER.size : _HEADER.size + length]
        if not length or len(record) != length or _checksum(group, length, [record]) != checksum:
            return [], 0  # there is none, or the process died while writing it, so nothing of it was applied
        self._group, self._end = group, _HEADER.size + length
        return _entries(record), self._position(content)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _position(self, content: bytes) -> int:
        steps_done = 0
        while len(content) - self._end >= _POSITION.size:
            group, position, complement = _POSITION.unpack_from(content, self._end)
            if group != self._group or position ^ 0xFFFFFFFF != complement:
                break
            steps_done = position
            self._end += _POSITION.size
        return steps_done

    def _write(self, parts: list[bytes], offset: int) -> None:
        """Put the parts on disk, one after the other."""
        for start in range(0, len(parts), _MOST_PARTS):
            some = parts[start : start + _MOST_PARTS]
            size = sum(map(len, some))
            written = os.pwritev(self._handle, some, offset)
            if written < size:  # which files on a disk see only when it is full or a signal came
                self._write_rest(b"".join(some)[written:], offset + written)
            offset += size
        os.fdatasync(self._handle)

    def _write_rest(self, data: bytes, offset: int) -> None:
        while data:
            written = os.pwrite(self._handle, data, offset)
            data, offset = data[written:], offset + written


def _checksum(group: int, length: int, parts: list[bytes]) -> int:
    checksum = zlib.crc32(group.to_bytes(8, "little") + length.to_bytes(8, "little"))
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return checksum


def _entries(record: bytes) -> list[JournalEntry]:
    head, _, bodies = record.partition(b"\n")
    entries, start = [], 0
    for item in orjson.loads(head):
        body = bodies[start : start + item["size"]]
        form = item.get("form", "json")
        entries.append(JournalEntry(item["operation"], item["folder"], item["parameters"], body, form))
        start += item["size"]
    return entries
