"""``python -m tests.clusters.node.registry_crash FOLDER CHANGE MOMENT``: dies while it changes the registry.

It has a collection ``c`` of ten points of version 1, with a snapshot of it from when it was empty.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clusters.node import files
from clusters.node.engine.aliases import update_aliases
from clusters.node.engine.commit import GroupCommit
from clusters.node.engine.registry import Collections
from clusters.node.engine.snapshots import UploadedSnapshot, create_snapshot, recover_snapshot
from clusters.node.engine.vector_names import create_vector_name, delete_vector_name
from clusters.node.models import m
from tests.clusters.node.crash import open_node, upsert

MOMENTS = ["before the registry is replaced", "after the registry is replaced"]
PARAMS = m.VectorParams(size=4, distance=m.Distance.DOT)


def _alias(collections: Collections) -> Any:
    action = m.CreateAliasOperation(create_alias=m.CreateAlias(alias_name="a", collection_name="c"))
    return update_aliases(collections, None, m.ChangeAliasesOperation(actions=[action]))


def _recover(collections: Collections) -> Any:
    (file,) = collections.get("c").snapshots.glob("*.snapshot")
    return recover_snapshot(collections, "c", UploadedSnapshot(file, None))


def _new_vector(collections: Collections) -> Any:
    dense = m.DenseVectorConfig(size=2, distance=m.Distance.DOT)
    return create_vector_name(collections, "c", m.DenseVectorNameConfig(dense=dense), "new")


CHANGES: dict[str, Callable[[Collections], Any]] = {
    "an alias": _alias,
    "a new vector": _new_vector,
    "a removed vector": lambda collections: delete_vector_name(collections, "c", None, "extra"),
    "a recovery": _recover,
    "a deletion": lambda collections: collections.delete("c"),
    "a creation": lambda collections: collections.create("d", m.CreateCollection(vectors=PARAMS)),
}


def _die_at(moment: str) -> None:
    publish = files.publish

    def last_publish(draft: Path, file: Path) -> None:
        if moment == "after the registry is replaced":
            publish(draft, file)
        os.kill(os.getpid(), signal.SIGKILL)

    files.publish = last_publish


def main() -> None:
    folder, change, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(exist_ok=True)
    collections, journal = open_node(folder)
    collections.create("c", m.CreateCollection(vectors={"": PARAMS, "extra": PARAMS}))
    create_snapshot(collections, "c", None)
    GroupCommit(journal).commit([upsert(collections, range(10), 1)])
    _die_at(moment)
    CHANGES[change](collections)


if __name__ == "__main__":
    main()
