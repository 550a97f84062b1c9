"""What is refused over gRPC is refused over REST in the same words, and nothing of it is stored or billed."""

from typing import Any

import grpc
import httpx
import pytest
from qdrant_client import grpc as q

from billing.models import UsageEvent
from gateway import grpc_upstream
from gateway.grpc_objects import ROUTES
from inference.client import InferenceClient, InferenceError
from tests.gateway.conftest import MINILM, Door, document
from tests.gateway.grpc_door import GrpcDoor, point, request_id, text
from tests.gateway.running import RunningGateway, running_both_ports

pytestmark = pytest.mark.django_db
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
CODES |= {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


def same(refused: Any, rest: httpx.Response) -> bool:
    """Whether gRPC and REST refuse alike; a message has the place of a vector under another name."""
    assert refused.details().replace(".vectors.vector", ".vector") == rest.json()["status"]["error"]
    assert refused.code().name == CODES[rest.status_code]
    return True


@pytest.mark.parametrize(
    ("secret", "status"), [(None, 401), ("", 401), ("ccd_wrong", 401)], ids=["none", "empty", "wrong"]
)
def test_keys(channel: grpc.Channel, gateway: RunningGateway, secret: str | None, status: int):
    headers = {} if secret is None else {"api-key": secret}
    rest = httpx.get(f"{gateway.url}/collections", headers=headers)
    with pytest.raises(grpc.RpcError) as refused:
        q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=list(headers.items()))
    assert rest.status_code == status
    assert same(refused.value, rest)
    assert request_id(refused.value)


def test_a_bearer_token_opens_too(channel: grpc.Channel, new_us: Door):
    bearer = [("authorization", f"Bearer {new_us.secret}")]
    q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=bearer)


@pytest.mark.parametrize(
    ("vector", "body"),
    [
        (q.Vector(document=text("x", "no/such-model")), document("x", "no/such-model")),
        (q.Vector(document=text("x", "")), document("x", "")),
        (q.Vector(document=text("x" * 1_000_001)), document("x" * 1_000_001)),
        (q.Vector(document=text("x", "bm25")), document("x", "bm25")),
        (q.Vector(image=q.Image(image=q.Value(string_value="https://example.com/a.jpg"), model=MINILM)),
         {"image": "https://example.com/a.jpg", "model": MINILM}),
        (q.Vector(object=q.InferenceObject(object=q.Value(integer_value=1), model=MINILM)),
         {"object": 1, "model": MINILM}),
        (q.Vector(document=q.Document(text="x", model=MINILM, options={"mrl": q.Value(integer_value=64)})),
         document("x", mrl=64)),
    ],
)  # fmt: skip
def test_what_rest_refuses_grpc_refuses_in_the_same_words(new_us: Door, remote: GrpcDoor, vector: Any, body: Any):
    collection = new_us.collection("refused-grpc")
    before = UsageEvent.objects.count()
    rest = new_us.upsert(collection, {"id": 1, "vector": body})
    with pytest.raises(grpc.RpcError) as refused:
        remote.call(q.UpsertPoints(collection_name=collection, wait=True, points=[point(1, vector)]), "Upsert")
    assert same(refused.value, rest)
    assert new_us.count(collection) == 0
    assert UsageEvent.objects.count() == before


