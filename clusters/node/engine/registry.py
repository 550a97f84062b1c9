"""The collections of a node, by name: which folder holds which, with which configuration.

The registry file is the truth, for aliases too. A folder is complete before it is registered and unregistered
before it is deleted, so a folder that the file does not name is left over from a crash and is removed at start.
"""

import logging
import shutil
import uuid
from pathlib import Path
from typing import Any

import orjson

from clusters.node.engine.collection import Collection
from clusters.node.engine.configuration import updated_configuration
from clusters.node.engine.vectors import check_vector_names
from clusters.node.errors import Conflict, NodeError, WrongInput, collection_not_found
from clusters.node.files import sync, write_atomically
from clusters.node.models import m

log = logging.getLogger(__name__)

LONGEST_NAME = 255
_FORBIDDEN = set('<>:"/\\|?*\0\x1f')


class Collections:
    """The open collections of one node. Every method runs on the engine thread."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "collections"
        self._snapshots = data_dir / "snapshots"
        self._file = data_dir / "collections.json"
        self._by_name: dict[str, Collection] = {}
        self._aliases: dict[str, str] = {}

    def load(self) -> None:
        """Open every registered collection and remove folders that are not registered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._snapshots.mkdir(exist_ok=True)
        content = orjson.loads(self._file.read_bytes()) if self._file.exists() else {"collections": {}}
        entries = content["collections"]
        self._aliases = content.get("aliases", {})
        for name, entry in entries.items():
            configuration = m.CreateCollection.model_validate(entry["configuration"])
            snapshots = self._snapshots / entry.get("snapshots", entry["folder"])
            collection = Collection(name, self._folder / entry["folder"], configuration, snapshots)
            self._by_name[name] = collection
            try:
                collection.load()
                collection.count_unindexed()
            except NodeError as error:
                log.error("collection cannot be loaded: %s", error, extra={"folder": entry["folder"]})
        _remove_others(self._folder, {collection.folder.name for collection in self._by_name.values()})
        _remove_others(self._snapshots, {collection.snapshots.name for collection in self._by_name.values()})
        for draft in self._snapshots.glob("*/*.new"):
            draft.unlink()

    def names(self) -> list[str]:
        """The collections' names, in the order they were created."""
        return list(self._by_name)

    @property
    def aliases(self) -> dict[str, str]:
        """Other names of collections, each with the name it stands for."""
        return dict(self._aliases)

    def find(self, name: str) -> Collection | None:
        """The collection of this name or alias, or None."""
        return self._by_name.get(self._aliases.get(name, name))

    def get(self, name: str) -> Collection:
        """The collection of this name or alias, or NotFound."""
        collection = self.find(name)
        if collection is None:
            raise collection_not_found(name)
        return collection

    def in_folder(self, folder: str) -> Collection:
        """The collection whose data lies in the folder of this name, or NotFound."""
        for collection in self._by_name.values():
            if collection.folder.name == folder:
                return collection
        raise collection_not_found(folder)

    def draft(self, name: str, configuration: m.CreateCollection) -> Collection:
        """A collection with a folder of its own that nobody sees before it is created in it and registered."""
        folder = str(uuid.uuid4())
        return Collection(name, self._folder / folder, configuration, self._snapshots / folder)

    def create(self, name: str, configuration: m.CreateCollection) -> None:
        """Create a collection; raises Conflict when the name is taken."""
        check_name(name)
        if name in self._by_name:
            raise Conflict(f"Collection `{name}` already exists!")
        if name in self._aliases:
            raise WrongInput(f"Can't create collection with name {name}. Alias with the same name already exists")
        collection = self.draft(name, configuration)
        check_vector_names(collection.vectors)
        try:
            collection.create()
        except NodeError:
            collection.remove()
            raise
        self.register(collection)

    def register(self, collection: Collection) -> None:
        """Make a complete collection the one of its name; what had the name before is deleted.

        When this fails the folder stays, because the registry on disk may name it already; the next start knows.
        """
        collection.count_unindexed()
        old = self._by_name.get(collection.name)
        self._save({**self._by_name, collection.name: collection}, self._aliases)
        if old is not None:
            old.remove()

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
        self._save(self._by_name, self._aliases)
        collection.count_unindexed(all_points=True)

    def set_aliases(self, aliases: dict[str, str]) -> None:
        """Replace all aliases at once."""
        self._save(self._by_name, aliases)

    def delete(self, name: str) -> bool:
        """Delete a collection with its data; False when there is none."""
        collection = self._by_name.get(name)
        if collection is None:
            return False
        others = {other: kept for other, kept in self._by_name.items() if other != name}
        self._save(others, {alias: target for alias, target in self._aliases.items() if target != name})
        collection.remove()
        shutil.rmtree(collection.snapshots, ignore_errors=True)
        return True

    def close(self) -> None:
        """Flush and close every collection."""
        for collection in self._by_name.values():
            try:
                collection.flush()
            except NodeError as error:
                log.error("collection not flushed: %s", error, extra={"folder": collection.folder.name})
            collection.close()

    def _save(self, by_name: dict[str, Collection], aliases: dict[str, str]) -> None:
        """Put the registry on disk; only then is it what this node answers with."""
        entries: dict[str, Any] = {
            name: {
                "folder": collection.folder.name,
                "snapshots": collection.snapshots.name,
                "configuration": collection.configuration.model_dump(mode="json", exclude_none=True),
            }
            for name, collection in by_name.items()
        }
        sync(self._folder)
        content = {"collections": entries, "aliases": aliases}
        write_atomically(self._file, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        self._by_name, self._aliases = by_name, aliases


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


def _remove_others(parent: Path, registered: set[str]) -> None:
    """Remove what a crash left behind."""
    for folder in parent.iterdir():
        if folder.name not in registered:
            log.info("unregistered folder removed", extra={"folder": folder.name})
            shutil.rmtree(folder, ignore_errors=True)
