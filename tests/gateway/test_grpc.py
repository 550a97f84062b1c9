"""The data plane over gRPC: what REST does, gRPC does, in the same words and for the same money."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import numpy as np
import orjson
import pytest
from qdrant_client import AsyncQdrantClient, QdrantClient, models
from qdrant_client import grpc as q

from billing.models import UsageEvent
from gateway.grpc_objects import ROUTES
from inference.client import InferenceClient, InferenceError
from tests.gateway.conftest import MINILM, Door, document
from tests.gateway.running import (
    GrpcMirror,
    Mirror,
    RunningGateway,
    running_both_ports,
    running_grpc_mirror,
    running_node,
)
from tests.inference.conftest import Worker, text_inputs
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection"),
]

COOKIES = "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips."
QUESTION = "What ingredients are needed for baking chocolate chip cookies?"
TRAIN = "The train to the coast leaves at noon."
SPLADE = "prithivida/splade_pp_en_v1"
COLBERT = "answerdotai/answerai-colbert-small-v1"
POINTS = "/qdrant.Points/"
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
CODES |= {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


@dataclasses.dataclass(frozen=True)
class GrpcDoor:
    """One cluster through the gateway's gRPC, with its key."""

    channel: grpc.Channel
    secret: str

    def call(self, message: Any, method: str, **options: Any) -> Any:
        """The reply to a message, and the call with its trailers."""
        stub = getattr(q.PointsStub(self.channel), method)
        return stub.with_call(message, metadata=[("api-key", self.secret)], **options)

    def raw(self, path: str, message: bytes, **metadata: str) -> bytes:
        sent = [("api-key", self.secret), *((name.replace("_", "-"), value) for name, value in metadata.items())]
        return self.channel.unary_unary(path)(message, metadata=sent, timeout=10)


@pytest.fixture(scope="package")
def channel(gateway: RunningGateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.grpc_port}") as channel:
        yield channel


@pytest.fixture
def remote(new_us: Door, channel: grpc.Channel) -> GrpcDoor:
    return GrpcDoor(channel, new_us.secret)


@pytest.fixture
def mirrored_remote(mirrored: Door, channel: grpc.Channel) -> GrpcDoor:
    return GrpcDoor(channel, mirrored.secret)


@pytest.fixture
def grpc_mirror(mirrored: Door) -> Iterator[GrpcMirror]:
    with running_grpc_mirror(mirrored.cluster.pk) as mirror:
        yield mirror


@pytest.fixture
def tokens(worker: Worker) -> Callable[..., int]:
    def count(*texts: str, model: str = MINILM, kind: str = "update") -> int:
        return sum(sum(worker.embed(model, kind, text_inputs(text)).tokens) for text in texts)

    return count


def text(words: str, model: str = MINILM) -> Any:
    return q.Document(text=words, model=model)


def point(number: int, vector: Any, **payload: Any) -> Any:
    values = {name: q.Value(string_value=value) for name, value in payload.items()}
    vectors = q.Vectors(vector=vector)
    return q.PointStruct(id=q.PointId(num=number), vectors=vectors, payload=values)


def named(number: int, **vectors: Any) -> Any:
    return q.PointVectors(id=q.PointId(num=number), vectors=q.Vectors(vectors=q.NamedVectors(vectors=vectors)))


def used(reply: Any) -> dict[str, int]:
    return {name: usage.tokens for name, usage in reply.usage.inference.models.items()}


def request_id(call: Any) -> str:
    return dict(call.trailing_metadata())["x-request-id"]


