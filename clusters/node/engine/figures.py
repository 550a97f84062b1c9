"""What a node can say of itself: its collections in numbers, and that it is the only server of its cluster."""

import logging
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from clusters.node.engine.collection import Collection
from clusters.node.engine.configuration import reported_configuration
from clusters.node.engine.optimisation import status_of
from clusters.node.engine.registry import Collections
from clusters.node.errors import NodeError

log = logging.getLogger(__name__)

_PEER = 0  # the only one
_SHARD = 0


@dataclass(frozen=True)
class Figures:
    """A collection in numbers: points, and the engine's estimate of the points that have each vector."""

    name: str
    points: int
    vectors: dict[str, int]
    parameters: dict[str, Any]
    optimizer_status: str | dict[str, str]


def all_figures(collections: Collections, _name: None, _body: None) -> list[Figures]:
    """The figures of every collection that could be opened."""
    figures = []
    for name in collections.names():
        try:
            figures.append(_figures(collections.get(name)))
        except NodeError as error:
            log.warning("collection left out of the figures: %s", error)
    return figures


def cluster_status(_collections: Collections, _name: None, _body: None) -> dict[str, str]:
    """What Qdrant answers when it runs as a single server."""
    return {"status": "disabled"}


def collection_cluster_info(collections: Collections, name: str, _body: None) -> dict[str, Any]:
    """One shard, all of it here."""
    points = collections.get(name).read("info").points_count
    return {
        "peer_id": _PEER,
        "shard_count": 1,
        "local_shards": [{"shard_id": _SHARD, "points_count": points, "state": "Active"}],
        "remote_shards": [],
        "shard_transfers": [],
    }


def _figures(collection: Collection) -> Figures:
    vectors = {
        name: collection.read(
            "count", edge.CountRequest(exact=False, filter=edge.Filter(must=[edge.HasVectorCondition(name)]))
        )
        for name in collection.vectors
    }
    parameters = reported_configuration(collection.configuration)["params"]
    return Figures(collection.name, collection.read("info").points_count, vectors, parameters, status_of(collection)[1])
