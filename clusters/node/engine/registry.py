"""The collections of a node, by name: which folder holds which, with which configuration.

The registry file is the truth. A folder is complete before it is registered and unregistered before it is
deleted, so a folder that the file does not name is left over from a crash and is removed at start.
"""

import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import orjson

from clusters.node.engine.collection import Collection
from clusters.node.engine.configuration import updated_configuration
from clusters.node.errors import Conflict, NodeError, collection_not_found
from clusters.node.files import write_atomically
from clusters.node.models import m

log = logging.getLogger(__name__)

LONGEST_NAME = 255
_FORBIDDEN = set('<>:"/\\|?*\0\x1f')


class Collections:
    """The open collections of one node. Every method runs on the engine thread."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "collections"
        self._file = data_dir / "collections.json"
        self._by_name: dict[str, Collection] = {}

    def load(self) -> None:
        """Open every registered collection and remove folders that are not registered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entries = orjson.loads(self._file.read_bytes())["collections"] if self._file.exists() else {}
        for name, entry in entries.items():
            configuration = m.CreateCollection.model_validate(entry["configuration"])
            collection = Collection(name, self._folder / entry["folder"], configuration)
            self._by_name[name] = collection
            try:
                collection.load()
            except NodeError as error:
                log.error("collection cannot be loaded: %s", error, extra={"folder": entry["folder"]})
        registered = {entry["folder"] for entry in entries.values()}
        for folder in self._folder.iterdir():
            if folder.name not in registered:
                log.info("unregistered folder removed", extra={"folder": folder.name})
                shutil.rmtree(folder, ignore_errors=True)

    def names(self) -> list[str]:
        """The collections' names, in the order they were created."""
        return list(self._by_name)

    def get(self, name: str) -> Collection:
        """The collection, or NotFound."""
        try:
            return self._by_name[name]
        except KeyError:
            raise collection_not_found(name) from None

    def in_folder(self, folder: str) -> Collection:
        """The collection whose data lies in the folder of this name, or NotFound."""
        for collection in self._by_name.values():
            if collection.folder.name == folder:
                return collection
        raise collection_not_found(folder)

    def create(self, name: str, configuration: m.CreateCollection) -> None:
        """Create a collection; raises Conflict when the name is taken."""
        check_name(name)
        if name in self._by_name:
            raise Conflict(f"Collection `{name}` already exists!")
        collection = Collection(name, self._folder / str(uuid.uuid4()), configuration)
        try:
            collection.create()
        except NodeError:
            shutil.rmtree(collection.folder, ignore_errors=True)
            raise
        self._by_name[name] = collection
        self._save()

    def update(self, name: str, change: m.UpdateCollection) -> None:
        """Change a collection's configuration; the shard is opened anew under it."""
        collection = self.get(name)
        old = collection.configuration
        new = updated_configuration(old, change)
        collection.close()
        collection.configuration = new
        try:
            collection.load()
        except NodeError:
            collection.configuration = old
            collection.reload()
            raise
        self._save()

    def delete(self, name: str) -> bool:
        """Delete a collection with its data; False when there is none."""
        collection = self._by_name.pop(name, None)
        if collection is None:
            return False
        self._save()
        collection.close()
        shutil.rmtree(collection.folder, ignore_errors=True)
        return True

    def close(self) -> None:
        """Flush and close every collection."""
        for collection in self._by_name.values():
            try:
                collection.flush()
            except NodeError as error:
                log.error("collection not flushed: %s", error, extra={"folder": collection.folder.name})
            collection.close()

    def _save(self) -> None:
        entries: dict[str, Any] = {
            name: {
                "folder": collection.folder.name,
                "configuration": collection.configuration.model_dump(mode="json", exclude_none=True),
            }
            for name, collection in self._by_name.items()
        }
        _sync_folder(self._folder)
        write_atomically(self._file, orjson.dumps({"collections": entries}, option=orjson.OPT_INDENT_2))


def check_name(name: str) -> None:
    """Raise for a name Qdrant refuses: empty, longer than 255 bytes, or with characters no folder may have."""
    refusal = None
    if not 1 <= len(name.encode()) <= LONGEST_NAME:
        refusal = f"value invalid, must be from 1 to {LONGEST_NAME} characters"
    elif name in (".", ".."):
        refusal = f'collection name cannot be "{name}"'
    elif bad := sorted(_FORBIDDEN & set(name)):
        refusal = f'collection name cannot contain "{bad[0]}" char'
    if refusal is not None:
        raise InvalidName(refusal)


class InvalidName(NodeError):
    """A collection name that Qdrant does not allow."""

    status = 422

    def __init__(self, detail: str) -> None:
        super().__init__(f"Validation error in path: [name: {detail}]")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