class TestTheOfficialClient:
    def test_the_python_example_works(self, new_us: Door, gateway: RunningGateway):
        collection = new_us.collection("example-grpc")
        client = QdrantClient(
            url=gateway.url,
            grpc_port=gateway.grpc_port,
            prefer_grpc=True,
            api_key=new_us.secret,
            cloud_inference=True,
        )
        cookies = models.Document(text=COOKIES, model=MINILM)
        client.upsert(
            collection,
            [
                models.PointStruct(id=1, payload={"topic": "cooking"}, vector=cookies),
                models.PointStruct(id=2, vector=models.Document(text=TRAIN, model=MINILM)),
            ],
        )
        best = client.query_points(collection, models.Document(text=QUESTION, model=MINILM)).points[0]
        assert (best.id, best.payload) == (1, {"topic": "cooking"})
        over_rest = new_us.query(collection, document(QUESTION)).json()["result"]["points"][0]
        assert best.score == pytest.approx(over_rest["score"], rel=1e-6)
        client.close()

    def test_the_asynchronous_one_too(self, new_us: Door, gateway: RunningGateway):
        collection = new_us.collection("example-async")

        async def story() -> None:
            client = AsyncQdrantClient(
                url=gateway.url,
                grpc_port=gateway.grpc_port,
                prefer_grpc=True,
                api_key=new_us.secret,
                cloud_inference=True,
            )
            cookies = models.Document(text=COOKIES, model=MINILM)
            await client.upsert(collection, [models.PointStruct(id=1, vector=cookies)])
            found = await client.query_points(collection, models.Document(text=QUESTION, model=MINILM))
            assert [point.id for point in found.points] == [1]
            assert (await client.count(collection)).count == 1
            await client.close()

        asyncio.run(story())


