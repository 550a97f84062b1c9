"""The node answers what the official client's local mode answers, on random data, filters and queries.

Where the two are known to differ the server is right, and the request is left out here: local mode orders equal
scores by insertion, and does not round to 32-bit floats. Points of equal scores are compared by their number. Whether
a point is nearer to a positive or to a negative example of one direction is for rounding to decide, and changes
scores by a whole rank: the examples of a request lead in different directions.
``CLOUDCONSOLE_CONGRUENCE_EXAMPLES`` lengthens a run.
"""

import os
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode

EXAMPLES = int(os.environ.get("CLOUDCONSOLE_CONGRUENCE_EXAMPLES", "60"))
POINTS, SIZE = 60, 6
COLOURS, TAGS = ["red", "green", "blue"], ["a", "b", "c", "d"]
NAME = f"congruence-{uuid.uuid4()}"


def points() -> list[models.PointStruct]:
    """The same random points for everybody; some lack a field or a vector, and no two scores are equal."""
    random = np.random.default_rng(11)
    return [
        models.PointStruct(id=id, vector=_vectors(random, id), payload=_payload(random, id))
        for id in range(1, POINTS + 1)
    ]


def _vectors(random: Any, id: int) -> dict[str, Any]:
    indices = sorted(random.choice(20, size=4, replace=False).tolist())
    vectors: dict[str, Any] = {
        "dense": random.standard_normal(SIZE).astype(np.float32).tolist(),
        "euclid": random.standard_normal(SIZE).astype(np.float32).tolist(),
        "late": random.standard_normal((2, SIZE)).astype(np.float32).tolist(),
        "words": models.SparseVector(indices=indices, values=random.random(4).astype(np.float32).tolist()),
    }
    if id % 7 == 0:
        del vectors["euclid"]
    return vectors


def _payload(random: Any, id: int) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "colour": str(random.choice(COLOURS)),
        "rank": int(random.integers(0, 10)),
        "price": round(float(random.random() * 10), 3),
        "tags": [str(tag) for tag in random.choice(TAGS, size=random.integers(0, 4), replace=False)],
        "deep": {"flag": bool(random.integers(0, 2)), "list": [{"n": int(n)} for n in random.integers(0, 5, 2)]},
        "place": {"lat": int(random.integers(-60, 60)), "lon": int(random.integers(-170, 170))},
        "day": f"2024-0{random.integers(1, 9)}-15T10:00:00Z",
    }
    if id % 5 == 0:
        payload["colour"] = None
    if id % 6 == 0:
        del payload["rank"]
    return payload


@pytest.fixture(scope="module")
def clients(node: RunningNode) -> Iterator[tuple[QdrantClient, QdrantClient, QdrantClient]]:
    """Local mode, REST and gRPC with the same collection."""
    local = QdrantClient(":memory:")
    rest = QdrantClient(url=node.url, timeout=20)
    over_grpc = QdrantClient(url=node.url, grpc_port=node.grpc_port, prefer_grpc=True, timeout=20)
    late = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    for client in (local, rest):
        client.create_collection(
            NAME,
            vectors_config={
                "dense": models.VectorParams(size=SIZE, distance=models.Distance.COSINE),
                "euclid": models.VectorParams(size=SIZE, distance=models.Distance.EUCLID),
                "late": models.VectorParams(size=SIZE, distance=models.Distance.DOT, multivector_config=late),
            },
            sparse_vectors_config={"words": models.SparseVectorParams()},
        )
        client.upsert(NAME, points())
    yield local, rest, over_grpc
    for client in (local, rest, over_grpc):
        client.close()


def _field(key: str, **condition: Any) -> models.FieldCondition:
    return models.FieldCondition(key=key, **condition)


