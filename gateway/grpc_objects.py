"""Finding the inference objects of a gRPC request: by the types of its messages, so never in payloads and filters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from clusters.qdrant_messages import q
from gateway.errors import Refused
from gateway.inference_objects import LONGEST_TEXT, DataType, InferenceObject
from inference.client import Kind, SparseEmbedding

_TYPES: dict[str, DataType] = {"document": "text", "image": "image", "object": "object"}


@dataclass(frozen=True, slots=True)
class MessageSlot:
    """``holder`` is the Vector or VectorInput that has the object and will have its vector."""

    object: InferenceObject
    vector_name: str
    holder: Any

    def put(self, vector: Any) -> None:
        """Write the embedding in place of the object."""
        if isinstance(vector, SparseEmbedding):
            sparse = q.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())
            self.holder.sparse.CopyFrom(sparse)
        elif vector.ndim == 1:
            self.holder.dense.CopyFrom(q.DenseVector(data=vector.tolist()))
        else:
            rows = [q.DenseVector(data=row) for row in vector.tolist()]
            self.holder.multi_dense.CopyFrom(q.MultiDenseVector(vectors=rows))


Slots = Iterator[MessageSlot]


@dataclass(frozen=True)
class Route:
    """``kind`` is what the vectors are for, ``slots`` finds the inference objects in a request."""

    kind: Kind
    slots: Callable[[Any], Slots]


def upsert_slots(message: Any, place: str = "") -> Slots:
    """``Upsert``, and the upserts of a batch."""
    for index, point in enumerate(message.points):
        yield from _vectors_slots(point.vectors, f"{place}points[{index}].vectors")


def update_vectors_slots(message: Any, place: str = "") -> Slots:
    """``UpdateVectors``: named vectors only."""
    for index, point in enumerate(message.points):
        at = f"{place}points[{index}].vectors"
        for slot in _slot(point.vectors.vector, "vector", "", f"{at}.vector"):
            kind = {"text": "Document", "image": "Image", "object": "Object"}[slot.object.data_type]
            raise Refused(400, f"Direct {kind} processing not supported for PointVectors. Use named vectors.")
        yield from _vectors_slots(point.vectors, at)


def batch_slots(message: Any) -> Slots:
    """``UpdateBatch``: the operations that bring vectors."""
    for index, operation in enumerate(message.operations):
        yield from upsert_slots(operation.upsert, f"operations[{index}].upsert.")
        yield from update_vectors_slots(operation.update_vectors, f"operations[{index}].update_vectors.")


def query_slots(message: Any, place: str = "") -> Slots:
    """A query and its prefetches, however deep."""
    yield from _query_slots(message.query, message.using, f"{place}query")
    for index, prefetch in enumerate(message.prefetch):
        yield from query_slots(prefetch, f"{place}prefetch[{index}].")


def query_batch_slots(message: Any) -> Slots:
    """``QueryBatch``."""
    for index, search in enumerate(message.query_points):
        yield from query_slots(search, f"query_points[{index}].")


ROUTES = {
    "/qdrant.Points/Upsert": Route("update", upsert_slots),
    "/qdrant.Points/UpdateVectors": Route("update", update_vectors_slots),
    "/qdrant.Points/UpdateBatch": Route("update", batch_slots),
    "/qdrant.Points/Query": Route("search", query_slots),
    "/qdrant.Points/QueryBatch": Route("search", query_batch_slots),
    "/qdrant.Points/QueryGroups": Route("search", query_slots),
}


def _vectors_slots(vectors: Any, at: str) -> Slots:
    yield from _slot(vectors.vector, "vector", "", f"{at}.vector")
    named = vectors.vectors.vectors
    for name in named:
        yield from _slot(named[name], "vector", name, f"{at}.{name}")


def _query_slots(query: Any, name: str, at: str) -> Slots:
    for place, vector in _inputs(query):
        yield from _slot(vector, "variant", name, f"{at}.{place}")


def _inputs(query: Any) -> Iterator[tuple[str, Any]]:
    """Every place of a query where a vector may stand."""
    variant = query.WhichOneof("variant")
    if variant == "nearest":
        yield "nearest", query.nearest
    elif variant == "nearest_with_mmr":
        yield "nearest_with_mmr.nearest", query.nearest_with_mmr.nearest
    elif variant == "recommend":
        for side in ("positive", "negative"):
            for index, vector in enumerate(getattr(query.recommend, side)):
                yield f"recommend.{side}[{index}]", vector
    elif variant == "discover":
        yield "discover.target", query.discover.target
        yield from _pairs(query.discover.context, "discover.context")
    elif variant == "context":
        yield from _pairs(query.context, "context")
    elif variant == "relevance_feedback":
        yield "relevance_feedback.target", query.relevance_feedback.target
        for index, item in enumerate(query.relevance_feedback.feedback):
            yield f"relevance_feedback.feedback[{index}].example", item.example


def _pairs(context: Any, at: str) -> Iterator[tuple[str, Any]]:
    for index, pair in enumerate(context.pairs):
        yield f"{at}[{index}].positive", pair.positive
        yield f"{at}[{index}].negative", pair.negative


def _slot(holder: Any, oneof: str, vector_name: str, at: str) -> Slots:
    field = holder.WhichOneof(oneof)
    if field in _TYPES:
        yield MessageSlot(_inference_object(field, getattr(holder, field), at), vector_name, holder)


def _inference_object(field: str, message: Any, at: str) -> InferenceObject:
    options = {name: _json(message.options[name]) for name in message.options} or None
    data = message.text if field == "document" else _json(getattr(message, field))
    if field == "document" and len(data) > LONGEST_TEXT:
        sentence = f"{at}.text has {len(data)} characters; at most {LONGEST_TEXT} are allowed. Split it."
        raise Refused(400, f"Bad request: {sentence}")
    return InferenceObject(_TYPES[field], data, message.model, options)


def _json(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: _json(value.struct_value.fields[name]) for name in value.struct_value.fields}
    if kind == "list_value":
        return [_json(one) for one in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)
