"""gRPC against a node: each operation answers what REST answers, and what is refused is refused alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as q
from qdrant_client.conversions.conversion import GrpcToRest
from qdrant_client.http.exceptions import UnexpectedResponse

from clusters.node.grpc.methods import METHODS, ONLY_IN_REST
from clusters.node.grpc.unsupported import UNSUPPORTED_METHODS
from clusters.node.operations import OPERATIONS
from clusters.qdrant_messages import message_classes, method_paths
from tests.clusters.node.older_searches import OLDER_SEARCHES
from tests.clusters.node.running import RunningNode
from tests.clusters.node.uses import POINTS, USES, Use, new_collection


@pytest.fixture(scope="module")
def grpc_client(node: RunningNode) -> Iterator[QdrantClient]:
    official = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=20)
    yield official
    official.close()


@pytest.fixture(scope="module")
def channel(node: RunningNode) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{node.grpc_port}") as channel:
        yield channel


def stored(client: QdrantClient, name: str) -> Any:
    return client.collection_exists(name) and client.scroll(name, with_vectors=True, limit=100)


def test_every_operation_is_a_method_or_listed():
    assert {method.operation for method in METHODS.values()} | set(ONLY_IN_REST) == set(OPERATIONS)
    assert not {method.operation for method in METHODS.values()} & set(ONLY_IN_REST)


def test_every_operation_has_its_grpc_twin_in_a_test():
    assert set(USES) | set(OLDER_SEARCHES) == {method.operation for method in METHODS.values()}


def test_every_method_is_served_or_refused_with_a_sentence():
    assert not set(METHODS) & set(UNSUPPORTED_METHODS)
    assert set(METHODS) | set(UNSUPPORTED_METHODS) == set(method_paths())


@pytest.mark.parametrize("operation", sorted(USES))
def test_grpc_answers_and_stores_what_rest_does(client: QdrantClient, grpc_client: QdrantClient, operation: str):
    over_rest, over_grpc = new_collection(client), new_collection(grpc_client)
    for use in USES[operation]:
        rest, remote = use(client, over_rest), use(grpc_client, over_grpc)
        assert plain(remote, over_grpc) == plain(rest, over_rest)
    assert plain(stored(client, over_grpc), "") == plain(stored(client, over_rest), "")


@pytest.mark.parametrize("operation", sorted(OLDER_SEARCHES))
def test_an_older_search_finds_over_grpc_what_it_finds_over_rest(
    node: RunningNode, client: QdrantClient, channel: grpc.Channel, operation: str
):
    name = new_collection(client)
    [path] = [path for path, method in METHODS.items() if method.operation == operation]
    request_class, reply_class = message_classes(path)
    for body, fields in OLDER_SEARCHES[operation]:
        expected = node.ok("POST", OPERATIONS[operation].path.format(collection_name=name), body)
        message = request_class(collection_name=name, **fields).SerializeToString()
        reply = reply_class.FromString(channel.unary_unary(path)(message))
        assert expected
        assert plain(found(reply.result), "") == plain(expected, "")


def found(result: Any) -> Any:
    """The points of a reply as REST tells them."""
    if isinstance(result, q.GroupsResult):
        return GrpcToRest.convert_groups_result(result)
    if isinstance(result[0], q.BatchResult):
        return [found(batch.result) for batch in result]
    return [GrpcToRest.convert_scored_point(point) for point in result]


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
    lambda client, name: client.get_collection_aliases("nowhere"),
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
        ("/qdrant.Snapshots/CreateFull", grpc.StatusCode.UNIMPLEMENTED),
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
    name = new_collection(QdrantClient(url=node.url))
    requests = [
        q.SetPayloadPoints(
            collection_name=name,
            wait=True,
            payload={f"key-{number}": q.Value(integer_value=number)},
            points_selector=q.PointsSelector(points=q.PointsIdsList(ids=[q.PointId(num=1)])),
        )
        for number in range(200)
    ]
    with grpc.insecure_channel(f"127.0.0.1:{node.grpc_port}") as channel:
        points = q.PointsStub(channel)
        points.Count(q.CountPoints(collection_name=name))  # connects
        waiting = [points.SetPayload.future(request) for request in requests]
        waiting[0].result(10)
        assert node.stop() == 0
        refused = [number for number, call in enumerate(waiting) if call.exception(10)]
        assert {waiting[number].code() for number in refused} <= {grpc.StatusCode.UNAVAILABLE}
        with pytest.raises(grpc.RpcError) as later:
            points.Count(q.CountPoints(collection_name=name))
        assert later.value.code() is grpc.StatusCode.UNAVAILABLE
    again = RunningNode(tmp_path)
    with again.stopped_at_end():
        kept = QdrantClient(url=again.url).retrieve(name, [1])[0].payload
        answered = {f"key-{number}" for number in range(200) if number not in refused}
        assert answered <= set(kept)
