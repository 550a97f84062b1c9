"""Indexes are built on a copy by a process of its own: nothing waits for it, and no crash of either loses anything."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode
from tests.waiting import wait_until

POINTS, SIZE, POLITE = 2_000, 32, 19
SMALL = {
    "optimizers_config": {"indexing_threshold": 10},
    "hnsw_config": {"full_scan_threshold": 10, "m": 32, "ef_construct": 400},
}
VECTORS = np.random.default_rng(5).standard_normal((POINTS, SIZE)).astype(np.float32)
STAMPED = {"must": [{"key": "stamped", "match": {"value": True}}]}
ENDED_OR_STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
QUICK = "/collections/c/points?wait=true"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node of its own, which may be killed."""
    running = RunningNode(tmp_path)
    running.ok("PUT", "/collections/c", {"vectors": {"size": SIZE, "distance": "Cosine"}, **SMALL})
    yield running
    if running.process.poll() is None:
        running.stop()


def wait(condition: Callable[[], Any], what: str) -> None:
    wait_until(condition, seconds=90, what=what)


def store(node: RunningNode) -> None:
    points = [{"id": id, "vector": VECTORS[id].tolist(), "payload": {"n": id}} for id in range(POINTS)]
    node.ok("PUT", QUICK, {"points": points})


def info(node: RunningNode) -> dict[str, Any]:
    return node.ok("GET", "/collections/c")


def wait_for_index(node: RunningNode) -> None:
    wait(lambda: info(node)["status"] == "green" and info(node)["indexed_vectors_count"] > POINTS - 10, "the index")


def everything(node: RunningNode) -> list[Any]:
    body = {"limit": 2 * POINTS, "with_vector": True}
    return node.ok("POST", "/collections/c/points/scroll", body)["points"]


def folders(node: RunningNode) -> int:
    return len(list((node.data_dir / "collections").iterdir()))


def optimiser(node: RunningNode) -> psutil.Process | None:
    """The node's optimiser, once it has copied the collection."""
    for child in psutil.Process(node.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.nice() == POLITE:
                return child
    return None


def suspended_optimiser(node: RunningNode) -> psutil.Process:
    """The optimiser, stopped in the midst of its work; writes give it some until it is caught at it."""
    for _ in range(10):
        store(node)
        assert info(node)["status"] == "yellow"
        wait(lambda: optimiser(node) or info(node)["status"] == "green", "an optimisation")
        with contextlib.suppress(psutil.NoSuchProcess):
            child = optimiser(node)
            if child is not None:
                child.suspend()
                wait(lambda child=child: child.status() in ENDED_OR_STOPPED, "the optimiser to stop")
                if child.status() == psutil.STATUS_STOPPED:
                    return child
    raise AssertionError("the optimiser was never seen at work")


def change(node: RunningNode) -> None:
    """One of each kind of write, some of which depend on what is stored."""
    early = {"filter": {"must": [{"key": "n", "range": {"lt": 100}}]}}
    node.ok("PUT", QUICK, {"points": [{"id": POINTS + 1, "vector": [1.0] * SIZE, "payload": {"n": -1}}]})
    node.ok("PUT", QUICK, {"points": [{"id": 7, "vector": [-1.0] * SIZE, "payload": {"n": 7, "again": True}}]})
    node.ok("POST", "/collections/c/points/payload?wait=true", {"payload": {"early": True}, **early})
    node.ok("POST", "/collections/c/points/delete?wait=true", {"points": [11, 12]})
    last = {"filter": {"must": [{"key": "n", "range": {"gte": POINTS - 5}}]}}
    node.ok("POST", "/collections/c/points/delete?wait=true", last)
    assert node.request("POST", f"{QUICK[:-10]}/payload", {"payload": {"a": 1}, "points": [11]}).status_code == 404


def test_a_large_collection_is_indexed(node: RunningNode) -> None:
    assert info(node)["status"] == "green"
    store(node)
    before = everything(node)
    assert info(node)["status"] == "yellow"
    wait_for_index(node)
    assert everything(node) == before
    assert folders(node) == 1
    over_grpc = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=60)
    assert over_grpc.get_collection("c").status == models.CollectionStatus.GREEN
    indexed_only = models.SearchParams(indexed_only=True)
    found = over_grpc.query_points("c", VECTORS[100].tolist(), limit=1, search_params=indexed_only)
    assert [point.id for point in found.points] == [100]
    over_grpc.close()


def test_reads_and_writes_go_on_while_a_copy_is_optimised(node: RunningNode) -> None:
    child = suspended_optimiser(node)
    change(node)
    assert info(node)["status"] == "yellow"
    during = everything(node)
    assert len(during) == POINTS + 1 - 2 - 5
    child.resume()
    wait_for_index(node)
    assert everything(node) == during
    nearest = node.ok("POST", "/collections/c/points/query", {"query": [1.0] * SIZE, "limit": 1})
    assert nearest["points"][0]["id"] == POINTS + 1


