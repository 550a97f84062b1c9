"""Files that must survive a crash whole."""

import os
from pathlib import Path
from typing import IO

_ZEROS = bytes(64 * 1024)


def write_atomically(file: Path, content: bytes) -> None:
    """Replace a file so that after a crash at any moment it holds the old content or the new, on disk."""
    draft = file.with_name(f"{file.name}.new")
    with draft.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    publish(draft, file)


def publish(draft: Path, file: Path) -> None:
    """Give a file that is on disk its name; it replaces what had the name."""
    draft.replace(file)
    sync(file.parent)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with everything in it to a folder that is not there yet."""
    target.mkdir()
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir()
        else:
            with path.open("rb") as content:
                write_sparsely(copy, content)


def write_sparsely(file: Path, content: IO[bytes]) -> None:
    """Write a file without the disk space for its zeros: the engine makes files of 32 MB for the first point."""
    with file.open("wb") as out:
        while block := content.read(len(_ZEROS)):
            if block == _ZEROS:
                out.seek(len(block), os.SEEK_CUR)
            else:
                out.write(block)
        out.truncate()


def size_on_disk(folder: Path) -> int:
    """The bytes of disk that a folder's files occupy."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def sync_tree(folder: Path) -> None:
    """Put a folder and everything in it on disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Put a file's content, or a folder's list of names, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
