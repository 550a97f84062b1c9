"""Grouped queries: the best points per value of a payload field, built on the engine's query, which has no groups."""

from dataclasses import dataclass, field
from typing import Any

from clusters.node.engine.conversion import point_id
from clusters.node.engine.queries import DEFAULT_LIMIT, payload_selector, query_request
from clusters.node.engine.registry import Collections
from clusters.node.errors import NodeError
from clusters.node.models import m

DEFAULT_GROUP_SIZE = 3
_FIRST_PAGE_FACTOR = 2


@dataclass
class Group:
    """One value of the field, its best points, and the point another collection holds under that value."""

    value: str | int
    hits: list[Any] = field(default_factory=list)
    payloads: dict[int | str, Any] = field(default_factory=dict)
    lookup: Any = None


@dataclass
class GroupedPoints:
    """The groups of an answer, and whether their points carry payload and vectors."""

    groups: list[Group]
    with_vectors: bool


def query_points_groups(collections: Collections, name: str, body: m.QueryGroupsRequest) -> GroupedPoints:
    """The best groups, each with its best points, both best first."""
    limit = DEFAULT_LIMIT if body.limit is None else body.limit
    size = DEFAULT_GROUP_SIZE if body.group_size is None else body.group_size
    groups = _fill(collections, name, body, limit, size)
    _select_payloads(collections, name, body, groups)
    if body.with_lookup is not None:
        _look_up(collections, body.with_lookup, groups)
    return GroupedPoints(groups, bool(body.with_vector))


def values_at(payload: Any, path: str) -> list[str | int]:
    """The strings and integers at a payload path; arrays on the way are searched through."""
    level = [payload]
    for key in path.replace("[]", "").split("."):
        parents = [item for value in level for item in (value if isinstance(value, list) else [value])]
        level = [parent[key] for parent in parents if isinstance(parent, dict) and key in parent]
    leaves = [item for value in level for item in (value if isinstance(value, list) else [value])]
    return [leaf for leaf in leaves if isinstance(leaf, (str, int)) and not isinstance(leaf, bool)]


def _fill(collections: Collections, name: str, body: m.QueryGroupsRequest, limit: int, size: int) -> list[Group]:
    """Ask for ever more points until there are enough full groups or no more points."""
    collection = collections.get(name)
    total = collection.read("info").points_count
    wanted = limit * size * _FIRST_PAGE_FACTOR
    while True:
        request = query_request(collections, name, body, limit=min(wanted, max(total, 1)), with_payload=True)
        points = collection.read("query", request)
        groups = _grouped(points, body.group_by, limit, size)
        full = len(groups) == limit and all(len(group.hits) == size for group in groups)
        if full or len(points) < wanted or wanted >= total:
            return groups
        wanted *= 4


def _grouped(points: list[Any], path: str, limit: int, size: int) -> list[Group]:
    groups: dict[str | int, Group] = {}
    for point in points:
        for value in dict.fromkeys(values_at(point.payload or {}, path)):
            if value not in groups and len(groups) == limit:
                continue
            group = groups.setdefault(value, Group(value))
            if len(group.hits) < size:
                group.hits.append(point)
    return list(groups.values())


def _select_payloads(collections: Collections, name: str, body: m.QueryGroupsRequest, groups: list[Group]) -> None:
    selector = payload_selector(body.with_payload, default=False)
    if selector is False:
        return
    ids = list({point_id(hit.id) for group in groups for hit in group.hits})
    records = collections.get(name).read("retrieve", ids, selector, False)
    payloads = {point_id(record.id): record.payload for record in records}
    for group in groups:
        group.payloads = {point_id(hit.id): payloads.get(point_id(hit.id)) for hit in group.hits}


def _look_up(collections: Collections, given: str | m.WithLookup, groups: list[Group]) -> None:
    lookup = m.WithLookup(collection=given) if isinstance(given, str) else given
    source = collections.get(lookup.collection)
    selector = payload_selector(lookup.with_payload, default=True)
    for group in groups:
        try:
            identifier = point_id(group.value)
        except NodeError:
            continue  # a value that is no point id has nothing to look up
        found = source.read("retrieve", [identifier], selector, lookup.with_vectors or False)
        group.lookup = found[0] if found else None
