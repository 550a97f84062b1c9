"""Snapshots of a collection: a compressed tar of its configuration and its flushed shard.

The engine opens a shard that lacks files as one that lacks points, so the tar begins with the list of its files.
A snapshot has its name only when all of it is on disk. A recovery fills a folder of its own, which then takes the
collection's place in the registry, so that after a crash the collection is the old one or the new one.
"""

import contextlib
import gzip
import hashlib
import io
import tarfile
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from clusters.node.engine.collection import Collection
from clusters.node.engine.registry import Collections, check_name
from clusters.node.engine.vectors import check_vector_names
from clusters.node.errors import EnginePanic, NodeError, NotFound, WrongInput
from clusters.node.files import publish, sync, sync_tree, write_atomically, write_sparsely
from clusters.node.models import m

_HEAD = "collection.json"  # {"configuration": …, "files": {path in the shard: bytes}}
_SHARD = "shard/"
_LARGEST_HEAD = 16 * 1024 * 1024  # bytes
_COMPRESSION = 1  # enough for the zeros that most of a small shard consists of
_BROKEN_FILE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)
_IMPOSSIBLE_NAMES = (ValueError, FileExistsError, IsADirectoryError, NotADirectoryError)
_LONGEST_PREFIX = 150  # bytes of the collection's name that a snapshot's name begins with


@dataclass(frozen=True)
class UploadedSnapshot:
    """A snapshot that was sent, and the SHA-256 it should have, if the sender told one."""

    file: Path
    checksum: str | None


def create_snapshot(collections: Collections, name: str, _body: None) -> dict[str, Any]:
    """Take a snapshot; returns its description once it is on disk."""
    collection = collections.get(name)
    collection.flush()
    if not collection.snapshots.exists():
        collection.snapshots.mkdir()
        sync(collection.snapshots.parent)
    file = collection.snapshots / _new_name(collection.name)
    draft = file.with_name(f"{file.name}.new")
    try:
        with draft.open("wb") as out:
            _pack(collection, out)
        sync(draft)
        publish(draft, file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    write_atomically(_checksum_file(file), _sha256(file).encode())
    return _description(file)


def list_snapshots(collections: Collections, name: str, _body: None) -> list[dict[str, Any]]:
    """The snapshots of a collection, oldest first."""
    return [_description(file) for file in _files(collections.get(name))]


def get_snapshot(collections: Collections, name: str, _body: None, snapshot_name: str) -> Path:
    """The file of a snapshot."""
    return _file(collections.get(name), snapshot_name)


def delete_snapshot(collections: Collections, name: str, _body: None, snapshot_name: str) -> bool:
    """Delete a snapshot; raises NotFound when there is none of that name."""
    file = _file(collections.get(name), snapshot_name)
    _checksum_file(file).unlink(missing_ok=True)
    file.unlink()
    sync(file.parent)
    return True


def recover_snapshot(collections: Collections, name: str, body: UploadedSnapshot) -> bool:
    """Put a snapshot's collection in the place of this one, or create it.

    Raises WrongInput for a file that is no snapshot, is not the one announced, or has other vectors.
    """
    old = collections.find(name)
    if old is None:
        check_name(name)
    if body.checksum is not None and body.checksum.lower() != (found := _sha256(body.file)):
        raise WrongInput(f"Snapshot checksum mismatch: expected {body.checksum}, got {found}")
    with _opened(body.file) as archive:
        configuration, files = _head(archive)
        collection = collections.draft(old.name if old else name, configuration)
        check_vector_names(collection.vectors)
        if old is not None:
            if old.vectors != collection.vectors:
                raise WrongInput("Snapshot is not compatible with existing collection: their vectors differ")
            collection.continue_from(old)
        try:
            _unpack(archive, collection, files)
        except Exception:
            collection.remove()
            raise
    collections.register(collection)
    return True


def _new_name(collection: str) -> str:
    """A name like Qdrant's: collection, a number, the second."""
    prefix = collection.encode()[:_LONGEST_PREFIX].decode(errors="ignore")
    return f"{prefix}-{uuid.uuid4().int % 10**16:016d}-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}.snapshot"


def _pack(collection: Collection, out: Any) -> None:
    configuration = collection.configuration.model_dump(mode="json", exclude_none=True)
    content = orjson.dumps({"configuration": configuration, "files": _sizes(collection.folder)})
    head = tarfile.TarInfo(_HEAD)
    head.size = len(content)
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=_COMPRESSION) as archive:
        archive.addfile(head, io.BytesIO(content))
        archive.add(collection.folder, _SHARD.rstrip("/"))


def _sizes(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_size for file in folder.rglob("*") if file.is_file()}


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:gz") as archive:
            yield archive
    except (*_BROKEN_FILE, *_IMPOSSIBLE_NAMES) as error:
        raise _no_snapshot() from error


def _head(archive: tarfile.TarFile) -> tuple[m.CreateCollection, dict[str, int]]:
    first = archive.next()
    if first is None or first.name != _HEAD or first.size > _LARGEST_HEAD:
        raise _no_snapshot()
    content = archive.extractfile(first)
    if content is None:
        raise _no_snapshot()
    try:
        head = orjson.loads(content.read())
        return m.CreateCollection.model_validate(head["configuration"]), head["files"]
    except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError):
        raise _no_snapshot() from None


def _unpack(archive: tarfile.TarFile, collection: Collection, files: dict[str, int]) -> None:
    """Fill the collection's folder, open its shard and put it on disk."""
    collection.folder.mkdir()
    for member in archive:
        if not member.name.startswith(_SHARD):
            continue
        member.name = member.name.removeprefix(_SHARD)
        tarfile.data_filter(member, str(collection.folder))  # refuses paths that lead outside
        target = collection.folder / member.name
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        elif member.isreg() and (content := archive.extractfile(member)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_sparsely(target, content)
    if not files or _sizes(collection.folder) != files:
        raise _no_snapshot()
    try:
        collection.load()
        collection.read("info")
    except EnginePanic:
        raise _no_snapshot() from None
    except NodeError as error:
        raise WrongInput(f"the snapshot's shard cannot be opened: {error}") from error
    collection.flush()
    sync_tree(collection.folder)


def _no_snapshot() -> WrongInput:
    return WrongInput(
        "this is no whole snapshot that an embedded node made; those of other Qdrant servers have another form"
    )


def _files(collection: Collection) -> list[Path]:
    files = collection.snapshots.glob("*.snapshot") if collection.snapshots.exists() else []
    return sorted(files, key=lambda file: file.stat().st_mtime_ns)


def _file(collection: Collection, snapshot_name: str) -> Path:
    """The snapshot of this name; looked for among those there are, because the name may be any path."""
    for file in _files(collection):
        if file.name == snapshot_name:
            return file
    raise NotFound(f"Snapshot {snapshot_name} not found")


def _checksum_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.checksum")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _description(file: Path) -> dict[str, Any]:
    checksum = _checksum_file(file)
    status = file.stat()
    return {
        "name": file.name,
        "creation_time": f"{datetime.fromtimestamp(status.st_mtime, UTC):%Y-%m-%dT%H:%M:%S}",
        "size": status.st_size,
        "checksum": checksum.read_text() if checksum.exists() else None,
    }
