"""Where the bodies of REST requests name collections and aliases besides the one in the path."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LOOKUPS = frozenset(
    [
        "query_points",
        "query_batch_points",
        "query_points_groups",
        "search_point_groups",
        "recommend_points",
        "recommend_batch_points",
        "recommend_point_groups",
        "discover_points",
        "discover_batch_points",
    ]
)
_ALIAS_FIELDS = {
    "create_alias": ("collection_name", "alias_name"),
    "rename_alias": ("old_alias_name", "new_alias_name"),
    "delete_alias": ("alias_name",),
}


@dataclass(frozen=True)
class Place:
    """A name in a parsed body."""

    holder: dict[str, Any]
    key: str

    @property
    def name(self) -> str:
        name: str = self.holder[self.key]
        return name

    def put(self, name: str) -> None:
        self.holder[self.key] = name


def may_name(operation: str, body: bytes) -> bool:
    """Whether the body must be parsed to know. JSON can write a letter of a key as ``\\u`` and four digits only."""
    if operation in _LOOKUPS:
        return b"lookup" in body or b"\\u" in body
    return operation in ("update_aliases", "create_collection")


def places_in(operation: str, document: Any) -> Iterator[Place]:
    """Every name in a body of this operation; what is not of its shape is left for the cluster to refuse."""
    if operation in _LOOKUPS:
        yield from _lookups(document)
    elif operation == "update_aliases":
        yield from _aliases(document)
    elif isinstance(document, dict):
        yield from _place(document.get("init_from"), "collection")


def _lookups(document: Any) -> Iterator[Place]:
    """Of a query, of its prefetches however deep, and of every query of a batch."""
    waiting = [document]
    while waiting:
        query = waiting.pop()
        if isinstance(query, list):
            waiting.extend(query)
        elif isinstance(query, dict):
            yield from _place(query.get("lookup_from"), "collection")
            yield from _place(query.get("with_lookup"), "collection")
            yield from _place(query, "with_lookup")  # a plain name
            waiting.extend(query.get(inner) for inner in ("prefetch", "searches"))


def _aliases(document: Any) -> Iterator[Place]:
    actions = document.get("actions") if isinstance(document, dict) else None
    for action in actions if isinstance(actions, list) else []:
        for kind, fields in _ALIAS_FIELDS.items():
            for field in fields:
                yield from _place(action.get(kind) if isinstance(action, dict) else None, field)


def _place(holder: Any, key: str) -> Iterator[Place]:
    if isinstance(holder, dict) and isinstance(holder.get(key), str):
        yield Place(holder, key)
