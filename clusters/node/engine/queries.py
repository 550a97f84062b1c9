"""Queries: the API's universal query to the engine's, with point ids replaced by their vectors."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import qdrant_edge as edge

from clusters.node.engine.conversion import enum_member, fields, point_id, to_engine
from clusters.node.engine.expressions import formula
from clusters.node.engine.filters import engine_filter, excluding
from clusters.node.engine.recommendation import average_vector
from clusters.node.engine.registry import Collections
from clusters.node.engine.vectors import DEFAULT_VECTOR, engine_vector, is_point_id, searched_vector
from clusters.node.errors import NotFound, WrongInput
from clusters.node.models import m

DEFAULT_LIMIT = 10
_MMR_CANDIDATES = 100
_MMR_DIVERSITY = 0.5
_RRF_K = 2
_Query = edge.Query


def query_request(
    collections: Collections,
    name: str,
    body: m.QueryRequest | m.QueryGroupsRequest,
    *,
    limit: int,
    offset: int = 0,
    with_payload: Any = None,
) -> Any:
    """The engine's request for a query; ``with_payload`` replaces what the body asks for.

    Raises NotFound for an unknown point or collection and WrongInput for a vector that does not fit.
    """
    builder = _QueryBuilder(collections, name, body.using, body.lookup_from)
    query = builder.query(body.query)
    return edge.QueryRequest(
        limit=limit,
        offset=offset,
        query=query,
        prefetches=prefetches(collections, name, body.prefetch),
        filter=excluding(engine_filter(body.filter), builder.referenced),
        with_vector=body.with_vector or False,
        with_payload=payload_selector(body.with_payload, default=False) if with_payload is None else with_payload,
        score_threshold=body.score_threshold,
        params=_search_params(body.params),
    )


def prefetches(collections: Collections, name: str, given: m.Prefetch | list[m.Prefetch] | None) -> list[Any]:
    """The engine's prefetches, at any depth."""
    if given is None:
        return []
    converted = []
    for prefetch in given if isinstance(given, list) else [given]:
        builder = _QueryBuilder(collections, name, prefetch.using, prefetch.lookup_from)
        query = builder.query(prefetch.query)
        converted.append(
            edge.Prefetch(
                limit=DEFAULT_LIMIT if prefetch.limit is None else prefetch.limit,
                query=query,
                prefetches=prefetches(collections, name, prefetch.prefetch),
                params=_search_params(prefetch.params),
                filter=excluding(engine_filter(prefetch.filter), builder.referenced),
                score_threshold=prefetch.score_threshold,
            )
        )
    return converted


def payload_selector(given: Any, *, default: bool) -> Any:
    """The engine's payload selection: True, False, a list of keys, or a selector."""
    if given is None:
        return default
    if isinstance(given, m.PayloadSelectorInclude):
        return edge.PayloadSelector.Include(given.include)
    if isinstance(given, m.PayloadSelectorExclude):
        return edge.PayloadSelector.Exclude(given.exclude)
    return given


def order_by(given: str | m.OrderBy) -> Any:
    """The engine's ordering by a payload field."""
    if isinstance(given, str):
        return edge.OrderBy(given)
    direction = enum_member(given.direction) if given.direction else None
    return edge.OrderBy(given.key, direction, to_engine(given.start_from))


def _search_params(given: m.SearchParams | None) -> Any:
    if given is None:
        return None
    options = fields(given, without=("idf",))
    if isinstance(given.idf, m.IdfCorpusParams):
        options["idf"] = edge.IdfParams(to_engine(given.idf.corpus))
    return edge.SearchParams(**options)


