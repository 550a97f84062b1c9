"""The searches that left the API, each as a REST body and as the fields of its gRPC message, over ``uses.POINTS``."""

from typing import Any

from qdrant_client import grpc as q

NOT_BLUE = {"must": [{"key": "colour", "match": {"except": ["blue"]}}]}
NOT_BLUE_MESSAGE = q.Filter(
    must=[
        q.Condition(
            field=q.FieldCondition(key="colour", match=q.Match(except_keywords=q.RepeatedStrings(strings=["blue"])))
        )
    ]
)
OUTPUT = {"with_payload": ["rank"], "with_vector": ["words"]}
OUTPUT_MESSAGE = {
    "with_payload": q.WithPayloadSelector(include=q.PayloadIncludeSelector(fields=["rank"])),
    "with_vectors": q.WithVectorsSelector(include=q.VectorsSelector(names=["words"])),
}
GROUPS: dict[str, Any] = {"group_by": "colour", "group_size": 1, "limit": 2}
Fields = dict[str, Any]


def _id(number: int) -> Any:
    return q.PointId(num=number)


def _example(given: int | list[float]) -> Any:
    if isinstance(given, int):
        return q.VectorExample(id=_id(given))
    return q.VectorExample(vector=q.Vector(dense=q.DenseVector(data=given)))


DENSE: tuple[Fields, Fields] = (
    {"vector": {"name": "dense", "vector": [1, 0]}},
    {"vector_name": "dense", "vector": [1, 0]},
)
SPARSE: tuple[Fields, Fields] = (
    {"vector": {"name": "words", "vector": {"indices": [2, 10], "values": [1, 0.5]}}, "limit": 3, **OUTPUT},
    {
        "vector_name": "words",
        "vector": [1, 0.5],
        "sparse_indices": q.SparseIndices(data=[2, 10]),
        "limit": 3,
        **OUTPUT_MESSAGE,
    },
)
NARROWED: tuple[Fields, Fields] = (
    {"limit": 2, "offset": 1, "filter": NOT_BLUE, "score_threshold": 0.05, "params": {"exact": True}},
    {
        "limit": 2,
        "offset": 1,
        "filter": NOT_BLUE_MESSAGE,
        "score_threshold": 0.05,
        "params": q.SearchParams(exact=True),
    },
)
LIKE: tuple[Fields, Fields] = (
    {"positive": [1, [0.5, 1.0]], "negative": [4], "using": "dense", "limit": 2, **OUTPUT},
    {
        "positive": [_id(1)],
        "positive_vectors": [q.Vector(dense=q.DenseVector(data=[0.5, 1.0]))],
        "negative": [_id(4)],
        "using": "dense",
        "limit": 2,
        **OUTPUT_MESSAGE,
    },
)
BEST: tuple[Fields, Fields] = (
    {"positive": [1], "strategy": "best_score", "using": "dense", "limit": 3},
    {"positive": [_id(1)], "strategy": q.RecommendStrategy.BestScore, "using": "dense", "limit": 3},
)
TARGET: tuple[Fields, Fields] = (
    {
        "target": [0.5, 1.0],
        "context": [{"positive": 2, "negative": [0.4, 1.0]}],
        "using": "dense",
        "limit": 3,
        "offset": 1,
    },
    {
        "target": q.TargetVector(single=_example([0.5, 1.0])),
        "context": [q.ContextExamplePair(positive=_example(2), negative=_example([0.4, 1.0]))],
        "using": "dense",
        "limit": 3,
        "offset": 1,
    },
)
CONTEXT: tuple[Fields, Fields] = (
    {"context": [{"positive": 2, "negative": 4}], "using": "dense", "limit": 3},
    {
        "context": [q.ContextExamplePair(positive=_example(2), negative=_example(4))],
        "using": "dense",
        "limit": 3,
    },
)


def _with(use: tuple[Fields, Fields], *others: tuple[Fields, Fields]) -> tuple[Fields, Fields]:
    body, fields = use
    for more_body, more_fields in others:
        body, fields = body | more_body, fields | more_fields
    return body, fields


def _batch(field: str, message: Any, uses: list[tuple[Fields, Fields]]) -> tuple[Fields, Fields]:
    return {"searches": [body for body, _ in uses]}, {field: [message(**fields) for _, fields in uses]}


SEARCHES = [_with(DENSE, NARROWED), SPARSE]

OLDER_SEARCHES: dict[str, list[tuple[Fields, Fields]]] = {
    "search_points": SEARCHES,
    "search_batch_points": [_batch("search_points", q.SearchPoints, SEARCHES)],
    "search_point_groups": [_with(DENSE, (GROUPS, GROUPS)), _with(SPARSE, (GROUPS, GROUPS))],
    "recommend_points": [LIKE, BEST],
    "recommend_batch_points": [_batch("recommend_points", q.RecommendPoints, [LIKE, BEST])],
    "recommend_point_groups": [_with(LIKE, (GROUPS, GROUPS)), _with(BEST, (GROUPS, GROUPS))],
    "discover_points": [TARGET, CONTEXT],
    "discover_batch_points": [_batch("discover_points", q.DiscoverPoints, [TARGET, CONTEXT])],
}
