"""Group commit: what is flushed together, what one failing request does to the others, what a crash leaves."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qdrant_edge as edge

from clusters.node.engine.collection import Collection, Step
from clusters.node.engine.commit import GroupCommit, WriteRequest
from clusters.node.engine.journal import Journal, JournalEntry
from clusters.node.engine.registry import Collections
from clusters.node.errors import EnginePanic, NotFound
from clusters.node.models import m
from clusters.node.node import Call, Node
from clusters.node.operations import OPERATIONS
from tests.clusters.node.crash import MOMENTS, open_node, upsert, write_request
from tests.clusters.node.running import PROJECT_DIR


@pytest.fixture
def collections(tmp_path: Path) -> Iterator[Collections]:
    opened = Collections(tmp_path)
    opened.load()
    opened.create("c", m.CreateCollection(vectors=m.VectorParams(size=4, distance=m.Distance.DOT)))
    yield opened
    opened.close()


@pytest.fixture
def commit(tmp_path: Path) -> Iterator[GroupCommit]:
    journal = Journal(tmp_path / "journal")
    yield GroupCommit(journal)
    journal.close()


def versions(collections: Collections) -> dict[int, tuple[float, int]]:
    """Per point: the version its vector tells, and the one its payload tells."""
    records = collections.get("c").read("retrieve", list(range(100)), True, True)
    return {record.id: (record.vector[0], record.payload["version"]) for record in records}


def recovered(folder: Path) -> dict[int, tuple[float, int]]:
    """What the points tell after a node has opened the folder and finished what its journal holds."""

    async def read() -> list[dict[str, Any]]:
        node = Node(folder)
        await node.start()
        scroll = OPERATIONS["scroll_points"]
        page = await node.execute(Call(scroll, "c", body=scroll.parse(b'{"limit": 100, "with_vector": true}')))
        await node.stop()
        return page["points"]

    return {point["id"]: (float(point["vector"][0]), point["payload"]["version"]) for point in asyncio.run(read())}


def panicking_request(collection: Collection) -> WriteRequest:
    """What validation never lets through: rows of unequal length, at which the engine panics half-way."""
    points = [edge.Point(0, {"late": [[9.0, 9.0]]}, {"version": 9}), edge.Point(1, {"late": [[9.0, 9.0], [9.0]]})]
    step = Step(collection, edge.UpdateOperation.upsert_points(points))
    return WriteRequest(JournalEntry("upsert_points", collection.folder.name, {}, b"{}"), [step])


def test_requests_that_wait_together_share_one_flush(
    collections: Collections, commit: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes: list[str] = []
    flush = Collection.flush
    monkeypatch.setattr(Collection, "flush", lambda self: (flushes.append(self.name), flush(self)))
    commit.commit([upsert(collections, range(start, start + 10), 1) for start in (0, 10, 20)])
    assert flushes == ["c"]
    assert len(versions(collections)) == 30


def test_a_request_that_is_refused_does_not_hold_the_others_up(collections: Collections, commit: GroupCommit) -> None:
    missing = write_request(collections, "set_payload", {"payload": {"version": 3}, "points": [50]})
    requests = [upsert(collections, range(5), 1), missing, upsert(collections, range(5, 10), 1)]
    commit.commit(requests)
    assert isinstance(missing.error, NotFound)
    assert [request.error for request in requests] == [None, missing.error, None]
    assert len(versions(collections)) == 10


def test_a_panic_fails_its_own_request_only(tmp_path: Path, commit: GroupCommit) -> None:
    collections = Collections(tmp_path)
    collections.load()
    late = m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM)
    params = m.VectorParams(size=2, distance=m.Distance.DOT, multivector_config=late)
    collections.create("c", m.CreateCollection(vectors={"late": params}))

    def good(id: int) -> WriteRequest:
        body = {"points": [{"id": id, "vector": {"late": [[1.0, 1.0]]}, "payload": {"version": 1}}]}
        return write_request(collections, "upsert_points", body)

    requests = [good(10), panicking_request(collections.get("c")), good(11)]
    commit.commit(requests)
    assert isinstance(requests[1].error, EnginePanic)
    assert "Service internal error" in str(requests[1].error)
    assert (requests[0].error, requests[2].error) == (None, None)
    collections.close()
    reopened, _ = open_node(tmp_path)
    stored = reopened.get("c").read("retrieve", [10, 11], True, True)
    assert sorted(record.payload["version"] for record in stored) == [1, 1]


def test_updates_that_depend_on_what_is_stored_are_not_repeated_after_a_crash(tmp_path: Path) -> None:
    collections, journal = open_node(tmp_path)
    collections.create("c", m.CreateCollection(vectors=m.VectorParams(size=4, distance=m.Distance.DOT)))
    GroupCommit(journal).commit([upsert(collections, range(1), 1)])

    def move(start: int, end: int) -> WriteRequest:
        where = {"must": [{"key": "version", "match": {"value": start}}]}
        return write_request(collections, "set_payload", {"payload": {"version": end}, "filter": where})

    group = [move(2, 3), move(1, 2)]
    journal.clear = lambda: None  # type: ignore[method-assign]  # the crash: the group stays in the journal
    GroupCommit(journal).commit(group)
    assert versions(collections)[0][1] == 2
    collections.close()
    journal.close()
    assert recovered(tmp_path) == {0: (1.0, 2)}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("form", ["json", "message"])
def test_a_request_interrupted_by_a_crash_is_there_whole_or_not_at_all(tmp_path: Path, moment: str, form: str) -> None:
    folder = tmp_path / "node"
    crash = [sys.executable, "-m", "tests.clusters.node.crash", str(folder), moment, form]
    assert subprocess.run(crash, cwd=PROJECT_DIR, check=False).returncode == -signal.SIGKILL
    found = recovered(folder)
    if moment == "writing the journal":
        assert found == dict.fromkeys(range(10), (1.0, 1))
    else:
        assert found == dict.fromkeys(range(20), (2.0, 2))


def test_what_an_earlier_group_left_in_the_journal_is_no_part_of_the_next(tmp_path: Path) -> None:
    entries = [JournalEntry("upsert_points", "folder", {}, b'{"points": []}')]
    journal = Journal(tmp_path / "journal")
    journal.write(entries * 3)
    journal.clear()
    assert Journal(tmp_path / "journal").read() == ([], 0)
    journal.write(entries)
    journal.note_position(3)
    journal.note_position(5)
    journal.clear()
    journal.write(entries)
    assert Journal(tmp_path / "journal").read() == (entries, 0)
    journal.note_position(1)
    assert Journal(tmp_path / "journal").read() == (entries, 1)


def test_a_journal_with_a_broken_end_is_no_journal(tmp_path: Path) -> None:
    entries = [JournalEntry("upsert_points", "folder", {}, b'{"points": []}')]
    journal = Journal(tmp_path / "journal")
    journal.write(entries)
    assert journal.read() == (entries, 0)
    journal.note_position(3)
    assert journal.read() == (entries, 3)
    content = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(content[:-1])
    assert Journal(tmp_path / "journal").read() == (entries, 0)
    (tmp_path / "journal").write_bytes(content[:-18])
    assert Journal(tmp_path / "journal").read() == ([], 0)
