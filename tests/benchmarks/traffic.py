"""What the benchmarks ask: upserts and queries of random vectors, as REST bodies and as gRPC messages."""

import itertools
from dataclasses import dataclass

import numpy as np
import orjson
from qdrant_client import grpc as q

from tests.benchmarks.load import Request

COLLECTION = "benchmark"
CONFIGURATION = {"size": 384, "distance": "Cosine"}
QUERY = Request("POST", f"/collections/{COLLECTION}/points/query", "/qdrant.Points/Query")


def upsert_request(collection: str) -> Request:
    """Upserts that are answered when they are on disk."""
    return Request("PUT", f"/collections/{collection}/points?wait=true", "/qdrant.Points/Upsert")


@dataclass
class Traffic:
    """Random unit vectors of ``size`` dimensions; the same for each seed."""

    size: int
    seed: int = 7

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def upserts(self, points: int, batch: int) -> list[np.ndarray]:
        """Vectors in batches."""
        sizes = [batch] * (points // batch) + [points % batch] * bool(points % batch)
        return [self._vectors(size) for size in sizes]

    def queries(self, number: int) -> list[np.ndarray]:
        """Vectors to search for."""
        return list(self._vectors(number))

    def _vectors(self, number: int) -> np.ndarray:
        vectors = self._random.standard_normal((number, self.size), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def upsert_bodies(batches: list[np.ndarray], transport: str, collection: str = COLLECTION) -> list[bytes]:
    """One body for each batch; the points are numbered on."""
    starts = itertools.accumulate((len(batch) for batch in batches), initial=0)
    return [_upsert(batch, start, transport, collection) for batch, start in zip(batches, starts, strict=False)]


def query_bodies(vectors: list[np.ndarray], transport: str) -> list[bytes]:
    """The ten nearest points of each vector."""
    if transport == "rest":
        return [orjson.dumps({"query": one, "limit": 10}, option=orjson.OPT_SERIALIZE_NUMPY) for one in vectors]
    return [
        q.QueryPoints(
            collection_name=COLLECTION,
            query=q.Query(nearest=q.VectorInput(dense=q.DenseVector(data=one.tolist()))),
            limit=10,
        ).SerializeToString()
        for one in vectors
    ]


def _upsert(batch: np.ndarray, start: int, transport: str, collection: str) -> bytes:
    numbers = range(start, start + len(batch))
    if transport == "rest":
        points = [
            {"id": number, "vector": vector, "payload": {"number": number}}
            for number, vector in zip(numbers, batch, strict=True)
        ]
        return orjson.dumps({"points": points}, option=orjson.OPT_SERIALIZE_NUMPY)
    messages = [
        q.PointStruct(
            id=q.PointId(num=number),
            vectors=q.Vectors(vector=q.Vector(dense=q.DenseVector(data=vector.tolist()))),
            payload={"number": q.Value(integer_value=number)},
        )
        for number, vector in zip(numbers, batch, strict=True)
    ]
    return q.UpsertPoints(collection_name=collection, points=messages, wait=True).SerializeToString()
