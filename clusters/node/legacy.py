"""The requests of the search, recommend and discover routes, which left Qdrant's API but not its clients.

Each is another way to write a query; ``query`` and ``groups_query`` say which.
"""

from abc import abstractmethod
from typing import Any

from pydantic import BaseModel

from clusters.node.models import m


class NamedVector(BaseModel, defer_build=True):
    """A vector and the name of the collection's vector it is for."""

    name: str
    vector: list[float] | list[list[float]] | m.SparseVector


class _Legacy(BaseModel, defer_build=True):
    """What every such request may say about the points it wants."""

    filter: m.Filter | None = None
    params: m.SearchParams | None = None
    limit: int
    with_payload: m.WithPayloadInterface | None = None
    with_vector: m.WithVector | None = None
    score_threshold: float | None = None

    def _given(self) -> dict[str, Any]:
        names = ("filter", "params", "limit", "with_payload", "with_vector", "score_threshold")
        return {name: getattr(self, name) for name in names}

    @abstractmethod
    def _asked(self) -> dict[str, Any]:
        """What is to be found, as fields of the query that finds it."""


class _Points(_Legacy):
    offset: int | None = None

    def query(self) -> m.QueryRequest:
        """The query that finds the same points."""
        return m.QueryRequest.model_construct(**self._given(), offset=self.offset, **self._asked())


class _Groups(_Legacy):
    group_by: str
    group_size: int
    with_lookup: m.WithLookupInterface | None = None

    def groups_query(self) -> m.QueryGroupsRequest:
        """The grouped query that finds the same groups."""
        grouping = {name: getattr(self, name) for name in ("group_by", "group_size", "with_lookup")}
        return m.QueryGroupsRequest.model_construct(**self._given(), **grouping, **self._asked())


class _Searching(_Legacy):
    vector: list[float] | NamedVector

    def _asked(self) -> dict[str, Any]:
        if isinstance(self.vector, NamedVector):
            return {"query": self.vector.vector, "using": self.vector.name}
        return {"query": self.vector}


class _Recommending(_Legacy):
    positive: list[m.VectorInput] = []
    negative: list[m.VectorInput] = []
    strategy: m.RecommendStrategy | None = None
    using: str | None = None
    lookup_from: m.LookupLocation | None = None

    def _asked(self) -> dict[str, Any]:
        wanted = m.RecommendInput.model_construct(
            positive=self.positive, negative=self.negative, strategy=self.strategy
        )
        query = m.RecommendQuery.model_construct(recommend=wanted)
        return {"query": query, "using": self.using, "lookup_from": self.lookup_from}


class SearchRequest(_Searching, _Points):
    """Points near a vector."""


class SearchGroupsRequest(_Searching, _Groups):
    """Groups of points near a vector."""


class RecommendRequest(_Recommending, _Points):
    """Points like some examples and unlike others."""


class RecommendGroupsRequest(_Recommending, _Groups):
    """Groups of points like some examples and unlike others."""


class DiscoverRequest(_Points):
    """Points near a target, or in a context of pairs, or both."""

    target: m.VectorInput | None = None
    context: list[m.ContextPair] | None = None
    using: str | None = None
    lookup_from: m.LookupLocation | None = None

    def _asked(self) -> dict[str, Any]:
        pairs = self.context or []
        query: m.DiscoverQuery | m.ContextQuery
        if self.target is None:
            query = m.ContextQuery.model_construct(context=pairs)
        else:
            wanted = m.DiscoverInput.model_construct(target=self.target, context=pairs)
            query = m.DiscoverQuery.model_construct(discover=wanted)
        return {"query": query, "using": self.using, "lookup_from": self.lookup_from}


class SearchRequestBatch(BaseModel, defer_build=True):
    """Several searches."""

    searches: list[SearchRequest]


class RecommendRequestBatch(BaseModel, defer_build=True):
    """Several recommendations."""

    searches: list[RecommendRequest]


class DiscoverRequestBatch(BaseModel, defer_build=True):
    """Several discoveries."""

    searches: list[DiscoverRequest]
