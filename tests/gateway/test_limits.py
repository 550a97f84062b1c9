"""What one key may ask for at once, and what it is told when it asks for more."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import grpc
import httpx
import orjson
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import grpc as q

from gateway.errors import Refused
from gateway.limits import KeyLimits, Limits, _points_in
from tests.gateway.conftest import Door, document, sentence
from tests.gateway.grpc_door import GrpcDoor, point, text
from tests.gateway.running import RunningGateway, running_both_ports, running_mirror
from tests.inference.conftest import Worker
from tests.waiting import wait_until

SMALL = {
    "GATEWAY_MAX_POINTS": 3,
    "GATEWAY_MAX_INPUTS": 2,
    "GATEWAY_MAX_TOKENS": 100,
    "GATEWAY_MAX_CONCURRENT_REQUESTS": 2,
}
IDS = [1, 2, 3, 4]
UNLIMITED = Limits(points=9, inputs=9, tokens=9, concurrent=9, per_second=1e9)


@pytest.fixture(scope="module")
def small(committed: None, worker: Worker) -> Iterator[RunningGateway]:
    """A gateway with little patience."""
    before = {name: getattr(settings, name) for name in SMALL}
    settings.INFERENCE_ADDRESSES = [worker.address]
    for name, value in SMALL.items():
        setattr(settings, name, value)
    with running_both_ports() as gateway:
        for name, value in before.items():
            setattr(settings, name, value)
        yield gateway


@pytest.fixture
def limited(small: RunningGateway, new_us: Door) -> Iterator[Door]:
    """``new_us`` through it, with a collection ``limited``."""
    with httpx.Client(base_url=small.url, headers={"api-key": new_us.secret}, timeout=60) as http:
        door = Door(new_us.cluster, new_us.secret, http)
        door.collection(
            "limited", vectors={"": {"size": 2, "distance": "Dot"}, "text": {"size": 384, "distance": "Dot"}}
        )
        yield door
        http.delete("/collections/limited")


@pytest.mark.django_db
class TestPoints:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "", {"points": [{"id": id, "vector": [0, 1]} for id in IDS]}),
            ("PUT", "", {"batch": {"ids": IDS, "vectors": [[0, 1]] * 4}}),
            ("PUT", "/vectors", {"points": [{"id": id, "vector": [0, 1]} for id in IDS]}),
            ("POST", "", {"ids": IDS}),
            ("POST", "/delete", {"points": IDS}),
            ("POST", "/vectors/delete", {"points": IDS, "vector": ["a"]}),
            ("POST", "/payload", {"points": IDS, "payload": {"a": 1}}),
            ("PUT", "/payload", {"points": IDS, "payload": {"a": 1}}),
            ("POST", "/payload/delete", {"points": IDS, "keys": ["a"]}),
            ("POST", "/payload/clear", {"points": IDS}),
            ("POST", "/batch", {"operations": [{"delete": {"points": [1, 2]}}, {"delete": {"points": [3, 4]}}]}),
        ],
    )
    def test_too_many_are_refused(self, limited: Door, method: str, path: str, body: Any):
        answer = limited.http.request(method, f"/collections/limited/points{path}", json=body)
        assert answer.status_code == 413
        assert "names 4 points, more than the 3 allowed" in sentence(answer)
        assert limited.count("limited") == 0

    def test_as_many_as_allowed_pass_whatever_their_payload(self, limited: Door):
        payload = {"list": [{"id": n} for n in range(50)]}
        points = [{"id": id, "vector": {"": [0, 1]}, "payload": payload} for id in IDS[:3]]
        assert limited.upsert("limited", *points).status_code == 200
        assert limited.count("limited") == 3

    def test_grpc_counts_alike(self, limited: Door, small: RunningGateway):
        ids = [q.PointId(num=id) for id in IDS]
        selector = q.PointsSelector(points=q.PointsIdsList(ids=ids))
        points = [point(id, q.Vector(dense=q.DenseVector(data=[0, 1]))) for id in IDS]
        delete = q.PointsUpdateOperation(delete_points=q.PointsUpdateOperation.DeletePoints(points=selector))
        with grpc.insecure_channel(f"127.0.0.1:{small.grpc_port}") as channel:
            remote = GrpcDoor(channel, limited.secret)
            for method, message in (
                ("Upsert", q.UpsertPoints(collection_name="limited", points=points)),
                ("Get", q.GetPoints(collection_name="limited", ids=ids)),
                ("Delete", q.DeletePoints(collection_name="limited", points=selector)),
                ("SetPayload", q.SetPayloadPoints(collection_name="limited", points_selector=selector)),
                ("UpdateBatch", q.UpdateBatchPoints(collection_name="limited", operations=[delete])),
            ):
                with pytest.raises(grpc.RpcError) as refused:
                    remote.call(message, method)
                assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert "names 4 points, more than the 3 allowed" in refused.value.details()


@pytest.mark.django_db
class TestInference:
    def test_too_many_inputs_are_refused_and_the_same_one_thrice_is_one(self, limited: Door):
        billed = limited.billed()
        different = [{"id": id, "vector": {"text": document(f"text {id}")}} for id in IDS[:3]]
        answer = limited.upsert("limited", *different)
        assert answer.status_code == 413
        assert "3 inputs to embed, more than the 2 allowed" in sentence(answer)
        assert (limited.count("limited"), limited.billed()) == (0, billed)
        same = [{"id": id, "vector": {"text": document("the same")}} for id in IDS[:3]]
        assert limited.upsert("limited", *same).status_code == 200

    def test_too_long_texts_are_refused(self, limited: Door, small: RunningGateway):
        billed = limited.billed()
        answer = limited.query("limited", document("word " * 20), using="text")
        assert answer.status_code == 413
        assert "may come to 102 tokens, more than the 100 allowed" in sentence(answer)
        request = q.QueryPoints(
            collection_name="limited",
            query=q.Query(nearest=q.VectorInput(document=text("word " * 20))),
            using="text",
        )
        with grpc.insecure_channel(f"127.0.0.1:{small.grpc_port}") as channel, pytest.raises(grpc.RpcError) as refused:
            GrpcDoor(channel, limited.secret).call(request, "Query")
        assert "may come to 102 tokens" in refused.value.details()
        assert limited.billed() == billed


@pytest.mark.django_db
def test_too_many_requests_at_once_are_told_to_wait(small: RunningGateway, open_door: Callable[..., Door]):
    door = open_door("busy", node=False)
    with (
        running_mirror(door.cluster.pk) as mirror,
        httpx.Client(base_url=small.url, headers={"api-key": door.secret}, timeout=30) as http,
        ThreadPoolExecutor(2) as threads,
    ):
        mirror.held.add(b"/slow")
        waiting = [threads.submit(http.get, "/slow") for _ in range(2)]
        wait_until(lambda: len(mirror.seen) == 2, seconds=20, what="both requests are in flight")
        answer = http.get("/collections")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert "Too many requests at once with this API key (limit: 2)" in sentence(answer)
        with grpc.insecure_channel(f"127.0.0.1:{small.grpc_port}") as channel, pytest.raises(grpc.RpcError) as refused:
            q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=[("api-key", door.secret)])
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert dict(refused.value.trailing_metadata())["retry-after"] == "1"
        mirror.may_answer.set()
        assert [one.result(20).status_code for one in waiting] == [200, 200]
        assert http.get("/collections").status_code == 200


class TestRate:
    def test_a_key_may_ask_so_often_each_second_and_is_told_when_to_come_again(self, monkeypatch: pytest.MonkeyPatch):
        now = [100.0]
        monkeypatch.setattr("gateway.limits.time.monotonic", lambda: now[0])
        keys, key = KeyLimits(Limits(9, 9, 9, concurrent=9, per_second=0.5)), uuid4()
        with keys.admitted(key):
            pass
        with pytest.raises(Refused) as refused, keys.admitted(key):
            pass
        assert (refused.value.status, refused.value.retry_after) == (429, 2)
        with keys.admitted(uuid4()):
            pass
        now[0] += 2
        with keys.admitted(key):
            pass

    def test_what_is_known_of_keys_stays_bounded(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("gateway.limits._MAX_KEYS", 10)
        keys, busy = KeyLimits(UNLIMITED), uuid4()
        with keys.admitted(busy):
            for _ in range(50):
                with keys.admitted(uuid4()):
                    pass
            assert len(keys._keys) == 10
            assert busy in keys._keys


POINT = st.fixed_dictionaries({"id": st.integers(0, 9), "vector": st.lists(st.floats(0, 1), max_size=3)})
ID_LISTS = st.lists(st.integers(0, 99), max_size=12)
BODIES = {
    "upsert_points": st.one_of(
        st.fixed_dictionaries({"points": st.lists(POINT, max_size=9)}),
        ID_LISTS.map(lambda ids: {"batch": {"ids": ids, "vectors": [[0.5]] * len(ids)}}),
    ),
    "update_vectors": st.fixed_dictionaries({"points": st.lists(POINT, max_size=9)}),
    "delete_points": st.fixed_dictionaries({"points": ID_LISTS}),
    "get_points": st.fixed_dictionaries({"ids": ID_LISTS}),
    "batch_update": st.fixed_dictionaries(
        {
            "operations": st.lists(
                st.fixed_dictionaries({"delete": st.fixed_dictionaries({"points": ID_LISTS})}), max_size=4
            )
        }
    ),
}


@given(st.data(), st.sampled_from(sorted(BODIES)), st.integers(1, 5))
def test_a_body_is_refused_exactly_when_it_names_too_many(data, operation, most):
    body = data.draw(BODIES[operation])
    limits = Limits(points=most, inputs=9, tokens=9, concurrent=9, per_second=9)
    if _points_in(body) > most:
        with pytest.raises(Refused):
            limits.check_body(operation, orjson.dumps(body))
    else:
        limits.check_body(operation, orjson.dumps(body))
