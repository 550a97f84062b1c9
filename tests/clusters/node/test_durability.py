"""kill -9, SIGTERM and restarts: what was acknowledged is there, and nothing is there by half."""

import random
import signal
import socket
import threading
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import httpx
import pytest

from clusters.node.engine.registry import Collections
from tests.clusters.node.running import RunningNode
from tests.waiting import wait_until

BLOCKS, BLOCK_SIZE, WRITERS, ROUNDS = 12, 20, 4, 3


class Writers:
    """Clients that overwrite blocks of points until the node dies; each block belongs to one writer.

    A request writes all points of a block as one version, which the vectors and the payloads both tell.
    """

    def __init__(self, node: RunningNode, versions: dict[int, int], seed: int) -> None:
        self.acknowledged = versions
        self.sent: dict[int, int] = dict(versions)
        self._node = node
        self._seed = seed
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wrote_since(self, total: int) -> bool:
        """Whether some more writes than this were acknowledged."""
        return sum(self.acknowledged.values()) > total + 5

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _write(self, number: int) -> None:
        choose = random.Random(f"{self._seed} {number}")
        with httpx.Client(base_url=self._node.url, timeout=20) as http:
            while True:
                block = choose.randrange(number, BLOCKS, WRITERS)
                version = self.sent[block] = self.sent.get(block, 0) + 1
                points = [
                    {"id": id, "vector": [float(version)] * 8, "payload": {"block": block, "version": version}}
                    for id in range(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)
                ]
                try:
                    answer = http.put("/collections/c/points?wait=true", json={"points": points})
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200, answer.text
                self.acknowledged[block] = version


def blocks_of(node: RunningNode) -> dict[int, set[tuple[float, int]]]:
    """Per block the versions its points tell, as (vector, payload)."""
    body = {"limit": 10_000, "with_vector": True}
    told: dict[int, set[tuple[float, int]]] = defaultdict(set)
    counts: dict[int, int] = defaultdict(int)
    for point in node.ok("POST", "/collections/c/points/scroll", body)["points"]:
        block = point["payload"]["block"]
        told[block].add((point["vector"][0], point["payload"]["version"]))
        counts[block] += 1
    assert set(counts.values()) <= {BLOCK_SIZE}, "half a request is stored"
    return told


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half(tmp_path: Path) -> None:
    moments = random.Random(20250707)
    acknowledged: dict[int, int] = {}
    node = RunningNode(tmp_path)
    node.ok("PUT", "/collections/c", {"vectors": {"size": 8, "distance": "Dot"}})
    for round_number in range(ROUNDS):
        writers = Writers(node, acknowledged, round_number)
        before = sum(acknowledged.values())
        writers.start()
        wait_until(partial(writers.wrote_since, before), seconds=20, what="writes arrive")
        time.sleep(moments.uniform(0, 0.2))
        node.kill()
        writers.join()
        node = RunningNode(tmp_path)
        told = blocks_of(node)
        for block, versions in told.items():
            ((vector, payload),) = versions
            assert vector == payload, "a point is torn"
            assert acknowledged.get(block, 0) <= payload <= writers.sent[block]
        assert set(told) >= set(acknowledged)
        acknowledged |= {block: payload for block, ((_, payload),) in ((b, list(v)) for b, v in told.items())}
    node.stop()


def test_everything_is_there_after_a_clean_restart(tmp_path: Path) -> None:
    with RunningNode(tmp_path).stopped_at_end() as node:
        node.ok("PUT", "/collections/c", {"vectors": {"size": 2, "distance": "Cosine"}, "metadata": {"a": 1}})
        node.ok("PUT", "/collections/c/index?wait=true", {"field_name": "n", "field_schema": "integer"})
        node.ok("PUT", "/collections/c/points", {"points": [{"id": 1, "vector": [3, 4], "payload": {"n": 5}}]})
        before = node.ok("GET", "/collections/c")
    with RunningNode(tmp_path).stopped_at_end() as node:
        assert node.ok("GET", "/collections/c") == before
        assert node.ok("GET", "/collections/c/points/1") == {"id": 1, "payload": {"n": 5}, "vector": [0.6, 0.8]}


def test_what_a_crash_left_half_created_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / "collections" / "6f2c7b54-0000-4000-8000-000000000000"
    leftover.mkdir(parents=True)
    (leftover / "segment").write_text("half")
    Collections(tmp_path).load()
    assert not leftover.exists()


def test_a_collection_that_cannot_be_opened_does_not_take_the_others_along(tmp_path: Path) -> None:
    with RunningNode(tmp_path).stopped_at_end() as node:
        for name in ("good", "bad"):
            node.ok("PUT", f"/collections/{name}", {"vectors": {"size": 1, "distance": "Dot"}})
            node.ok("PUT", f"/collections/{name}/points", {"points": [{"id": 1, "vector": [1]}]})
        good = {folder.name for folder in (tmp_path / "collections").iterdir()}
    registry = (tmp_path / "collections.json").read_text()
    bad = next(folder for folder in good if registry.index(folder) > registry.index('"bad"'))
    for file in (tmp_path / "collections" / bad).rglob("*.json"):
        file.write_text("{")
    with RunningNode(tmp_path).stopped_at_end() as node:
        assert node.ok("POST", "/collections/good/points/count", {})["count"] == 1
        answer = node.request("POST", "/collections/bad/points/count", {})
        assert (answer.status_code, "could not be loaded" in answer.text) == (500, True)
        assert node.ok("DELETE", "/collections/bad") is True


def test_a_second_node_waits_for_the_data_folder(tmp_path: Path) -> None:
    with RunningNode(tmp_path).stopped_at_end():
        second = RunningNode(tmp_path, wait=False)
        wait_until(lambda: second.waits_for_lock(), seconds=10, what="the second node asks for the folder")
        assert second.lines == []
    second.wait_ready()
    assert second.stop() == 0


class TestDraining:
    @pytest.fixture
    def slow_upload(self, tmp_path: Path) -> tuple[RunningNode, socket.socket, bytes]:
        """A node that is in the middle of receiving a request, and the rest of that request."""
        node = RunningNode(tmp_path)
        node.ok("PUT", "/collections/c", {"vectors": {"size": 1, "distance": "Dot"}})
        body = b'{"points": [{"id": 1, "vector": [1]}]}'
        connection = socket.create_connection(("127.0.0.1", httpx.URL(node.url).port or 0))
        head = f"PUT /collections/c/points?wait=true HTTP/1.1\r\nHost: n\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:10])
        return node, connection, body[10:]

    def test_requests_in_flight_finish_and_new_ones_are_put_off(
        self, slow_upload: tuple[RunningNode, socket.socket, bytes]
    ) -> None:
        node, connection, rest = slow_upload
        with connection:
            assert node.request("GET", "/readyz").status_code == 200
            node.process.send_signal(signal.SIGTERM)
            wait_until(lambda: node.request("GET", "/readyz").status_code == 503, seconds=10, what="the node drains")
            refused = node.request("POST", "/collections/c/points/count", {})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert "the node is stopping" in refused.json()["status"]["error"]
            connection.sendall(rest)
            assert b" 200 OK" in connection.recv(4096)
        assert node.process.wait(20) == 0
        with RunningNode(node.data_dir).stopped_at_end() as again:
            assert again.ok("POST", "/collections/c/points/count", {})["count"] == 1
