"""Every operation of a node as the official client asks for it, over REST and over gRPC."""

import uuid
from collections.abc import Callable
from typing import Any

from qdrant_client import QdrantClient, models

RED = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchValue(value="red"))])
NOT_BLUE = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchExcept(**{"except": ["blue"]}))])
POINTS = [
    models.PointStruct(
        id=id,
        vector={
            "dense": [0.1 * id, 1.0],
            "late": [[1.0, 2.0 * id], [0.0, 1.0]],
            "words": models.SparseVector(indices=[id, 10], values=[1.0, 0.1 * id]),
        },
        payload={"colour": "red" if id < 3 else "blue", "rank": id, "deep": {"list": [1, 2.5, None, {"a": True}]}},
    )
    for id in range(1, 5)
]
NEAREST = models.QueryRequest(query=[1.0, 0.0], using="dense", limit=3, with_payload=True, with_vector=True)
Use = Callable[[QdrantClient, str], Any]


def new_collection(client: QdrantClient) -> str:
    """A collection that holds ``POINTS``; its name."""
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
    "search_matrix_pairs": [lambda client, name: client.search_matrix_pairs(name, sample=10, limit=3, using="dense")],
    "search_matrix_offsets": [
        lambda client, name: client.search_matrix_offsets(name, sample=10, limit=3, using="dense")
    ],
    "create_vector_name": [
        lambda client, name: client.create_vector_name(
            name,
            "image",
            models.DenseVectorNameConfig(
                dense=models.DenseVectorConfig(
                    size=3,
                    distance=models.Distance.MANHATTAN,
                    multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
                    datatype=models.Datatype.FLOAT16,
                )
            ),
        ),
        lambda client, name: client.create_vector_name(
            name,
            "tags",
            models.SparseVectorNameConfig(
                sparse=models.SparseVectorConfig(modifier=models.Modifier.IDF, datatype=models.Datatype.FLOAT16)
            ),
        ),
        lambda client, name: client.get_collection(name).config.params,
    ],
    "collection_cluster_info": [lambda client, name: client.collection_cluster_info(name)],
    "delete_vector_name": [lambda client, name: client.delete_vector_name(name, "words")],
    "update_aliases": [
        lambda client, name: client.update_collection_aliases(
            [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=name, alias_name=f"{name}-a"))]
        )
    ],
    "get_collections_aliases": [lambda client, name: bool(client.get_aliases())],
    "get_collection_aliases": [lambda client, name: client.get_collection_aliases(name)],
    "create_snapshot": [lambda client, name: client.create_snapshot(name).size > 0],
    "list_snapshots": [lambda client, name: client.list_snapshots(name)],
    "delete_snapshot": [
        lambda client, name: client.delete_snapshot(name, client.create_snapshot(name).name),
        lambda client, name: client.list_snapshots(name),
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