def test_collections_and_sizes_are_checked_first(new_us: Door, remote: GrpcDoor):
    small = new_us.collection("small-grpc", vectors={"size": 512, "distance": "Cosine"})
    for collection in (small, "nowhere"):
        upsert = q.UpsertPoints(collection_name=collection, points=[point(1, q.Vector(document=text("x")))])
        query = q.QueryPoints(collection_name=collection, query=q.Query(nearest=q.VectorInput(document=text("x"))))
        for message, method, rest in (
            (upsert, "Upsert", new_us.upsert(collection, {"id": 1, "vector": document("x")})),
            (query, "Query", new_us.query(collection, document("x"))),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                remote.call(message, method)
            assert same(refused.value, rest)


def test_a_bare_object_is_no_update_of_vectors(new_us: Door, remote: GrpcDoor):
    collection = new_us.collection("bare-grpc")
    bare = q.PointVectors(id=q.PointId(num=1), vectors=q.Vectors(vector=q.Vector(document=text("x"))))
    rest = new_us.http.put(
        f"/collections/{collection}/points/vectors", json={"points": [{"id": 1, "vector": document("x")}]}
    )
    with pytest.raises(grpc.RpcError) as refused:
        remote.call(q.UpdatePointVectors(collection_name=collection, points=[bare]), "UpdateVectors")
    assert same(refused.value, rest)


def test_the_gate_says_the_same(free_us: Door, channel: grpc.Channel):
    rest = free_us.upsert("x", {"id": 1, "vector": document("hello")})
    upsert = q.UpsertPoints(collection_name="x", points=[point(1, q.Vector(document=text("hello")))])
    with pytest.raises(grpc.RpcError) as refused:
        GrpcDoor(channel, free_us.secret).call(upsert, "Upsert")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert same(refused.value, rest)


def test_a_busy_worker_says_when_to_come_back(new_us: Door, remote: GrpcDoor, monkeypatch: pytest.MonkeyPatch):
    collection = new_us.collection("busy-grpc")

    async def fail(*arguments: Any, **more: Any) -> None:
        raise InferenceError(429, "busy", "The worker is busy.", retry_after=3)

    monkeypatch.setattr(InferenceClient, "embed", fail)
    rest = new_us.upsert(collection, {"id": 1, "vector": document("hello")})
    upsert = q.UpsertPoints(collection_name=collection, points=[point(1, q.Vector(document=text("hello")))])
    with pytest.raises(grpc.RpcError) as refused:
        remote.call(upsert, "Upsert")
    assert same(refused.value, rest)
    assert dict(refused.value.trailing_metadata())["retry-after"] == rest.headers["retry-after"] == "3"


def test_what_the_engine_refuses_is_not_billed(new_us: Door, remote: GrpcDoor):
    collection = new_us.collection("engine-grpc")
    before = new_us.billed()
    wrong = point(2, q.Vector(dense=q.DenseVector(data=[1.0])))
    upsert = q.UpsertPoints(collection_name=collection, points=[point(1, q.Vector(document=text("x"))), wrong])
    with pytest.raises(grpc.RpcError) as refused:
        remote.call(upsert, "Upsert")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (new_us.billed(), new_us.count(collection)) == (before, 0)


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_bytes_that_are_no_message_get_a_sentence(remote: GrpcDoor, path: str):
    for message in (b"\xff\xff", b"\x0a\x05abc", b"\x00" * 100):
        with pytest.raises(grpc.RpcError) as refused:
            remote.raw(path, message)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert len(refused.value.details()) > 10


def test_unknown_methods_are_the_clusters_to_refuse(remote: GrpcDoor):
    with pytest.raises(grpc.RpcError) as refused:
        remote.raw("/qdrant.Points/Nonsense", b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert refused.value.details() == "there is no method /qdrant.Points/Nonsense"


def test_a_cluster_that_cannot_be_reached(mirrored_remote: GrpcDoor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grpc_upstream, "CONNECT_SECONDS", 0.1)
    with pytest.raises(grpc.RpcError) as refused:
        mirrored_remote.raw("/qdrant.Points/Count", b"")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == "Cluster mirrored cannot be reached right now. Try again in a second."
    assert dict(refused.value.trailing_metadata())["retry-after"] == "1"


def test_a_message_over_the_limit(new_us: Door, settings: Any):
    settings.GATEWAY_MAX_BODY_BYTES = 100_000
    with (
        running_both_ports() as gateway,
        grpc.insecure_channel(f"127.0.0.1:{gateway.grpc_port}") as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        GrpcDoor(channel, new_us.secret).raw("/qdrant.Points/Upsert", bytes(100_001))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
