"""Reads: what a request wants to know of a collection, as the engine's own objects."""

from typing import Any

import qdrant_edge as edge

from clusters.node.engine.conversion import point_id
from clusters.node.engine.filters import engine_filter
from clusters.node.engine.queries import DEFAULT_LIMIT, order_by, payload_selector, query_request
from clusters.node.engine.registry import Collections
from clusters.node.errors import NotFound, WrongInput
from clusters.node.models import m


def get_point(collections: Collections, name: str, _body: None, id: str) -> Any:
    """One point with payload and vectors."""
    identifier = point_id(int(id) if id.isascii() and id.isdigit() else id)
    records = collections.get(name).read("retrieve", [identifier], True, True)
    if not records:
        raise NotFound(f"Point with id {identifier} does not exists!")
    return records[0]


def get_points(collections: Collections, name: str, body: m.PointRequest) -> list[Any]:
    """The points of these ids that exist, each once, in the order asked for."""
    ids = list(dict.fromkeys(point_id(value) for value in body.ids))
    selector = payload_selector(body.with_payload, default=True)
    records = collections.get(name).read("retrieve", ids, selector, body.with_vector or False)
    found = {point_id(record.id): record for record in records}
    return [found[identifier] for identifier in ids if identifier in found]


def scroll_points(collections: Collections, name: str, body: m.ScrollRequest) -> tuple[list[Any], Any]:
    """A page of points and the id the next page starts at, or None."""
    if body.order_by is not None and body.offset is not None:
        raise WrongInput(
            "Cannot use an `offset` when using `order_by`. The alternative for paging is to use "
            "`order_by.start_from` and a filter to exclude the IDs that you've already seen for the "
            "`order_by.start_from` value"
        )
    request = edge.ScrollRequest(
        offset=None if body.offset is None else point_id(body.offset),
        limit=DEFAULT_LIMIT if body.limit is None else body.limit,
        filter=engine_filter(body.filter),
        with_payload=payload_selector(body.with_payload, default=True),
        with_vector=body.with_vector or False,
        order_by=None if body.order_by is None else order_by(body.order_by),
    )
    return collections.get(name).read("scroll", request)


def count_points(collections: Collections, name: str, body: m.CountRequest) -> int:
    """How many points match."""
    request = edge.CountRequest(exact=body.exact is not False, filter=engine_filter(body.filter))
    return collections.get(name).read("count", request)


def facet(collections: Collections, name: str, body: m.FacetRequest) -> list[Any]:
    """The values of an indexed payload field and how many points have each."""
    limit = DEFAULT_LIMIT if body.limit is None else body.limit
    request = edge.FacetRequest(body.key, limit, bool(body.exact), engine_filter(body.filter))
    return list(collections.get(name).read("facet", request).hits)


def query_points(collections: Collections, name: str, body: m.QueryRequest) -> list[Any]:
    """The points a query finds, best first."""
    request = _request(collections, name, body)
    points = collections.get(name).read("query", request)
    return [(point, bool(body.with_vector)) for point in points]


def query_batch_points(collections: Collections, name: str, body: m.QueryRequestBatch) -> list[list[Any]]:
    """The points of several queries, in the order of the queries."""
    requests = [_request(collections, name, search) for search in body.searches]
    if not requests:
        return []
    batch = edge.QueryBatchRequest(requests)
    answers = collections.get(name).read("query_batch", batch)
    return [
        [(point, bool(search.with_vector)) for point in points]
        for search, points in zip(body.searches, answers, strict=True)
    ]


def _request(collections: Collections, name: str, body: m.QueryRequest) -> Any:
    limit = DEFAULT_LIMIT if body.limit is None else body.limit
    return query_request(collections, name, body, limit=limit, offset=body.offset or 0)
