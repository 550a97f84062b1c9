"""Messages to what the same request would be in REST: models, or their JSON where that saves work on many points."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ValidationError

from clusters.client_parts import import_parts
from clusters.node.errors import FormatError
from clusters.node.models import m
from clusters.qdrant_messages import q

if TYPE_CHECKING:
    from qdrant_client.conversions.conversion import GrpcToRest
else:
    [_conversion] = import_parts(["qdrant_client.conversions.conversion"])
    GrpcToRest = _conversion.GrpcToRest

_LONGEST_REASON = 200
_TOO_DEEP = "recursion limit exceeded"
_NOT_JSON = {float("inf"), float("-inf")}


def request_json(convert: Callable[[Any], Any], message: Any) -> bytes:
    """The JSON body of the REST request that asks for the same. Raises FormatError."""
    try:
        return orjson.dumps(convert(message), default=_plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if str(part).islower() or isinstance(part, int))
        raise FormatError(f"{place}: {first['msg']}") from None
    except orjson.JSONEncodeError as error:
        cause = error.__cause__
        raise cause if isinstance(cause, FormatError) else FormatError(_TOO_DEEP) from None
    except RecursionError:
        raise FormatError(_TOO_DEEP) from None
    except ValueError as error:
        raise FormatError(str(error).splitlines()[0][:_LONGEST_REASON]) from None


def _plain(value: Any) -> dict[str, Any]:
    """A model as JSON takes it. Numbers that JSON cannot hold would become null, which is another condition."""
    if not isinstance(value, BaseModel):
        raise TypeError
    given = {name: child for name, child in value.__dict__.items() if child is not None}
    for name, child in given.items():
        if isinstance(child, float) and (child != child or child in _NOT_JSON):
            raise FormatError(f"{name}: the number must be finite")
    if "except_" in given:  # the one field of a request whose name is a word of Python's
        given["except"] = given.pop("except_")
    return given


def given(message: Any, field: str, convert: Callable[[Any], Any] = lambda value: value) -> Any:
    """A field's value, converted, or None where the message does not have it."""
    return convert(getattr(message, field)) if message.HasField(field) else None


def filter_of(message: Any, field: str = "filter") -> Any:
    """The filter of a request, or None."""
    return given(message, field, GrpcToRest.convert_filter)


def _selected(selector: Any) -> dict[str, Any]:
    """The points that a request names by ids or by a filter; neither is told by the operation's own check."""
    if selector.WhichOneof("points_selector_one_of") is None:
        return {}
    converted = GrpcToRest.convert_points_selector(selector)
    return {name: value for name, value in converted.__dict__.items() if value is not None}


def _point(message: Any) -> dict[str, Any]:
    if not message.HasField("vectors"):
        raise FormatError("points: missing field `vectors`")
    point = _point_vectors(message)
    if message.payload:
        point["payload"] = GrpcToRest.convert_payload(message.payload)
    return point


def _point_vectors(message: Any) -> dict[str, Any]:
    return {"id": GrpcToRest.convert_point_id(message.id), "vector": GrpcToRest.convert_vectors(message.vectors)}


def upsert(message: Any) -> Any:
    return {
        "points": [_point(point) for point in message.points],
        "update_filter": filter_of(message, "update_filter"),
        "update_mode": given(message, "update_mode", GrpcToRest.convert_update_mode),
    }


def selection(message: Any) -> Any:
    return _selected(message.points)


def get_points(message: Any) -> Any:
    return {"ids": [GrpcToRest.convert_point_id(id) for id in message.ids]} | outputs(message)


def outputs(message: Any) -> dict[str, Any]:
    """What a request wants to see of its points."""
    return {
        "with_payload": given(message, "with_payload", GrpcToRest.convert_with_payload_interface),
        "with_vector": given(message, "with_vectors", GrpcToRest.convert_with_vectors_selector),
    }


def update_vectors(message: Any) -> Any:
    points = [_point_vectors(point) for point in message.points]
    return {"points": points, "update_filter": filter_of(message, "update_filter")}


def delete_vectors(message: Any) -> Any:
    return {"vector": list(message.vectors.names)} | _selected(message.points_selector)


def set_payload(message: Any) -> Any:
    payload = GrpcToRest.convert_payload(message.payload)
    return {"payload": payload, "key": given(message, "key")} | _selected(message.points_selector)