class _QueryBuilder:
    """Converts one query; remembers the points it refers to, which a search never returns."""

    def __init__(self, collections: Collections, name: str, using: str | None, lookup: m.LookupLocation | None) -> None:
        self._collections = collections
        self._collection = collections.get(name)
        self._using = using
        self._lookup = lookup
        self.referenced: set[int | str | UUID] = set()

    def query(self, query: Any) -> Any:
        """The engine's query, or None for a query without one."""
        if query is None:
            return None
        convert = _QUERIES.get(type(query))
        return convert(self, query) if convert else _Query.Nearest(self.vector(query), self._using)

    def vector(self, given: Any) -> Any:
        """The engine's vector for a vector or a point id."""
        if is_point_id(given):
            return self._vector_of(point_id(given))
        return engine_vector(given, self._using or DEFAULT_VECTOR, self._collection.vectors)

    def nearest(self, query: m.NearestQuery) -> Any:
        if query.mmr is None:
            return self.query(query.nearest)
        diversity = _MMR_DIVERSITY if query.mmr.diversity is None else query.mmr.diversity
        candidates = _MMR_CANDIDATES if query.mmr.candidates_limit is None else query.mmr.candidates_limit
        return edge.Mmr(self.vector(query.nearest), 1 - diversity, candidates, self._using)

    def recommend(self, query: m.RecommendQuery) -> Any:
        given = query.recommend
        positives = [self.vector(item) for item in given.positive or []]
        negatives = [self.vector(item) for item in given.negative or []]
        if given.strategy in (None, m.RecommendStrategy.AVERAGE_VECTOR):
            if not positives:
                raise WrongInput("At least one positive vector ID required with this strategy")
            return _Query.Nearest(average_vector(positives, negatives), self._using)
        if not positives and not negatives:
            raise WrongInput("At least one positive or negative vector ID required with this strategy")
        by_best = given.strategy == m.RecommendStrategy.BEST_SCORE
        strategy = _Query.RecommendBestScore if by_best else _Query.RecommendSumScores
        return strategy(edge.RecommendQuery(positives, negatives), self._using)

    def discover(self, query: m.DiscoverQuery) -> Any:
        given = query.discover
        target = self.vector(given.target)
        return _Query.Discover(edge.DiscoverQuery(target, self._pairs(given.context)), self._using)

    def context(self, query: m.ContextQuery) -> Any:
        return _Query.Context(edge.ContextQuery(self._pairs(query.context)), self._using)

    def relevance_feedback(self, query: m.RelevanceFeedbackQuery) -> Any:
        given = query.relevance_feedback
        weights = given.strategy.naive
        items = [edge.FeedbackItem(self.vector(item.example), item.score) for item in given.feedback]
        strategy = edge.NaiveFeedbackStrategy(weights.a, weights.b, weights.c)
        return _Query.FeedbackNaive(edge.FeedbackNaiveQuery(self.vector(given.target), items, strategy), self._using)

    def text(self, query: m.TextQuery) -> Any:
        if self._using is None:
            raise WrongInput("a text query needs `using`, the payload field to rank by")
        if isinstance(query.text, str):
            return edge.TextQuery(self._using, query.text)
        scoring = to_engine(query.text.scoring.bm25) if query.text.scoring else None
        return edge.TextQuery(self._using, query.text.query, scoring)

    def _pairs(self, given: m.ContextPair | list[m.ContextPair] | None) -> list[Any]:
        pairs = given if isinstance(given, list) else [given] if given else []
        return [edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative)) for pair in pairs]

    def _vector_of(self, identifier: int | str) -> Any:
        lookup = self._lookup
        source = self._collections.get(lookup.collection) if lookup else self._collection
        name = (lookup.vector if lookup and lookup.vector else self._using) or DEFAULT_VECTOR
        schema = source.vectors.get(name)
        if schema is None:
            raise WrongInput(f"Not existing vector name error: {name}")
        if source is self._collection:
            self.referenced.add(identifier)
        records = source.read("retrieve", [identifier], False, [name])
        if not records:
            raise NotFound(f"No point with id {identifier} found")
        stored = records[0].vector
        vector = stored.get(name) if isinstance(stored, dict) else stored
        if not vector:
            raise WrongInput(f"Vector {name} not found for point {identifier}")
        return searched_vector(vector, schema)


def _fusion(_builder: _QueryBuilder, query: m.FusionQuery) -> Any:
    return edge.Fusion.Rrf(_RRF_K) if query.fusion == m.Fusion.RRF else edge.Fusion.Dbsf()


def _rrf(_builder: _QueryBuilder, query: m.RrfQuery) -> Any:
    return edge.Fusion.Rrf(_RRF_K if query.rrf.k is None else query.rrf.k, query.rrf.weights)


_QUERIES: dict[type, Callable[[_QueryBuilder, Any], Any]] = {
    m.NearestQuery: _QueryBuilder.nearest,
    m.RecommendQuery: _QueryBuilder.recommend,
    m.DiscoverQuery: _QueryBuilder.discover,
    m.ContextQuery: _QueryBuilder.context,
    m.RelevanceFeedbackQuery: _QueryBuilder.relevance_feedback,
    m.TextQuery: _QueryBuilder.text,
    m.FusionQuery: _fusion,
    m.RrfQuery: _rrf,
    m.OrderByQuery: lambda _builder, query: order_by(query.order_by),
    m.FormulaQuery: lambda _builder, query: formula(query),
    m.SampleQuery: lambda _builder, _query: edge.Sample.Random,
}
