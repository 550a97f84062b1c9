"""gRPC against a node: each operation answers what REST answers, and what is refused is refused alike."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as q
from qdrant_client.http.exceptions import UnexpectedResponse

from clusters.node.grpc.methods import METHODS, ONLY_IN_REST
from clusters.node.operations import OPERATIONS
from clusters.node.unsupported import UNSUPPORTED_METHODS
from clusters.qdrant_messages import method_paths
from tests.clusters.node.running import RunningNode

RED = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchValue(value="red"))])
NOT_BLUE = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchExcept(**{"except": ["blue"]}))])
POINTS = [
    models.PointStruct(
        id=id,
        vector={
            "dense": [0.1 * id, 1.0],
            "late": [[1.0, 2.0 * id], [0.0, 1.0]],
            "words": models.SparseVector(indices=[id, 10], values=[1.0, 0.3]),
        },
        payload={"colour": "red" if id < 3 else "blue", "rank": id, "deep": {"list": [1, 2.5, None, {"a": True}]}},
    )
    for id in range(1, 5)
]
NEAREST = models.QueryRequest(query=[1.0, 0.0], using="dense", limit=3, with_payload=True, with_vector=True)
Use = Callable[[QdrantClient, str], Any]

USES: dict[str, list[Use]] = {
    "get_collections": [lambda client, name: name in [one.name for one in client.get_collections().collections]],
    "get_collection": [lambda client, name: client.get_collection(name)],
    "collection_exists": [lambda client, name: (client.collection_exists(name), client.collection_exists("none"))],
    "create_collection": [
        lambda client, name: client.create_collection(
            f"{name}-new",
            vectors_config=models.VectorParams(
                size=4,
                distance=models.Distance.MANHATTAN,
                on_disk=True,
                hnsw_config=models.HnswConfigDiff(m=8),
                datatype=models.Datatype.FLOAT16,
            ),
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.75)
            ),
            optimizers_config=models.OptimizersConfigDiff(default_segment_number=2),
            on_disk_payload=False,
            metadata={"owner": "cook"},
        ),
        lambda client, name: client.get_collection(f"{name}-new").config,
    ],
    "update_collection": [
        lambda client, name: client.update_collection(
            name,
            optimizers_config=models.OptimizersConfigDiff(indexing_threshold=500),
            vectors_config={"dense": models.VectorParamsDiff(hnsw_config=models.HnswConfigDiff(m=32))},
            metadata={"a": [1]},
        ),
        lambda client, name: client.get_collection(name).config,
    ],
    "delete_collection": [lambda client, name: (client.delete_collection(name), client.delete_collection(name))],
    "create_field_index": [
        lambda client, name: client.create_payload_index(name, "colour", models.PayloadSchemaType.KEYWORD),
        lambda client, name: client.create_payload_index(
            name, "text", models.TextIndexParams(type="text", tokenizer=models.TokenizerType.WORD, lowercase=True)
        ),
        lambda client, name: client.get_collection(name).payload_schema,
    ],
    "delete_field_index": [
        lambda client, name: client.create_payload_index(name, "rank", models.PayloadSchemaType.INTEGER),
        lambda client, name: client.delete_payload_index(name, "rank"),
        lambda client, name: client.get_collection(name).payload_schema,
    ],
    "get_points": [
        lambda client, name: client.retrieve(name, [3, 1, 99], with_vectors=True),
        lambda client, name: client.retrieve(name, [1], with_payload=["rank"], with_vectors=["words"]),
    ],
    "scroll_points": [
        lambda client, name: client.scroll(name, limit=2, with_vectors=True),
        lambda client, name: client.scroll(name, scroll_filter=NOT_BLUE, offset=2),
        lambda client, name: client.create_payload_index(name, "rank", models.PayloadSchemaType.INTEGER),
        lambda client, name: client.scroll(name, order_by=models.OrderBy(key="rank", direction="desc")),
    ],
    "count_points": [lambda client, name: (client.count(name), client.count(name, RED), client.count(name, NOT_BLUE))],
    "facet": [
        lambda client, name: client.create_payload_index(name, "colour", models.PayloadSchemaType.KEYWORD),
        lambda client, name: client.facet(name, "colour", facet_filter=NOT_BLUE, limit=3, exact=True),
    ],
    "upsert_points": [
        lambda client, name: client.upsert(name, POINTS[:2], wait=False).status,
        lambda client, name: client.upsert(name, [POINTS[0]], update_mode=models.UpdateMode.INSERT_ONLY),
        lambda client, name: client.upsert(
            name, [models.PointStruct(id=str(uuid.UUID(int=5)), vector={"dense": [5.0, 5.0]})], update_filter=RED
        ),
    ],
    "delete_points": [
        lambda client, name: client.delete(name, [1, 77]),
        lambda client, name: client.delete(name, models.FilterSelector(filter=RED)),
    ],
    "update_vectors": [
        lambda client, name: client.update_vectors(
            name, [models.PointVectors(id=1, vector={"dense": [7.0, 7.0], "late": [[2.0, 2.0]]})]
        )
    ],
    "delete_vectors": [
        lambda client, name: client.delete_vectors(name, ["words"], [1]),
        lambda client, name: client.delete_vectors(name, ["late", "dense"], models.FilterSelector(filter=RED)),
    ],
    "set_payload": [
        lambda client, name: client.set_payload(name, {"new": {"a": None, "b": -1}}, [1]),
        lambda client, name: client.set_payload(name, {"x": 2.0}, models.FilterSelector(filter=RED), key="deep"),
    ],
    "overwrite_payload": [lambda client, name: client.overwrite_payload(name, {"only": True}, [2])],
    "delete_payload": [lambda client, name: client.delete_payload(name, ["rank", "none"], [2])],
    "clear_payload": [lambda client, name: client.clear_payload(name, models.FilterSelector(filter=RED))],
    "batch_update": [
        lambda client, name: client.batch_update_points(
            name,
            [
                models.UpsertOperation(upsert=models.PointsList(points=POINTS[1:3])),
                models.SetPayloadOperation(set_payload=models.SetPayload(payload={"a": 1}, points=[1])),
                models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload={"b": 1}, filter=RED)),
                models.DeletePayloadOperation(delete_payload=models.DeletePayload(keys=["rank"], points=[3])),
                models.ClearPayloadOperation(clear_payload=models.PointIdsList(points=[4])),
                models.UpdateVectorsOperation(
                    update_vectors=models.UpdateVectors(points=[models.PointVectors(id=4, vector={"dense": [9, 9]})])
                ),
                models.DeleteVectorsOperation(delete_vectors=models.DeleteVectors(vector=["late"], points=[4])),
                models.DeleteOperation(delete=models.PointIdsList(points=[1])),
            ],
        )
    ],
    "query_points": [
        lambda client, name: client.query_points(name, [1.0, 0.0], using="dense", with_vectors=True),
        lambda client, name: client.query_points(name, 1, using="dense", query_filter=NOT_BLUE, score_threshold=0.0),
        lambda client, name: client.query_points(name, models.SparseVector(indices=[2], values=[1]), using="words"),
        lambda client, name: client.query_points(name, [[1.0, 0.0], [0.0, 1.0]], using="late", limit=2, offset=1),
        lambda client, name: client.query_points(
            name,
            models.FusionQuery(fusion=models.Fusion.DBSF),
            prefetch=[
                models.Prefetch(query=[1.0, 0.0], using="dense", prefetch=models.Prefetch(filter=RED)),
                models.Prefetch(query=models.SparseVector(indices=[10], values=[1]), using="words", limit=4),
            ],
        ),
        lambda client, name: client.query_points(
            name,
            models.RecommendQuery(recommend=models.RecommendInput(positive=[1, [0.5, 1.0]], negative=[4])),
            using="dense",
        ),
        lambda client, name: client.query_points(
            name,
            models.DiscoverQuery(
                discover=models.DiscoverInput(target=1, context=[models.ContextPair(positive=2, negative=4)])
            ),
            using="dense",
        ),
        lambda client, name: client.query_points(
            name, models.NearestQuery(nearest=[1.0, 0.0], mmr=models.Mmr(diversity=0.5)), using="dense"
        ),
        lambda client, name: client.query_points(
            name,
            models.FormulaQuery(formula=models.SumExpression(sum=["$score", models.MultExpression(mult=[2, "rank"])])),
            prefetch=models.Prefetch(query=[1.0, 0.0], using="dense"),
        ),
    ],
    "query_batch_points": [lambda client, name: client.query_batch_points(name, [NEAREST, NEAREST])],
    "query_points_groups": [
        lambda client, name: client.query_points_groups(
            name, "colour", query=[1.0, 0.0], using="dense", limit=2, group_size=1, with_payload=True
        ),
        lambda client, name: client.query_points_groups(
            name, "rank", query=[1.0, 0.0], using="dense", with_lookup=models.WithLookup(collection=name)
        ),
    ],
}


@pytest.fixture(scope="module")
def grpc_client(node: RunningNode) -> Iterator[QdrantClient]:
    official = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=20)
    yield official
    official.close()


@pytest.fixture(scope="module")
def channel(node: RunningNode) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{node.grpc_port}") as channel:
        yield channel


def new_collection(client: QdrantClient) -> str:
    name = f"points-{uuid.uuid4()}"
    late = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    client.create_collection(
        name,
        vectors_config={
            "dense": models.VectorParams(size=2, distance=models.Distance.COSINE),
            "late": models.VectorParams(size=2, distance=models.Distance.DOT, multivector_config=late),
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    client.upsert(name, POINTS)
    return name


def stored(client: QdrantClient, name: str) -> Any:
    return client.collection_exists(name) and client.scroll(name, with_vectors=True, limit=100)


def test_every_operation_is_a_method_or_listed():
    assert {method.operation for method in METHODS.values()} | set(ONLY_IN_REST) == set(OPERATIONS)
    assert set(ONLY_IN_REST.values()) <= set(METHODS)


def test_every_method_is_served_or_refused_with_a_sentence():
    assert not set(METHODS) & set(UNSUPPORTED_METHODS)
    assert set(METHODS) | set(UNSUPPORTED_METHODS) == set(method_paths())


@pytest.mark.parametrize("operation", sorted({method.operation for method in METHODS.values()}))
def test_grpc_answers_and_stores_what_rest_does(client: QdrantClient, grpc_client: QdrantClient, operation: str):
    over_rest, over_grpc = new_collection(client), new_collection(grpc_client)
    for use in USES[operation]:
        rest, remote = use(client, over_rest), use(grpc_client, over_grpc)
        assert plain(remote, over_grpc) == plain(rest, over_rest)
    assert plain(stored(client, over_grpc), "") == plain(stored(client, over_rest), "")


def plain(answer: Any, name: str) -> Any:
    """An answer without what may differ: the collection's name, unset against empty, digits behind a 32-bit float's."""
    if isinstance(answer, (list, tuple)):
        return [plain(one, name) for one in answer]
    if isinstance(answer, float):
        return float(np.float32(answer))
    if hasattr(answer, "model_dump"):
        answer = answer.model_dump()
    if isinstance(answer, dict):
        return {key: plain(value, name) for key, value in answer.items() if value not in (None, {}, [])}
    return answer.replace(name, "NAME") if isinstance(answer, str) and name else answer


REFUSALS: list[Use] = [
    lambda client, name: client.count("nowhere"),
    lambda client, name: client.create_collection(
        name, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    ),
    lambda client, name: client.upsert(name, [models.PointStruct(id=1, vector={"dense": [1.0]})]),
    lambda client, name: client.upsert(name, [models.PointStruct(id=1, vector={"other": [1.0, 1.0]})]),
    lambda client, name: client.query_points(name, [1.0, 2.0, 3.0], using="dense"),
    lambda client, name: client.query_points(name, 99, using="dense"),
    lambda client, name: client.scroll(name, limit=0),
    lambda client, name: client.set_payload(name, {"a": 1}, [99]),
    lambda client, name: client.facet(name, "unindexed"),
    lambda client, name: client.delete_vectors(name, ["other"], [1]),
    lambda client, name: client.query_points(
        name, models.NearestQuery(nearest=[1.0, 0.0], mmr=models.Mmr(diversity=5)), using="dense"
    ),
    lambda client, name: client.get_aliases(),
]
CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 422: "INVALID_ARGUMENT"}


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_what_rest_refuses_grpc_refuses_in_the_same_words(client: QdrantClient, grpc_client: QdrantClient, number: int):
    name = new_collection(client)
    with pytest.raises(UnexpectedResponse) as rest:
        REFUSALS[number](client, name)
    with pytest.raises(grpc.RpcError) as remote:
        REFUSALS[number](grpc_client, name)
    assert remote.value.details() == rest.value.structured()["status"]["error"]
    assert remote.value.code().name == CODES.get(rest.value.status_code, "UNIMPLEMENTED")


@pytest.mark.parametrize(
    "message",
    [
        q.DeletePoints(points=q.PointsSelector(filter=q.Filter(must=[q.Condition()]))),
        q.DeletePoints(
            points=q.PointsSelector(
                filter=q.Filter(must=[q.Condition(field=q.FieldCondition(key="rank", range=q.Range(gt=float("inf"))))])
            )
        ),
        q.DeletePoints(),
    ],
)
def test_a_selection_that_means_nothing_deletes_nothing(client: QdrantClient, channel: grpc.Channel, message: Any):
    name = new_collection(client)
    message.collection_name, message.wait = name, True
    with pytest.raises(grpc.RpcError) as refused:
        q.PointsStub(channel).Delete(message)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert client.count(name).count == len(POINTS)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_no_vector_has_are_refused(client: QdrantClient, channel: grpc.Channel, number: float):
    name = new_collection(client)
    vector = q.Vector(dense=q.DenseVector(data=[number, 1.0]))
    named = q.Vectors(vectors=q.NamedVectors(vectors={"dense": vector}))
    request = q.UpsertPoints(collection_name=name, points=[q.PointStruct(id=q.PointId(num=1), vectors=named)])
    with pytest.raises(grpc.RpcError) as refused:
        q.PointsStub(channel).Upsert(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_what_is_no_message_or_no_method_is_told(channel: grpc.Channel):
    for path, code in (
        ("/qdrant.Points/Upsert", grpc.StatusCode.INVALID_ARGUMENT),
        ("/qdrant.Points/Nonsense", grpc.StatusCode.UNIMPLEMENTED),
        ("/qdrant.Snapshots/Create", grpc.StatusCode.UNIMPLEMENTED),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(path)(b"\xff\xff\xff")
        assert refused.value.code() is code
        assert len(refused.value.details()) > 10


def test_health_is_told_in_both_forms(channel: grpc.Channel):
    assert q.QdrantStub(channel).HealthCheck(q.HealthCheckRequest()).version == "1.19.0"
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"


def test_a_node_that_stops_answers_what_it_has_taken_and_refuses_the_rest(tmp_path: Path):
    node = RunningNode(tmp_path)
    client = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=20)
    name = new_collection(client)
    with grpc.insecure_channel(f"127.0.0.1:{node.grpc_port}") as channel:
        request = q.CountPoints(collection_name=name)
        assert q.PointsStub(channel).Count(request).result.count == len(POINTS)
        assert node.stop() == 0
        with pytest.raises(grpc.RpcError) as refused:
            q.PointsStub(channel).Count(request)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    again = RunningNode(tmp_path)
    with again.stopped_at_end():
        assert QdrantClient(url=again.url).count(name).count == len(POINTS)
