"""Files that are either whole or not there: written under another name, made durable, then put in place."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """What is in a file: its SHA-256 in hex and its size."""

    sha256: str
    bytes: int


def write_whole(output: Path, pieces: Iterable[bytes]) -> Written:
    """Write to a temporary file beside ``output``, then put it in place. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, output)
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(output.parent)
    return Written(digest.hexdigest(), size)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