RANGES = st.builds(
    lambda low, width, strict: (
        models.Range(gt=low, lt=low + width) if strict else models.Range(gte=low, lte=low + width)
    ),
    st.integers(0, 9),
    st.integers(0, 6),
    st.booleans(),
)
CONDITIONS = st.one_of(
    st.sampled_from(COLOURS).map(lambda value: _field("colour", match=models.MatchValue(value=value))),
    st.lists(st.sampled_from(COLOURS), min_size=1, max_size=2).map(
        lambda values: _field("colour", match=models.MatchExcept(**{"except": values}))
    ),
    st.lists(st.sampled_from(TAGS), min_size=1, max_size=3).map(
        lambda values: _field("tags", match=models.MatchAny(any=values))
    ),
    st.integers(0, 9).map(lambda value: _field("rank", match=models.MatchValue(value=value))),
    st.booleans().map(lambda value: _field("deep.flag", match=models.MatchValue(value=value))),
    st.integers(0, 4).map(lambda value: _field("deep.list[].n", match=models.MatchValue(value=value))),
    RANGES.map(lambda wanted: _field("rank", range=wanted)),
    RANGES.map(lambda wanted: _field("price", range=wanted)),
    st.integers(1, 8).map(lambda month: _field("day", range=models.DatetimeRange(gte=f"2024-0{month}-01T00:00:00Z"))),
    st.integers(0, 3).map(lambda count: _field("tags", values_count=models.ValuesCount(gte=count))),
    st.integers(100, 9_000).map(
        lambda km: _field(
            "place", geo_radius=models.GeoRadius(center=models.GeoPoint(lat=0, lon=0), radius=km * 1000.0)
        )
    ),
    st.sampled_from(["colour", "rank", "tags", "nothing"]).map(
        lambda key: models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    ),
    st.sampled_from(["colour", "rank"]).map(lambda key: models.IsNullCondition(is_null=models.PayloadField(key=key))),
    st.lists(st.integers(1, POINTS + 5), min_size=1, max_size=20).map(lambda ids: models.HasIdCondition(has_id=ids)),
    st.just(models.HasVectorCondition(has_vector="euclid")),
    st.integers(0, 4).map(
        lambda n: models.NestedCondition(
            nested=models.Nested(
                key="deep.list", filter=models.Filter(must=[_field("n", match=models.MatchValue(value=n))])
            )
        )
    ),
)
FILTERS = st.recursive(
    st.builds(
        lambda must, should, must_not: models.Filter(
            must=must or None, should=should or None, must_not=must_not or None
        ),
        st.lists(CONDITIONS, max_size=2),
        st.lists(CONDITIONS, max_size=2),
        st.lists(CONDITIONS, max_size=1),
    ),
    lambda inner: st.builds(lambda one, other: models.Filter(must=[one], should=[other]), inner, CONDITIONS),
    max_leaves=3,
)
NUMBERS = st.integers(-999, 999).map(lambda number: number / 1000 + 0.0005)
DENSE = st.lists(NUMBERS, min_size=SIZE, max_size=SIZE)
SPARSE = st.dictionaries(st.integers(0, 19), st.integers(1, 999).map(lambda n: n / 1000), min_size=1, max_size=5).map(
    lambda given: models.SparseVector(indices=list(given), values=list(given.values()))
)
IDS = st.integers(1, POINTS)
NEAREST: Any = st.one_of(
    st.tuples(st.one_of(DENSE, IDS), st.just("dense")),
    st.tuples(DENSE, st.just("euclid")),
    st.tuples(SPARSE, st.just("words")),
    st.tuples(st.lists(DENSE, min_size=1, max_size=2), st.just("late")),
)
EXAMPLES_OF = {
    "dense": st.one_of(IDS, DENSE),
    "euclid": st.one_of(IDS.filter(lambda id: id % 7), DENSE),
    "late": st.one_of(IDS, st.lists(DENSE, min_size=1, max_size=2)),
    "words": st.one_of(IDS, SPARSE),
}


def direction(example: Any) -> Any:
    """What two examples have in common that lie on one line through the origin."""
    if isinstance(example, int):
        return example
    if isinstance(example, models.SparseVector):
        example = [dict(zip(example.indices, example.values, strict=True)).get(index, 0.0) for index in range(20)]
    numbers = np.ravel(example)
    numbers = numbers / np.linalg.norm(numbers) * np.sign(numbers[np.nonzero(numbers)[0][0]])
    return tuple(np.round(numbers, 3).tolist())


