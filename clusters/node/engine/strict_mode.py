"""Strict mode: the limits a collection sets to its requests, checked before anything of a request is done.

The sentences are Qdrant's. What a single node does not check is in docs/differences.md.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from clusters.node import legacy
from clusters.node.engine.collection import Collection
from clusters.node.engine.indexes import index_type
from clusters.node.errors import StrictMode
from clusters.node.models import m

_UPDATES = (
    m.PointsList,
    m.PointsBatch,
    m.FilterSelector,
    m.SetPayload,
    m.DeletePayload,
    m.UpdateVectors,
    m.DeleteVectors,
)
_GROUPED = (m.QueryGroupsRequest, legacy.SearchGroupsRequest, legacy.RecommendGroupsRequest)
_BATCHES = (m.QueryRequestBatch, legacy.SearchRequestBatch, legacy.RecommendRequestBatch, legacy.DiscoverRequestBatch)
_TYPES_OF_VALUES: dict[type, tuple[str, ...]] = {str: ("keyword", "uuid"), bool: ("bool",), int: ("integer",)}
_STORED = {"payload", "points", "batch"}  # what a request stores asks for nothing


def check_strict_mode(collection: Collection, body: Any, timeout: int | None = None) -> None:
    """Raise StrictMode when the request exceeds what its collection allows; ``timeout`` in seconds."""
    config = collection.configuration.strict_mode_config
    if config is None or not config.enabled:
        return
    _check_limit("timeout", timeout, config.max_timeout)
    check = _Check(collection, config)
    if isinstance(body, m.UpdateOperations):
        for operation in body.operations:
            check.request(next(iter(operation.__dict__.values())))
    else:
        check.request(body)


class _Check:
    """The checks of one request."""

    def __init__(self, collection: Collection, config: m.StrictModeConfig) -> None:
        self._collection = collection
        self._config = config
        self._new_points = 0

    def request(self, body: Any) -> None:
        config = self._config
        if isinstance(body, _BATCHES):
            _check_limit("search batch size", len(body.searches), config.search_max_batchsize)
        if isinstance(body, (m.PointsList, m.PointsBatch)):
            self._upsert(len(body.points if isinstance(body, m.PointsList) else body.batch.ids))
        if isinstance(body, m.CreateFieldIndex):
            self._index(body.field_name)
        indexed_only = (
            config.unindexed_filtering_update if isinstance(body, _UPDATES) else config.unindexed_filtering_retrieve
        )
        for model in _models(body):
            _check_limit("limit", _limit_of(model), config.max_query_limit)
            if isinstance(model, m.SearchParams):
                self._params(model)
            elif isinstance(model, m.Filter):
                self._filter(model, check_indexes=indexed_only is False)

    def _upsert(self, count: int) -> None:
        _check_limit("upsert limit", count, self._config.upsert_max_batchsize)
        self._new_points += count
        most = self._config.max_points_count
        if most is not None and self._collection.read("info").points_count + self._new_points > most:
            raise StrictMode(f"Max points count limit of {most} reached", "Delete points or raise the limit.")

    def _index(self, field: str) -> None:
        most = self._config.max_payload_index_count
        schema = self._collection.read("info").payload_schema
        if most is not None and field not in schema and len(schema) >= most:
            raise StrictMode(
                f"Collection already has the maximum number of payload indices ({most})",
                "Please delete an existing index before creating a new one.",
            )

    def _params(self, params: m.SearchParams) -> None:
        if params.exact and self._config.search_allow_exact is False:
            raise StrictMode("Exact search disabled", 'Set the "exact" parameter to false.')
        _check_limit("hnsw_ef", params.hnsw_ef, self._config.search_max_hnsw_ef)
        if params.quantization is not None:
            _check_limit("oversampling", params.quantization.oversampling, self._config.search_max_oversampling)

    def _filter(self, model: m.Filter, *, check_indexes: bool) -> None:
        conditions = list(_conditions(model, ""))
        _check_limit("filter limit", len(conditions), self._config.filter_max_conditions)
        for _, condition in conditions:
            _check_limit("condition limit", _size(condition), self._config.condition_max_size)
        if check_indexes:
            schema = self._collection.read("info").payload_schema
            types = {field: index_type(index) for field, index in schema.items()}
            for prefix, condition in conditions:
                _check_indexed(prefix, condition, types)


def _models(value: Any) -> Iterator[BaseModel]:
    """The parts of a request; a filter is one part, because what is inside a nested one has another path."""
    if isinstance(value, BaseModel):
        yield value
        if not isinstance(value, m.Filter):
            for name, child in value.__dict__.items():
                if name not in _STORED:
                    yield from _models(child)
    elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
        for child in value:
            yield from _models(child)


def _check_limit(name: str, value: float | None, limit: float | None) -> None:
    if value is not None and limit is not None and value > limit:
        sentence = f'Limit exceeded {value} > {limit} for "{name}"'
        raise StrictMode(sentence, f'Reduce the "{name}" parameter to or below {limit}.')


def _limit_of(model: BaseModel) -> int | None:
    """How many points a request asks for at most, as Qdrant counts it."""
    limit = getattr(model, "limit", None)
    if limit is not None and isinstance(model, _GROUPED):
        return limit * (getattr(model, "group_size", None) or 1)
    if limit is not None and isinstance(model, m.SearchMatrixRequest):
        return limit * (model.sample or 1)
    return limit


def _conditions(model: m.Filter, prefix: str) -> Iterator[tuple[str, Any]]:
    """The conditions of a filter at any depth, each with the path of the nested objects it is about."""
    for clause in (model.must, model.should, model.must_not, model.min_should and model.min_should.conditions):
        for condition in clause if isinstance(clause, list) else [clause] if clause else []:
            if isinstance(condition, m.Filter):
                yield from _conditions(condition, prefix)
            elif isinstance(condition, m.NestedCondition):
                yield from _conditions(condition.nested.filter, f"{prefix}{condition.nested.key.removesuffix('[]')}[].")
            else:
                yield prefix, condition


def _size(condition: Any) -> int | None:
    if isinstance(condition, m.HasIdCondition):
        return len(condition.has_id)
    match = getattr(condition, "match", None)
    values = match.any if isinstance(match, m.MatchAny) else getattr(match, "except_", None)
    return None if values is None else len(values)


def _check_indexed(prefix: str, condition: Any, types: dict[str, str]) -> None:
    allowed: tuple[str, ...] = ()
    if isinstance(condition, m.IsEmptyCondition):
        key = condition.is_empty.key
    elif isinstance(condition, m.IsNullCondition):
        key = condition.is_null.key
    elif isinstance(condition, m.FieldCondition):
        key, allowed = condition.key, _types_for(condition)
    else:
        return
    key = f"{prefix}{key}"
    found = types.get(key)
    if found is None or (allowed and found not in allowed):
        wanted = f" of one of the following types: [{', '.join(allowed)}]" if allowed else ""
        raise StrictMode(
            f'Index required but not found for "{key}"{wanted}',
            "Create an index for this key or use a different filter.",
        )


def _types_for(condition: m.FieldCondition) -> tuple[str, ...]:
    """The index types that can answer a condition; none for one that any can."""
    match = condition.match
    if isinstance(match, m.MatchValue):
        return _TYPES_OF_VALUES[type(match.value)]
    if isinstance(match, (m.MatchAny, m.MatchExcept)):
        values = match.any if isinstance(match, m.MatchAny) else match.except_
        return _TYPES_OF_VALUES[type(values[0])] if values else ()
    if isinstance(match, (m.MatchText, m.MatchTextAny, m.MatchPhrase)):
        return ("text",)
    if isinstance(condition.range, m.DatetimeRange):
        return ("datetime",)
    if condition.range is not None:
        return ("integer", "float")
    return ("geo",) if condition.geo_radius or condition.geo_bounding_box or condition.geo_polygon else ()