def test_what_is_waiting_running_and_done_is_told(node: RunningNode) -> None:
    def told(asked: str = "") -> models.OptimizationsResponse:
        answer = node.ok("GET", f"/collections/c/optimizations?{asked}")
        return models.OptimizationsResponse.model_validate(answer)

    def folder() -> str:
        return next(path.name for path in (node.data_dir / "collections").iterdir() if path.is_dir())

    first, everything_else = folder(), "with=queued,completed,idle_segments"
    store(node)
    waiting = told(everything_else)
    assert (waiting.summary.queued_optimizations, waiting.summary.queued_points, waiting.running) == (1, POINTS, [])
    assert waiting.queued is not None
    assert [str(segment.uuid) for segment in waiting.queued[0].segments] == [first]
    child = suspended_optimiser(node)
    running = told()
    assert (running.queued, running.completed, running.idle_segments) == (None, None, None)
    [one] = running.running
    assert one.status == models.TrackerStatusOneOf.OPTIMIZING
    assert [step.name for step in one.progress.children or []] == ["copying", "indexing"]
    child.resume()
    wait_for_index(node)
    ended = told(f"{everything_else}&completed_limit=1")
    assert (ended.running, ended.queued, ended.summary.idle_segments) == ([], [], 1)
    assert ended.completed is not None
    [last] = ended.completed
    assert last.status == models.TrackerStatusOneOf.DONE
    assert last.progress.duration_sec is not None
    assert str(last.uuid) == folder() != first
    assert told("with=completed&completed_limit=0").completed == []
    for asked in ("with=all", "completed_limit=-1", "completed_limit=x"):
        refused = node.request("GET", f"/collections/c/optimizations?{asked}")
        assert (refused.status_code, "query parameters" in refused.text) == (400, True)


def test_a_node_killed_while_it_optimises_keeps_what_was_stored(node: RunningNode) -> None:
    child = suspended_optimiser(node)
    change(node)
    before = everything(node)
    node.kill()
    wait(lambda: not child.is_running(), "the optimiser's end")
    with RunningNode(node.data_dir).stopped_at_end() as again:
        assert folders(again) == 1
        assert everything(again) == before
        wait_for_index(again)
        assert everything(again) == before


def test_a_node_killed_at_any_moment_of_an_optimisation_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for round in range(3):
        node = RunningNode(tmp_path)
        if round == 0:
            node.ok("PUT", "/collections/c", {"vectors": {"size": SIZE, "distance": "Cosine"}, **SMALL})
        assert node.ok("POST", "/collections/c/points/count", {"filter": STAMPED})["count"] == acknowledged
        store(node)
        wait(psutil.Process(node.process.pid).children, "the optimiser's start")
        for _ in range(3 * 4**round):  # while it copies, while it optimises, when it is done
            stamp = {"id": POINTS + acknowledged, "vector": [1.0] * SIZE, "payload": {"stamped": True}}
            node.ok("PUT", QUICK, {"points": [stamp]})
            acknowledged += 1
        node.kill()
    with RunningNode(tmp_path).stopped_at_end() as node:
        assert node.ok("POST", "/collections/c/points/count", {"filter": STAMPED})["count"] == acknowledged
        wait_for_index(node)
        assert node.ok("POST", "/collections/c/points/count", {})["count"] == POINTS + acknowledged


def test_an_optimiser_that_dies_is_reported_and_harmless(node: RunningNode) -> None:
    child = suspended_optimiser(node)
    before = everything(node)
    child.send_signal(signal.SIGKILL)
    wait(lambda: info(node)["status"] == "green", "the optimisation's end")
    assert "optimiser ended with -9" in info(node)["optimizer_status"]["error"]
    assert everything(node) == before
    assert folders(node) == 1
    store(node)
    wait_for_index(node)
    assert info(node)["optimizer_status"] == "ok"


def test_what_changes_the_collection_itself_ends_its_optimisation(node: RunningNode) -> None:
    child = suspended_optimiser(node)
    node.ok("PATCH", "/collections/c", {"hnsw_config": {"m": 8}})
    wait(lambda: not child.is_running(), "the optimiser's end")
    wait_for_index(node)
    assert info(node)["config"]["hnsw_config"]["m"] == 8
    child = suspended_optimiser(node)
    node.ok("DELETE", "/collections/c")
    wait(lambda: not child.is_running(), "the optimiser's end")
    wait(lambda: folders(node) == 0, "the folders' removal")


def test_a_node_that_is_stopped_does_not_wait_for_its_optimiser(node: RunningNode) -> None:
    child = suspended_optimiser(node)
    assert node.stop() == 0
    assert not child.is_running()
    with RunningNode(node.data_dir).stopped_at_end() as again:
        assert len(everything(again)) == POINTS
