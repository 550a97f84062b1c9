"""Upserts in gRPC's form to the points that are stored, where the way over JSON would cost more than storing them."""

from typing import Any

import numpy as np

from clusters.node.grpc.requests import GrpcToRest
from clusters.node.models import m
from clusters.node.points import Vectors, points_of


def plain_upsert(message: Any) -> m.PointsList | None:
    """The points of an upsert that has dense vectors and nothing else; None for any other."""
    if message.HasField("update_filter") or message.HasField("update_mode"):
        return None
    points = []
    for point in message.points:
        vectors = _vectors(point.vectors)
        if vectors is None or point.id.WhichOneof("point_id_options") is None:
            return None
        payload = GrpcToRest.convert_payload(point.payload) if point.payload else None
        points.append((GrpcToRest.convert_point_id(point.id), vectors, payload))
    return points_of(points)


def _vectors(given: Any) -> Vectors | None:
    kind = given.WhichOneof("vectors_options")
    if kind == "vector":
        return _row(given.vector)
    if kind is None:
        return None
    rows = {name: _row(vector) for name, vector in given.vectors.vectors.items()}
    named = {name: row for name, row in rows.items() if row is not None}
    return named if len(named) == len(rows) else None


def _row(vector: Any) -> np.ndarray | None:
    """The components of a dense vector, which are the end of its message: packed 32-bit floats."""
    if vector.WhichOneof("vector") != "dense" or not vector.dense.data:
        return None
    message: bytes = vector.dense.SerializeToString()
    size = 4 * len(vector.dense.data)
    head = 1 + (size.bit_length() + 6) // 7  # the field's tag, and its length as a varint
    if len(message) != head + size:
        return None  # fields that this version does not know
    return np.frombuffer(message, dtype="<f4", offset=head)
