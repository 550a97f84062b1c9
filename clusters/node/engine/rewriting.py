"""The legacy search, recommend and discover operations, carried out as the queries they are."""

from typing import Any

from clusters.node.engine.groups import GroupedPoints, query_points_groups
from clusters.node.engine.reads import query_batch_points, query_points
from clusters.node.engine.registry import Collections
from clusters.node.legacy import (
    DiscoverRequest,
    DiscoverRequestBatch,
    RecommendGroupsRequest,
    RecommendRequest,
    RecommendRequestBatch,
    SearchGroupsRequest,
    SearchRequest,
    SearchRequestBatch,
)
from clusters.node.models import m


def legacy_points(
    collections: Collections, name: str, body: SearchRequest | RecommendRequest | DiscoverRequest
) -> list[Any]:
    """The points of a search, recommendation or discovery, best first."""
    return query_points(collections, name, body.query())


def legacy_batch(
    collections: Collections, name: str, body: SearchRequestBatch | RecommendRequestBatch | DiscoverRequestBatch
) -> list[list[Any]]:
    """The points of several searches, recommendations or discoveries."""
    searches = [search.query() for search in body.searches]
    return query_batch_points(collections, name, m.QueryRequestBatch.model_construct(searches=searches))


def legacy_groups(
    collections: Collections, name: str, body: SearchGroupsRequest | RecommendGroupsRequest
) -> GroupedPoints:
    """The groups of a grouped search or recommendation."""
    return query_points_groups(collections, name, body.groups_query())
