"""The official Python clients, unchanged, through the gateway of a whole cloud: every method once."""

import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.clusters.node.uses import USES, new_collection
from tests.running_cloud import RunningCloud
from tests.sdk.clients import KINDS, Recorded, methods, official_client

MINILM = "sentence-transformers/all-minilm-l6-v2"
# What ends in a 501 that names the difference, on every transport.
NOT_SERVED: dict[str, Any] = {
    "cluster_collection_update": lambda client, name: client.cluster_collection_update(
        name,
        models.MoveShardOperation(move_shard=models.MoveShard(shard_id=0, from_peer_id=0, to_peer_id=1)),
    ),
    "cluster_telemetry": lambda client, name: client.cluster_telemetry(),
    "create_full_snapshot": lambda client, name: client.create_full_snapshot(),
    "create_shard_key": lambda client, name: client.create_shard_key(name, "a"),
    "create_shard_snapshot": lambda client, name: client.create_shard_snapshot(name, 0),
    "delete_full_snapshot": lambda client, name: client.delete_full_snapshot("a"),
    "delete_shard_key": lambda client, name: client.delete_shard_key(name, "a"),
    "delete_shard_snapshot": lambda client, name: client.delete_shard_snapshot(name, 0, "a"),
    "list_full_snapshots": lambda client, name: client.list_full_snapshots(),
    "list_shard_keys": lambda client, name: client.list_shard_keys(name),
    "list_shard_snapshots": lambda client, name: client.list_shard_snapshots(name, 0),
    "recover_current_peer": lambda client, name: client.recover_current_peer(),
    "recover_shard_snapshot": lambda client, name: client.recover_shard_snapshot(name, 0, "file:///a"),
    "recover_snapshot": lambda client, name: client.recover_snapshot(name, "file:///a"),
    "remove_peer": lambda client, name: client.remove_peer(1),
}
# These ask no server of their own: leaving, the size of a local model, and copying from client to client.
WITHOUT_A_SERVER = {"close", "get_embedding_size", "migrate"}


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, cloud: RunningCloud) -> Iterator[Recorded]:
    cluster = cloud.cluster("new-us")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the key is sent over plain HTTP, to this machine
        with official_client(
            request.param,
            url=cluster["rest"],
            grpc_port=int(cloud.environment["GATEWAY_GRPC_PORT"]),
            api_key=cluster["api_key"],
            cloud_inference=True,
        ) as recorded:
            yield recorded


def test_every_method_is_served_or_refused_with_a_sentence(client: Recorded) -> None:
    for uses in USES.values():
        name = new_collection(client)
        for use in uses:
            use(client, name)
        client.delete_collection(name)
    name = new_collection(client)
    _use_what_rest_alone_has(client, name)
    for use in NOT_SERVED.values():
        with pytest.raises((UnexpectedResponse, grpc.RpcError)) as refused:
            use(client, name)
        assert "Not supported: an embedded node " in _sentence(refused.value)
    client.delete_collection(name)
    assert methods() - client.called == WITHOUT_A_SERVER


def _use_what_rest_alone_has(client: Recorded, name: str) -> None:
    assert client.info().version
    assert client.get_optimizations(name).running == []
    assert client.cluster_status()
    client.recreate_collection(f"{name}-2", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    client.upload_points(f"{name}-2", [models.PointStruct(id=id, vector=[id, 1.0]) for id in range(1, 9)], wait=True)
    client.upload_collection(f"{name}-2", vectors=[[1.0, 2.0]] * 3, ids=[11, 12, 13], wait=True)
    assert client.count(f"{name}-2").count == 11
    client.delete_collection(f"{name}-2")


def _sentence(error: Any) -> str:
    return error.details() if isinstance(error, grpc.RpcError) else error.structured()["status"]["error"]


def test_inference_objects_stand_wherever_vectors_do(client: Recorded) -> None:
    name = f"sdk-{uuid.uuid4()}"
    client.create_collection(
        name,
        vectors_config={"text": models.VectorParams(size=384, distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )

    def text(words: str) -> models.Document:
        return models.Document(text=words, model=MINILM)

    def bm25(words: str) -> models.Document:
        return models.Document(text=words, model="qdrant/bm25")

    texts = {1: "flour and sugar for cookies", 2: "the oil of a car", 3: "a song about rain"}
    points = [
        models.PointStruct(id=id, vector={"text": text(words), "words": bm25(words)}, payload={"id": id})
        for id, words in texts.items()
    ]
    client.upsert(name, points[:2])
    client.batch_update_points(name, [models.UpsertOperation(upsert=models.PointsList(points=points[2:]))])
    client.update_vectors(name, [models.PointVectors(id=3, vector={"text": text("weather and music")})])
    asked = {
        "nearest": text("baking"),
        "recommend": models.RecommendQuery(
            recommend=models.RecommendInput(positive=[text("baking")], negative=[text("engine")])
        ),
        "discover": models.DiscoverQuery(
            discover=models.DiscoverInput(
                target=text("baking"), context=[models.ContextPair(positive=text("kitchen"), negative=text("garage"))]
            )
        ),
        "mmr": models.NearestQuery(nearest=text("baking"), mmr=models.Mmr(diversity=0.1)),
    }
    for query in asked.values():
        assert client.query_points(name, query, using="text", limit=1).points[0].id == 1
    pair = models.ContextPair(positive=text("baking"), negative=text("engine"))
    assert client.query_points(name, models.ContextQuery(context=[pair]), using="text", limit=3).points
    fused = client.query_points(
        name,
        models.FusionQuery(fusion=models.Fusion.RRF),
        prefetch=[
            models.Prefetch(query=text("sweet dough"), using="text"),
            models.Prefetch(query=bm25("cookies"), using="words"),
        ],
    )
    assert fused.points[0].id == 1
    one = models.QueryRequest(query=bm25("car"), using="words", limit=1)
    assert [answer.points[0].id for answer in client.query_batch_points(name, [one, one])] == [2, 2]
    groups = client.query_points_groups(name, "id", query=text("music"), using="text", limit=1)
    assert groups.groups[0].id == 3
    client.delete_collection(name)