class TestInference:
    def test_usage_is_the_workers_count_and_the_ledgers(self, new_us: Door, remote: GrpcDoor, tokens):
        collection = new_us.collection("usage-grpc")
        twins = [point(number, q.Vector(document=text(COOKIES))) for number in (1, 2)]
        points = [*twins, point(3, q.Vector(document=text(TRAIN)))]
        reply, call = remote.call(q.UpsertPoints(collection_name=collection, wait=True, points=points), "Upsert")
        assert used(reply) == {MINILM: tokens(COOKIES, TRAIN)}
        assert reply.time > 0
        [row] = UsageEvent.objects.filter(request_id=request_id(call))
        assert (row.kind, row.inputs, row.tokens) == ("update", 2, tokens(COOKIES, TRAIN))

        search = q.QueryPoints(
            collection_name=collection, query=q.Query(nearest=q.VectorInput(document=text(QUESTION)))
        )
        reply, call = remote.call(search, "Query")
        assert used(reply) == {MINILM: tokens(QUESTION, kind="search")}
        assert {found.id.num for found in reply.result[:2]} == {1, 2}
        assert UsageEvent.objects.get(request_id=request_id(call)).kind == "search"

    def test_what_is_stored_is_exactly_what_rest_stores(self, new_us: Door, remote: GrpcDoor, worker: Worker):
        collection = new_us.collection("exact-grpc", vectors={"size": 384, "distance": "Dot"})
        upsert = q.UpsertPoints(
            collection_name=collection, wait=True, points=[point(1, q.Vector(document=text(COOKIES)))]
        )
        remote.call(upsert, "Upsert")
        kept = new_us.http.get(f"/collections/{collection}/points/1").json()["result"]["vector"]
        expected = worker.embed(MINILM, "update", text_inputs(COOKIES)).vectors[0]
        np.testing.assert_array_equal(np.asarray(kept, np.float32), expected)

    def test_every_type_of_vector_and_every_writing_method(self, new_us: Door, remote: GrpcDoor, tokens):
        dense = {"size": 384, "distance": "Cosine"}
        multi = {"size": 96, "distance": "Cosine", "multivector_config": {"comparator": "max_sim"}}
        collection = new_us.collection(
            "kinds-grpc", vectors={"dense": dense, "multi": multi}, sparse_vectors={"splade": {}, "bm25": {}}
        )
        vectors = {
            "dense": q.Vector(document=text(COOKIES)),
            "multi": q.Vector(document=text(COOKIES, COLBERT)),
            "splade": q.Vector(document=text(COOKIES, SPLADE)),
            "bm25": q.Vector(document=text(COOKIES, "bm25")),
        }
        decoy = {"document": q.Value(struct_value=q.Struct(fields={"model": q.Value(string_value=MINILM)}))}
        whole = q.PointStruct(
            id=q.PointId(num=1), vectors=q.Vectors(vectors=q.NamedVectors(vectors=vectors)), payload=decoy
        )
        reply, _ = remote.call(q.UpsertPoints(collection_name=collection, wait=True, points=[whole]), "Upsert")
        expected = {MINILM, COLBERT, SPLADE, "qdrant/bm25"}
        assert set(used(reply)) == expected
        kept = new_us.http.get(f"/collections/{collection}/points/1").json()["result"]
        assert set(kept["vector"]) == set(vectors)
        assert kept["payload"] == {"document": {"model": MINILM}}

        change = [named(1, dense=q.Vector(document=text(TRAIN)))]
        reply, _ = remote.call(
            q.UpdatePointVectors(collection_name=collection, wait=True, points=change), "UpdateVectors"
        )
        assert used(reply) == {MINILM: tokens(TRAIN)}
        operations = [
            q.PointsUpdateOperation(upsert=q.PointsUpdateOperation.PointStructList(points=[whole])),
            q.PointsUpdateOperation(update_vectors=q.PointsUpdateOperation.UpdateVectors(points=change)),
        ]
        batch = q.UpdateBatchPoints(collection_name=collection, wait=True, operations=operations)
        reply, _ = remote.call(batch, "UpdateBatch")
        assert used(reply)[MINILM] == tokens(COOKIES, TRAIN)
        assert set(used(reply)) == expected
        assert len(reply.result) == 2

    @pytest.mark.parametrize("place", range(11))
    def test_every_place_of_a_query(self, new_us: Door, remote: GrpcDoor, tokens, place: int):
        collection = new_us.collection("places-grpc")
        new_us.upsert(collection, {"id": 1, "vector": document(COOKIES)}, {"id": 2, "vector": document(TRAIN)})
        this = q.VectorInput(document=text(QUESTION))
        other = q.VectorInput(id=q.PointId(num=2))
        pair = q.ContextInputPair(positive=this, negative=other)
        feedback = q.FeedbackStrategy(naive=q.NaiveFeedbackStrategy(a=1.0, b=1.0, c=1.0))
        query = [
            q.Query(nearest=this),
            q.Query(nearest_with_mmr=q.NearestInputWithMmr(nearest=this, mmr=q.Mmr(diversity=0.1))),
            q.Query(recommend=q.RecommendInput(positive=[this], negative=[other])),
            q.Query(recommend=q.RecommendInput(positive=[other], negative=[this])),
            q.Query(discover=q.DiscoverInput(target=this, context=q.ContextInput(pairs=[]))),
            q.Query(discover=q.DiscoverInput(target=other, context=q.ContextInput(pairs=[pair]))),
            q.Query(context=q.ContextInput(pairs=[pair])),
            q.Query(context=q.ContextInput(pairs=[q.ContextInputPair(positive=other, negative=this)])),
            q.Query(relevance_feedback=q.RelevanceFeedbackInput(target=this, feedback=[], strategy=feedback)),
            q.Query(
                relevance_feedback=q.RelevanceFeedbackInput(
                    target=other, feedback=[q.FeedbackItem(example=this, score=0.5)], strategy=feedback
                )
            ),
        ]
        if place < len(query):
            message = q.QueryPoints(collection_name=collection, query=query[place])
        else:
            inner = q.PrefetchQuery(query=q.Query(nearest=this))
            message = q.QueryPoints(
                collection_name=collection,
                query=q.Query(fusion=q.Fusion.RRF),
                prefetch=[q.PrefetchQuery(prefetch=[inner], query=q.Query(nearest=other))],
            )
        reply, _ = remote.call(message, "Query")
        assert used(reply) == {MINILM: tokens(QUESTION, kind="search")}
        assert reply.result

    def test_batches_and_groups(self, new_us: Door, remote: GrpcDoor, tokens):
        collection = new_us.collection("more-grpc")
        new_us.upsert(collection, {"id": 1, "vector": document(COOKIES), "payload": {"kind": "food"}})
        query = q.Query(nearest=q.VectorInput(document=text(QUESTION)))
        search = q.QueryPoints(collection_name=collection, query=query)
        batch = q.QueryBatchPoints(collection_name=collection, query_points=[search, search])
        reply, _ = remote.call(batch, "QueryBatch")
        assert used(reply) == {MINILM: tokens(QUESTION, kind="search")}
        assert [answer.result[0].id.num for answer in reply.result] == [1, 1]
        groups = q.QueryPointGroups(collection_name=collection, query=query, group_by="kind")
        reply, _ = remote.call(groups, "QueryGroups")
        assert used(reply) == {MINILM: tokens(QUESTION, kind="search")}
        assert reply.result.groups[0].id.string_value == "food"


