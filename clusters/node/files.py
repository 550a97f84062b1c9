"""Files that must survive a crash whole."""

import os
from pathlib import Path


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
