"""Clusters of several nodes restart without a request that fails: what comes meanwhile waits."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest
from qdrant_client import grpc as q

from clusters import notifications
from clusters.models import Cluster
from clusters.notifications import announce_cluster_change
from clusters.rules.lifecycle import Phase
from clusters.rules.restarts import PARALLEL
from tests.gateway.conftest import Door, committing, document, sentence
from tests.gateway.grpc_door import GrpcDoor, text
from tests.gateway.running import running_node
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
POINT = {"id": 1, "vector": {"vector": [1.0, 0.0], "text": [1.0] * 384}, "payload": {"a": "b"}}
VECTORS = {"vector": {"size": 2, "distance": "Dot"}, "text": {"size": 384, "distance": "Cosine"}}


class Nodes:
    """The process of the cluster's three nodes, and what the steps of a restart do to it."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self._folder = folder
        self._process = ExitStack()

    def change(self, **fields: object) -> None:
        def write() -> None:
            Cluster.objects.filter(pk=self.door.cluster.pk).update(**fields)
            announce_cluster_change(self.door.cluster.pk)

        committing(write)

    def close_endpoint(self) -> None:
        self.change(serving=False, phase=Phase.UPDATING)

    def open_endpoint(self) -> None:
        self.change(serving=True, phase=Phase.HEALTHY)

    def start(self) -> None:
        self._process.enter_context(running_node(self.door.cluster.pk, self._folder))

    def stop(self) -> None:
        self._process.close()

    def restart(self) -> None:
        self.close_endpoint()
        self.stop()
        self.start()
        self.open_endpoint()


@pytest.fixture(scope="module")
def nodes(open_door: Callable[..., Door], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    nodes = Nodes(open_door("three-nodes", node=False, number_of_nodes=3), tmp_path_factory.mktemp("nodes"))
    nodes.start()
    nodes.door.collection("c", vectors=VECTORS)
    nodes.door.upsert("c", POINT).raise_for_status()
    yield nodes
    nodes.stop()


@pytest.fixture
def rolling(nodes: Nodes) -> Iterator[Nodes]:
    """The nodes, which serve before and after each test."""
    nodes.change(extra_configuration={})
    nodes.open_endpoint()
    yield nodes
    nodes.change(extra_configuration={})
    nodes.open_endpoint()


def requests_of(door: Door, remote: GrpcDoor) -> list[Callable[[], object]]:
    """One of each way through the gateway; every one raises when it fails."""
    of_text = q.Query(nearest=q.VectorInput(document=text("hello")))
    return [
        lambda: door.http.get("/collections/c").raise_for_status(),
        lambda: door.http.post("/collections/c/points/scroll", json={}).raise_for_status(),
        lambda: door.query("c", [1.0, 0.0], using="vector").raise_for_status(),
        lambda: door.query("c", document("hello"), using="text").raise_for_status(),
        lambda: door.upsert("c", POINT).raise_for_status(),
        lambda: remote.call(q.ScrollPoints(collection_name="c"), "Scroll", timeout=60),
        lambda: remote.call(q.QueryPoints(collection_name="c", query=of_text, using="text"), "Query", timeout=60),
    ]


@contextmanager
def asked_all_the_while(requests: list[Callable[[], object]]) -> Iterator[list[int]]:
    """Each request again and again, each in a thread of its own; raises the first failure in the end."""
    over, counts = threading.Event(), [0] * len(requests)

    def ask(number: int) -> None:
        while not over.is_set():
            requests[number]()
            counts[number] += 1

    with ThreadPoolExecutor(len(requests)) as threads:
        asking = [threads.submit(ask, number) for number in range(len(requests))]
        try:
            wait_until(lambda: all(counts) or any(one.done() for one in asking), seconds=60, what="every way was used")
            yield counts
        finally:
            over.set()
    for one in asking:
        one.result()


def test_nobody_who_asks_all_the_while_sees_a_restart(rolling: Nodes, channel: grpc.Channel):
    remote = GrpcDoor(channel, rolling.door.secret)
    with asked_all_the_while(requests_of(rolling.door, remote)) as counts:
        for _ in range(2):
            before = list(counts)
            rolling.restart()
            wait_until(
                lambda before=before: all(now > then for now, then in zip(counts, before, strict=True)),
                seconds=60,
                what="every way goes on",
            )


def test_nor_one_that_the_gateway_was_not_told_of(rolling: Nodes, channel: grpc.Channel, monkeypatch):
    monkeypatch.setattr(notifications, "_publish", lambda _cluster_id: None)
    remote = GrpcDoor(channel, rolling.door.secret)
    with asked_all_the_while(requests_of(rolling.door, remote)) as counts:
        before = list(counts)
        rolling.restart()
        wait_until(
            lambda: all(now > then for now, then in zip(counts, before, strict=True)), seconds=60, what="all go on"
        )


def test_requests_wait_no_longer_than_the_bound(rolling: Nodes, settings):
    settings.GATEWAY_HOLD_SECONDS = 0.5
    rolling.close_endpoint()
    begun = time.monotonic()
    answer = rolling.door.http.get("/collections/c")
    assert time.monotonic() - begun >= 0.5
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert sentence(answer) == "Cluster three-nodes is restarting. Try again in a few seconds."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"phase": Phase.FAILED_TO_UPDATE}, "did not come back from its restart"),
        ({"phase": Phase.SUSPENDED}, "is suspended"),
        ({"phase": Phase.UPDATING, "extra_configuration": {"restartPolicy": PARALLEL}}, "is restarting"),
    ],
)
def test_nobody_waits_where_waiting_is_of_no_use(rolling: Nodes, settings, fields, words):
    settings.GATEWAY_HOLD_SECONDS = 10_000
    rolling.change(serving=False, **fields)
    answer = rolling.door.http.get("/collections/c", timeout=30)
    assert answer.status_code == 503
    assert words in sentence(answer)


def test_who_waits_goes_on_with_what_holds_then(rolling: Nodes):
    """A key that is revoked meanwhile opens nothing any more."""
    rolling.close_endpoint()
    keys = rolling.door.cluster.api_keys
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(rolling.door.http.get, "/collections/c")
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        committing(lambda: keys.update(revoked_at="2026-01-01T00:00Z"))
        try:
            rolling.open_endpoint()
            assert waiting.result(30).status_code == 401
        finally:
            committing(lambda: keys.update(revoked_at=None))