class TestRefusals:
    @pytest.mark.parametrize(
        ("secret", "status"), [(None, 401), ("", 401), ("ccd_wrong", 401)], ids=["none", "empty", "wrong"]
    )
    def test_keys(self, channel: grpc.Channel, gateway: RunningGateway, secret: str | None, status: int):
        headers = {} if secret is None else {"api-key": secret}
        rest = httpx.get(f"{gateway.url}/collections", headers=headers)
        with pytest.raises(grpc.RpcError) as refused:
            q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=list(headers.items()))
        assert rest.status_code == status
        assert same(refused.value, rest)
        assert request_id(refused.value)

    def test_a_bearer_token_opens_too(self, channel: grpc.Channel, new_us: Door):
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
    def test_what_rest_refuses_grpc_refuses_in_the_same_words(
        self, new_us: Door, remote: GrpcDoor, vector: Any, body: Any
    ):
        collection = new_us.collection("refused-grpc")
        before = UsageEvent.objects.count()
        rest = new_us.upsert(collection, {"id": 1, "vector": body})
        with pytest.raises(grpc.RpcError) as refused:
            remote.call(q.UpsertPoints(collection_name=collection, wait=True, points=[point(1, vector)]), "Upsert")
        told = dict(zip(("points[0].vector", "points[0].vectors.vector"), ("AT", "AT"), strict=True))
        assert same(refused.value, rest, told)
        assert new_us.count(collection) == 0
        assert UsageEvent.objects.count() == before

    def test_collections_and_sizes_are_checked_first(self, new_us: Door, remote: GrpcDoor):
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

    def test_a_bare_object_is_no_update_of_vectors(self, new_us: Door, remote: GrpcDoor):
        collection = new_us.collection("bare-grpc")
        bare = q.PointVectors(id=q.PointId(num=1), vectors=q.Vectors(vector=q.Vector(document=text("x"))))
        rest = new_us.http.put(
            f"/collections/{collection}/points/vectors", json={"points": [{"id": 1, "vector": document("x")}]}
        )
        with pytest.raises(grpc.RpcError) as refused:
            remote.call(q.UpdatePointVectors(collection_name=collection, points=[bare]), "UpdateVectors")
        assert same(refused.value, rest)

    def test_the_gate_says_the_same(self, free_us: Door, channel: grpc.Channel):
        rest = free_us.upsert("x", {"id": 1, "vector": document("hello")})
        upsert = q.UpsertPoints(collection_name="x", points=[point(1, q.Vector(document=text("hello")))])
        with pytest.raises(grpc.RpcError) as refused:
            GrpcDoor(channel, free_us.secret).call(upsert, "Upsert")
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert same(refused.value, rest)

    def test_a_busy_worker_says_when_to_come_back(
        self, new_us: Door, remote: GrpcDoor, monkeypatch: pytest.MonkeyPatch
    ):
        collection = new_us.collection("busy-grpc")

        async def fail(*arguments: Any) -> None:
            raise InferenceError(429, "busy", "The worker is busy.", retry_after=3)

        monkeypatch.setattr(InferenceClient, "embed", fail)
        rest = new_us.upsert(collection, {"id": 1, "vector": document("hello")})
        upsert = q.UpsertPoints(collection_name=collection, points=[point(1, q.Vector(document=text("hello")))])
        with pytest.raises(grpc.RpcError) as refused:
            remote.call(upsert, "Upsert")
        assert same(refused.value, rest)
        assert dict(refused.value.trailing_metadata())["retry-after"] == rest.headers["retry-after"] == "3"

    def test_what_the_engine_refuses_is_not_billed(self, new_us: Door, remote: GrpcDoor):
        collection = new_us.collection("engine-grpc")
        before = new_us.billed()
        wrong = point(2, q.Vector(dense=q.DenseVector(data=[1.0])))
        upsert = q.UpsertPoints(collection_name=collection, points=[point(1, q.Vector(document=text("x"))), wrong])
        with pytest.raises(grpc.RpcError) as refused:
            remote.call(upsert, "Upsert")
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (new_us.billed(), new_us.count(collection)) == (before, 0)

    @pytest.mark.parametrize("path", sorted(ROUTES))
    def test_bytes_that_are_no_message_get_a_sentence(self, remote: GrpcDoor, path: str):
        for message in (b"\xff\xff", b"\x0a\x05abc", b"\x00" * 100):
            with pytest.raises(grpc.RpcError) as refused:
                remote.raw(path, message)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert len(refused.value.details()) > 10

    def test_unknown_methods_are_the_clusters_to_refuse(self, remote: GrpcDoor):
        with pytest.raises(grpc.RpcError) as refused:
            remote.raw("/qdrant.Points/Nonsense", b"")
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert refused.value.details() == "there is no method /qdrant.Points/Nonsense"

    def test_a_cluster_that_cannot_be_reached(self, mirrored_remote: GrpcDoor):
        with pytest.raises(grpc.RpcError) as refused:
            mirrored_remote.raw("/qdrant.Points/Count", b"")
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert refused.value.details() == "Cluster mirrored cannot be reached right now. Try again in a second."
        assert dict(refused.value.trailing_metadata())["retry-after"] == "1"

    def test_a_message_over_the_limit(self, new_us: Door, settings: Any):
        settings.GATEWAY_MAX_BODY_BYTES = 100_000
        with (
            running_both_ports() as gateway,
            grpc.insecure_channel(f"127.0.0.1:{gateway.grpc_port}") as channel,
            pytest.raises(grpc.RpcError) as refused,
        ):
            GrpcDoor(channel, new_us.secret).raw("/qdrant.Points/Upsert", bytes(100_001))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def same(refused: Any, rest: httpx.Response, told: dict[str, str] | None = None) -> bool:
    """Whether gRPC and REST refuse alike; ``told`` are words that mean the same place in both."""
    here, there = refused.details(), rest.json()["status"]["error"]
    for words, meant in sorted((told or {}).items(), reverse=True):
        here, there = here.replace(words, meant), there.replace(words, meant)
    assert here == there
    assert refused.code().name == CODES[rest.status_code]
    return True


