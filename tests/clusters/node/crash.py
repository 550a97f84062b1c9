"""``python -m tests.clusters.node.crash FOLDER MOMENT FORM``: a process that dies while it writes.

It stores points 0-9 as version 1, then overwrites 0-9 and adds 10-19 as version 2 in one request, and kills itself
at the named moment of the second, whose form is "json" or "message".
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from clusters.node.engine.collection import Collection
from clusters.node.engine.commit import GroupCommit, WriteRequest
from clusters.node.engine.journal import Journal, JournalEntry
from clusters.node.engine.registry import Collections
from clusters.node.models import m
from clusters.node.operations import OPERATIONS
from clusters.qdrant_messages import q

MOMENTS = ["writing the journal", "before applying", "before the flush", "after the flush"]


def write_request(collections: Collections, operation: str, body: Any) -> WriteRequest:
    """A checked write of one collection called ``c``."""
    raw = orjson.dumps(body)
    steps = OPERATIONS[operation].function(collections, "c", OPERATIONS[operation].parse(raw))
    return WriteRequest(JournalEntry(operation, collections.get("c").folder.name, {}, raw), steps)


def upsert(collections: Collections, ids: range, version: int) -> WriteRequest:
    """An upsert of points whose vector and payload both tell the version."""
    points = [{"id": id, "vector": [float(version)] * 4, "payload": {"version": version}} for id in ids]
    return write_request(collections, "upsert_points", {"points": points})


def as_message(request: WriteRequest, ids: range, version: int) -> WriteRequest:
    """The same upsert as gRPC would have brought it."""
    points = [
        q.PointStruct(
            id=q.PointId(num=id),
            vectors=q.Vectors(vector=q.Vector(dense=q.DenseVector(data=[version] * 4))),
            payload={"version": q.Value(integer_value=version)},
        )
        for id in ids
    ]
    message = q.UpsertPoints(collection_name="c", points=points).SerializeToString()
    return replace(request, entry=replace(request.entry, body=message, form="message"))


def open_node(folder: Path) -> tuple[Collections, Journal]:
    """The collections and the journal of a data folder."""
    collections = Collections(folder)
    collections.load()
    return collections, Journal(folder / "journal")


def _die(*_arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _write_half(journal: Any, parts: list[bytes], offset: int) -> None:
    data = b"".join(parts)
    os.pwrite(journal._handle, data[: len(data) // 2], offset)
    _die()


def _arm(moment: str) -> None:
    """Make the next call at this moment the last."""
    target: Any
    target, name = {
        "writing the journal": (Journal, "_write"),
        "before applying": (Collection, "apply"),
        "before the flush": (Collection, "flush"),
        "after the flush": (Journal, "clear"),
    }[moment]
    setattr(target, name, _write_half if moment == "writing the journal" else _die)


def main() -> None:
    folder, moment, form = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(exist_ok=True)
    collections, journal = open_node(folder)
    configuration = m.CreateCollection(vectors=m.VectorParams(size=4, distance=m.Distance.DOT))
    collections.create("c", configuration)
    commit = GroupCommit(journal)
    commit.commit([upsert(collections, range(10), 1)])
    _arm(moment)
    second = upsert(collections, range(20), 2)
    commit.commit([as_message(second, range(20), 2) if form == "message" else second])


if __name__ == "__main__":
    main()