def delete_payload(message: Any) -> Any:
    return {"keys": list(message.keys)} | _selected(message.points_selector)


def field_index(message: Any) -> Any:
    schema: Any = None
    if message.HasField("field_index_params") and message.field_index_params.WhichOneof("index_params"):
        schema = GrpcToRest.convert_payload_schema_params(message.field_index_params)
    elif message.HasField("field_type"):
        schema = q.FieldType.Name(message.field_type).removeprefix("FieldType").lower()
    return {"field_name": message.field_name, "field_schema": schema}


def scroll(message: Any) -> Any:
    return outputs(message) | {
        "filter": filter_of(message),
        "offset": given(message, "offset", GrpcToRest.convert_point_id),
        "limit": given(message, "limit"),
        "order_by": given(message, "order_by", GrpcToRest.convert_order_by),
    }


def count(message: Any) -> Any:
    return {"filter": filter_of(message), "exact": given(message, "exact")}


def facet(message: Any) -> Any:
    limit = given(message, "limit")
    return {"key": message.key, "filter": filter_of(message), "limit": limit, "exact": given(message, "exact")}


def batch(message: Any) -> Any:
    return {"operations": [GrpcToRest.convert_points_update_operation(one) for one in message.operations]}


def query(message: Any) -> Any:
    return GrpcToRest.convert_query_points(message)


def vector_name(message: Any) -> Any:
    kind = message.WhichOneof("vector_config")
    if kind is None:
        raise FormatError("missing field `vector_config`")
    config = getattr(message, kind)
    datatype = given(config, "datatype", GrpcToRest.convert_datatype)
    if kind == "sparse_config":
        return {"sparse": {"modifier": given(config, "modifier", GrpcToRest.convert_modifier), "datatype": datatype}}
    return {
        "dense": {
            "size": config.size,
            "distance": GrpcToRest.convert_distance(config.distance),
            "multivector_config": given(config, "multivector_config", GrpcToRest.convert_multivector_config),
            "datatype": datatype,
        }
    }


def query_batch(message: Any) -> Any:
    return {"searches": [GrpcToRest.convert_query_points(search) for search in message.query_points]}


def query_groups(message: Any) -> Any:
    known = q.QueryPoints.DESCRIPTOR.fields_by_name
    shared = {field.name: value for field, value in message.ListFields() if field.name in known}
    converted = GrpcToRest.convert_query_points(q.QueryPoints(**shared))
    lookup = given(message, "with_lookup", GrpcToRest.convert_with_lookup)
    return {name: value for name, value in converted.__dict__.items() if name != "offset" and value is not None} | {
        "group_by": message.group_by,
        "limit": given(message, "limit"),
        "group_size": given(message, "group_size"),
        "with_lookup": lookup,
    }


def create_collection(message: Any) -> Any:
    converters: dict[str, Callable[[Any], Any]] = {
        "hnsw_config": GrpcToRest.convert_hnsw_config_diff,
        "wal_config": GrpcToRest.convert_wal_config_diff,
        "optimizers_config": GrpcToRest.convert_optimizers_config_diff,
        "quantization_config": GrpcToRest.convert_quantization_config,
        "sharding_method": GrpcToRest.convert_sharding_method,
        "strict_mode_config": GrpcToRest.convert_strict_mode_config,
        "payload": GrpcToRest.convert_payload_storage_params,
    }
    plain = ("shard_number", "on_disk_payload", "replication_factor", "write_consistency_factor")
    return m.CreateCollection(
        vectors=given(message, "vectors_config", GrpcToRest.convert_vectors_config),
        sparse_vectors=given(message, "sparse_vectors_config", GrpcToRest.convert_sparse_vector_config),
        metadata=GrpcToRest.convert_payload(message.metadata) or None,
        **{field: given(message, field, convert) for field, convert in converters.items()},
        **{field: given(message, field) for field in plain},
    )


def matrix(message: Any) -> Any:
    numbers = {field: given(message, field) for field in ("sample", "limit", "using")}
    return numbers | {"filter": filter_of(message)}


def aliases(message: Any) -> Any:
    return {"actions": [GrpcToRest.convert_alias_operations(action) for action in message.actions]}


def update_collection(message: Any) -> Any:
    return GrpcToRest.convert_update_collection(message)


def nothing(_message: Any) -> None:
    """For operations without a body."""