class TestPassThrough:
    @pytest.mark.parametrize("path", ["/qdrant.Points/Scroll", "/qdrant.Collections/Create", "/some.Other/Method"])
    @pytest.mark.parametrize("size", [0, 100, 3_000_000])
    def test_messages_arrive_byte_for_byte_both_ways(
        self, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror, path: str, size: int
    ):
        message = (bytes(range(256)) * (size // 256 + 1))[:size]
        assert mirrored_remote.raw(path, message) == message
        assert grpc_mirror.seen[0][:2] == (path, message)

    def test_without_inference_objects_even_odd_bytes_pass(self, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
        # an unknown field, and fields in another order than a serialiser would write them
        message = b"\xfa\x3e\x03abc" + point_bytes() + b"\x0a\x01x"
        grpc_mirror.answers["/qdrant.Points/Upsert"] = b"\xfa\x3e\x03abc"
        assert mirrored_remote.raw("/qdrant.Points/Upsert", message) == b"\xfa\x3e\x03abc"
        assert grpc_mirror.seen[0][1] == message

    def test_no_key_is_forwarded(self, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
        mirrored_remote.raw("/qdrant.Points/Count", b"", authorization="Bearer x", openai_api_key="sk", x_kept="yes")
        metadata = grpc_mirror.seen[0][2]
        assert not {"api-key", "authorization", "openai-api-key"} & set(metadata)
        assert metadata["x-kept"] == "yes"

    def test_trailers_come_back(self, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
        _, call = mirrored_remote.channel.unary_unary("/qdrant.Points/Count").with_call(
            b"", metadata=[("api-key", mirrored_remote.secret)]
        )
        assert dict(call.trailing_metadata())["x-from-node"] == "1"
        assert request_id(call)

    def test_the_callers_deadline_and_departure_reach_the_cluster(
        self, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror
    ):
        grpc_mirror.held.add("/qdrant.Points/Count")
        call = mirrored_remote.channel.unary_unary("/qdrant.Points/Count").future(
            b"", metadata=[("api-key", mirrored_remote.secret)], timeout=8
        )
        wait_until(lambda: grpc_mirror.seen, seconds=5, what="the call is at the cluster")
        assert 4 < grpc_mirror.seconds[0] < 9
        call.cancel()
        assert grpc_mirror.gone.wait(5)

    def test_a_cluster_that_comes_back_is_found_at_once(self, mirrored: Door, mirrored_remote: GrpcDoor, tmp_path: Any):
        for number in range(2):
            with running_node(mirrored.cluster.pk, tmp_path):
                mirrored_remote.raw("/qdrant.Collections/List", b"")
            with pytest.raises(grpc.RpcError):
                mirrored_remote.raw("/qdrant.Collections/List", bytes(number))


def point_bytes() -> bytes:
    """The field ``points`` of an upsert, with a payload that looks like an inference object."""
    one = point(1, q.Vector(data=[0.5]), text="x", model=MINILM)
    return q.UpsertPoints(points=[one]).SerializeToString()


def test_a_caller_that_leaves_after_its_write_was_forwarded_still_pays(
    mirrored: Door, mirror: Mirror, mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror
):
    parameters = {"vectors": {"size": 384, "distance": "Cosine"}}
    mirror.answers = {b"/collections/x": orjson.dumps({"result": {"config": {"params": parameters}}})}
    grpc_mirror.held.add("/qdrant.Points/Upsert")
    grpc_mirror.answers["/qdrant.Points/Upsert"] = q.PointsOperationResponse().SerializeToString()
    before = mirrored.billed().get(MINILM, 0)
    upsert = q.UpsertPoints(collection_name="x", points=[point(1, q.Vector(document=text("hello")))])
    call = mirrored_remote.channel.unary_unary("/qdrant.Points/Upsert").future(
        upsert.SerializeToString(), metadata=[("api-key", mirrored_remote.secret)]
    )
    wait_until(lambda: grpc_mirror.seen, seconds=5, what="the write has reached the cluster")
    assert mirrored.billed().get(MINILM, 0) == before
    call.cancel()
    grpc_mirror.may_answer.set()
    wait_until(lambda: mirrored.billed().get(MINILM, 0) > before, seconds=5, what="the write is billed")


def test_introduction_and_health_need_no_key(channel: grpc.Channel):
    hello = q.QdrantStub(channel).HealthCheck(q.HealthCheckRequest())
    assert (hello.title, hello.version) == ("qdrant - vector search engine", "1.19.0")
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
