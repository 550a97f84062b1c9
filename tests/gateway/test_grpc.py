"""Inference over gRPC: in every place that may hold an object, for the same money as over REST."""

import asyncio
from collections.abc import Callable

import grpc
import numpy as np
import orjson
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from qdrant_client import AsyncQdrantClient, QdrantClient, models
from qdrant_client import grpc as q

from billing.models import UsageEvent
from tests.gateway.conftest import MINILM, Door, document
from tests.gateway.grpc_door import GrpcDoor, named, point, request_id, text, used
from tests.gateway.running import GrpcMirror, Mirror, RunningGateway, running_grpc_mirror, running_mirror
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


@pytest.fixture
def tokens(worker: Worker) -> Callable[..., int]:
    def count(*texts: str, model: str = MINILM, kind: str = "update") -> int:
        return sum(sum(worker.embed(model, kind, text_inputs(text)).tokens) for text in texts)

    return count


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


def test_a_caller_that_leaves_after_its_write_was_forwarded_still_pays(
    open_door: Callable[..., Door], channel: grpc.Channel
):
    door = open_door("left-grpc", node=False)
    with running_mirror(door.cluster.pk) as mirror, running_grpc_mirror(door.cluster.pk) as grpc_mirror:
        leave(door, GrpcDoor(channel, door.secret), mirror, grpc_mirror)


def leave(door: Door, remote: GrpcDoor, mirror: Mirror, grpc_mirror: GrpcMirror) -> None:
    parameters = {"vectors": {"size": 384, "distance": "Cosine"}}
    mirror.answers = {b"/collections/x": orjson.dumps({"result": {"config": {"params": parameters}}})}
    grpc_mirror.held.add("/qdrant.Points/Upsert")
    grpc_mirror.answers["/qdrant.Points/Upsert"] = q.PointsOperationResponse().SerializeToString()
    upsert = q.UpsertPoints(collection_name="x", points=[point(1, q.Vector(document=text("hello")))])
    call = remote.channel.unary_unary("/qdrant.Points/Upsert").future(
        upsert.SerializeToString(), metadata=[("api-key", remote.secret)]
    )
    wait_until(lambda: grpc_mirror.seen, seconds=5, what="the write has reached the cluster")
    assert door.billed() == {}
    call.cancel()
    grpc_mirror.may_answer.set()
    wait_until(lambda: door.billed().get(MINILM), seconds=5, what="the write is billed")


def test_reflection_tells_the_methods(channel: grpc.Channel):
    services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {"qdrant.Points", "qdrant.Collections", "qdrant.Qdrant"} <= set(services)
    described = DescriptorPool(ProtoReflectionDescriptorDatabase(channel)).FindServiceByName("qdrant.Points")
    assert "Query" in described.methods_by_name


def test_introduction_and_health_need_no_key(channel: grpc.Channel):
    hello = q.QdrantStub(channel).HealthCheck(q.HealthCheckRequest())
    assert (hello.title, hello.version) == ("qdrant - vector search engine", "1.19.0")
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
