"""The engine called in this process with parsed models: what a node could reach if the rest of it cost nothing."""

import time
from pathlib import Path
from typing import Any

from clusters.node.engine.registry import Collections
from clusters.node.models import m
from clusters.node.operations import OPERATIONS
from clusters.node.shapes import parse_body
from tests.benchmarks.load import Measured
from tests.benchmarks.traffic import COLLECTION, CONFIGURATION


class Engine:
    """One collection in a folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self._collections = Collections(folder)
        self._collections.load()
        vectors = m.VectorParams(**CONFIGURATION | {"size": size})
        self._collections.create(COLLECTION, m.CreateCollection(vectors=vectors))

    def upsert(self, bodies: list[bytes], together: int = 1) -> Measured:
        """REST bodies, parsed before the clock starts; ``together`` of them share a flush, as writes that wait do."""
        operation = OPERATIONS["upsert_points"]
        collection = self._collections.get(COLLECTION)

        def apply(group: list[Any]) -> None:
            for body in group:
                for step in operation.function(self._collections, COLLECTION, body):
                    collection.apply(step)
            collection.flush()

        models = [parse_body(operation._validator, body) for body in bodies]
        groups = [models[start : start + together] for start in range(0, len(models), together)]
        measured = _measured(apply, groups)
        return Measured(measured.rate * len(models) / len(groups), measured.seconds)

    def query(self, bodies: list[bytes]) -> Measured:
        """The same for queries."""
        operation = OPERATIONS["query_points"]
        models = [operation.parse(body) for body in bodies]
        return _measured(lambda body: operation.function(self._collections, COLLECTION, body), models)

    def close(self) -> None:
        """Close the collection."""
        self._collections.close()


def _measured(work: Any, models: list[Any]) -> Measured:
    taken = []
    for model in models:
        started = time.perf_counter()
        work(model)
        taken.append(time.perf_counter() - started)
    return Measured(len(taken) / sum(taken), sorted(taken))
