"""Operations on collections themselves: list, create, describe, change, delete."""

from typing import Any

from clusters.node.engine.configuration import reported_configuration
from clusters.node.engine.indexes import reported_index
from clusters.node.engine.optimisation import status_of
from clusters.node.engine.registry import Collections
from clusters.node.models import m


def list_collections(collections: Collections, _name: None, _body: None) -> dict[str, Any]:
    """The names of all collections."""
    return {"collections": [{"name": name} for name in collections.names()]}


def collection_exists(collections: Collections, name: str, _body: None) -> dict[str, bool]:
    """Whether there is a collection of this name or alias."""
    return {"exists": collections.find(name) is not None}


def create_collection(collections: Collections, name: str, body: m.CreateCollection) -> bool:
    """Create a collection; raises Conflict when the name is taken."""
    collections.create(name, body)
    return True


def update_collection(collections: Collections, name: str, body: m.UpdateCollection) -> bool:
    """Change a collection's parameters and metadata."""
    collections.update(name, body)
    return True


def delete_collection(collections: Collections, name: str, _body: None) -> bool:
    """Delete a collection; False when there is none."""
    return collections.delete(name)


def get_collection(collections: Collections, name: str, _body: None) -> dict[str, Any]:
    """A collection's configuration, counts and payload indexes."""
    collection = collections.get(name)
    info = collection.read("info")
    status, optimizer_status = status_of(collection)
    return {
        "status": status,
        "optimizer_status": optimizer_status,
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": reported_configuration(collection.configuration),
        "payload_schema": {field: reported_index(index) for field, index in info.payload_schema.items()},
    }
