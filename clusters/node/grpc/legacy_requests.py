"""The older search methods' messages to what the same request would be in REST."""

from collections.abc import Iterable
from typing import Any

from clusters.node.errors import FormatError
from clusters.node.grpc.requests import GrpcToRest, filter_of, given, outputs
from clusters.node.models import m


def search(message: Any) -> Any:
    return _shared(message) | {"offset": given(message, "offset")} | _searched(message)


def search_batch(message: Any) -> Any:
    return {"searches": [search(one) for one in message.search_points]}


def search_groups(message: Any) -> Any:
    return _shared(message) | _grouping(message) | _searched(message)


def recommend(message: Any) -> Any:
    return _shared(message) | {"offset": given(message, "offset")} | _recommended(message)


def recommend_batch(message: Any) -> Any:
    return {"searches": [recommend(one) for one in message.recommend_points]}


def recommend_groups(message: Any) -> Any:
    return _shared(message) | _grouping(message) | _recommended(message)


def discover(message: Any) -> Any:
    pairs = [
        {"positive": _example(pair.positive, "context"), "negative": _example(pair.negative, "context")}
        for pair in message.context
    ]
    target = _example(message.target.single, "target") if message.HasField("target") else None
    return _shared(message) | _place(message) | {"offset": given(message, "offset"), "target": target, "context": pairs}


def discover_batch(message: Any) -> Any:
    return {"searches": [discover(one) for one in message.discover_points]}


def _shared(message: Any) -> dict[str, Any]:
    known = message.DESCRIPTOR.fields_by_name
    return outputs(message) | {
        "filter": filter_of(message),
        "params": given(message, "params", GrpcToRest.convert_search_params),
        "limit": message.limit,
        "score_threshold": given(message, "score_threshold") if "score_threshold" in known else None,
    }


def _grouping(message: Any) -> dict[str, Any]:
    lookup = given(message, "with_lookup", GrpcToRest.convert_with_lookup)
    return {"group_by": message.group_by, "group_size": message.group_size, "with_lookup": lookup}


def _searched(message: Any) -> dict[str, Any]:
    vector: Any = message.vector[:]
    if message.HasField("sparse_indices"):
        vector = m.SparseVector(indices=message.sparse_indices.data[:], values=vector)
    if message.HasField("vector_name") or isinstance(vector, m.SparseVector):
        return {"vector": {"name": message.vector_name, "vector": vector}}
    return {"vector": vector}


def _recommended(message: Any) -> dict[str, Any]:
    return _place(message) | {
        "positive": [*_ids(message.positive), *map(GrpcToRest.convert_vector, message.positive_vectors)],
        "negative": [*_ids(message.negative), *map(GrpcToRest.convert_vector, message.negative_vectors)],
        "strategy": given(message, "strategy", GrpcToRest.convert_recommend_strategy),
    }


def _place(message: Any) -> dict[str, Any]:
    lookup = given(message, "lookup_from", GrpcToRest.convert_lookup_location)
    return {"using": given(message, "using"), "lookup_from": lookup}


def _ids(messages: Iterable[Any]) -> list[Any]:
    return [GrpcToRest.convert_point_id(one) for one in messages]


def _example(message: Any, place: str) -> Any:
    kind = message.WhichOneof("example")
    if kind is None:
        raise FormatError(f"{place}: missing field `example`")
    return GrpcToRest.convert_point_id(message.id) if kind == "id" else GrpcToRest.convert_vector(message.vector)