@st.composite
def by_examples(draw: Any) -> tuple[Any, str]:
    """A recommendation, a discovery or a context search, and the vector it uses."""
    using = draw(st.sampled_from(sorted(EXAMPLES_OF)))
    first, *more = draw(st.lists(EXAMPLES_OF[using], min_size=5, max_size=5, unique_by=direction))
    strategy = draw(st.sampled_from([None, *models.RecommendStrategy, "discover", "context"]))
    pairs = [models.ContextPair(positive=one, negative=other) for one, other in (more[:2], more[2:])]
    pairs = pairs[: draw(st.integers(1, 2))]
    if strategy == "discover":
        return models.DiscoverQuery(discover=models.DiscoverInput(target=first, context=pairs)), using
    if strategy == "context":
        return models.ContextQuery(context=pairs), using
    positive, negative = [first, *more[: draw(st.integers(0, 1))]], more[1 : draw(st.integers(1, 3))]
    given = models.RecommendInput(positive=positive, negative=negative, strategy=strategy)
    return models.RecommendQuery(recommend=given), using


# The short form asks the same every time, so that a run that says nothing new never fails; the long one looks further.
lengthened = settings(
    max_examples=EXAMPLES,
    derandomize="CLOUDCONSOLE_CONGRUENCE_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def congruent(answers: list[list[Any]]) -> None:
    """The same scores in the same order, and the same points but among those of equal score."""
    local, *served = answers
    for answer in served:
        assert [point.score for point in answer] == pytest.approx([point.score for point in local], rel=1e-4, abs=1e-4)
        scores = [point.score for point in local]
        found = {point.id: point.payload for point in answer}
        for point in local:
            others = [*scores, scores[0], scores[-1]]  # those at the ends may have equals on other pages
            if sum(abs(point.score - score) < 0.001 for score in others) == 1:
                assert (found[point.id] or {}) == (point.payload or {})  # gRPC has no way to tell empty from none


@lengthened
@given(FILTERS)
def test_filters_choose_the_same_points(clients: Any, condition: models.Filter) -> None:
    answers = [
        (
            sorted(point.id for point in client.scroll(NAME, scroll_filter=condition, limit=POINTS)[0]),
            client.count(NAME, condition, exact=True).count,
        )
        for client in clients
    ]
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]


@lengthened
@given(st.one_of(NEAREST, by_examples()), st.none() | FILTERS, st.integers(1, 20), st.integers(0, 5))
def test_queries_find_the_same_points(
    clients: Any, asked: tuple[Any, str], condition: models.Filter | None, limit: int, offset: int
) -> None:
    query, using = asked
    congruent(
        [
            client.query_points(
                NAME, query, using=using, query_filter=condition, limit=limit, offset=offset, with_payload=["rank"]
            ).points
            for client in clients
        ]
    )


def test_a_pair_of_equal_examples_tells_nothing(clients: Any) -> None:
    _, rest, over_grpc = clients
    target, example = [0.3, -0.5, 0.4, -0.6, 0.6, -0.1], [0.5] * SIZE
    pair = models.ContextPair(positive=example, negative=example)
    for client in (rest, over_grpc):
        with_pair, without = (
            client.query_points(
                NAME,
                models.DiscoverQuery(discover=models.DiscoverInput(target=target, context=context)),
                using="dense",
                limit=POINTS,
            ).points
            for context in ([pair], [])
        )
        assert [(point.id, point.score) for point in with_pair] == [(point.id, point.score) for point in without]


@lengthened
@given(st.lists(NEAREST, min_size=2, max_size=3), st.none() | FILTERS, st.sampled_from(list(models.Fusion)))
def test_fusions_find_the_same_points(
    clients: Any, asked: list[tuple[Any, str]], condition: models.Filter | None, fusion: models.Fusion
) -> None:
    prefetch = [models.Prefetch(query=query, using=using, filter=condition, limit=10) for query, using in asked]
    congruent(
        [
            client.query_points(NAME, models.FusionQuery(fusion=fusion), prefetch=prefetch, limit=8).points
            for client in clients
        ]
    )


@lengthened
@given(DENSE, st.none() | FILTERS, st.integers(1, 3), st.integers(1, 4))
def test_groups_hold_the_same_points(
    clients: Any, query: list[float], condition: models.Filter | None, size: int, limit: int
) -> None:
    answers = [
        client.query_points_groups(
            NAME, "colour", query=query, using="dense", query_filter=condition, group_size=size, limit=limit
        ).groups
        for client in clients
    ]
    plain = [[(group.id, [hit.id for hit in group.hits]) for group in groups] for groups in answers]
    assert plain[1] == plain[0]
    assert plain[2] == plain[0]
