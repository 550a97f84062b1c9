"""The results of operations (the JSON of REST) as the fields of Qdrant's replies."""

from typing import TYPE_CHECKING, Any

from clusters.client_parts import import_parts
from clusters.node.models import m
from clusters.qdrant_messages import q

if TYPE_CHECKING:
    from qdrant_client.conversions.conversion import RestToGrpc
else:
    [_conversion] = import_parts(["qdrant_client.conversions.conversion"])
    RestToGrpc = _conversion.RestToGrpc

Fields = dict[str, Any]
_STATUS = {"acknowledged": q.UpdateStatus.Acknowledged, "completed": q.UpdateStatus.Completed}


def updated(result: Any) -> Fields:
    return {"result": _update(result)}


def updated_each(result: Any) -> Fields:
    return {"result": [_update(one) for one in result]}


def records(result: Any) -> Fields:
    return {"result": [_record(point) for point in result]}


def scroll(result: Any) -> Fields:
    offset = result["next_page_offset"]
    return records(result["points"]) | {"next_page_offset": None if offset is None else _id(offset)}


def count(result: Any) -> Fields:
    return {"result": q.CountResult(count=result["count"])}


def facet(result: Any) -> Fields:
    return {"hits": [q.FacetHit(value=_facet_value(hit["value"]), count=hit["count"]) for hit in result["hits"]]}


def scored(result: Any) -> Fields:
    return points_found(result["points"])


def scored_batches(result: Any) -> Fields:
    return {"result": [q.BatchResult(**scored(answer)) for answer in result]}


def points_found(result: Any) -> Fields:
    return {"result": [_scored(point) for point in result]}


def point_lists(result: Any) -> Fields:
    return {"result": [q.BatchResult(**points_found(points)) for points in result]}


def groups(result: Any) -> Fields:
    return {"result": q.GroupsResult(groups=[_group(group) for group in result["groups"]])}


def collection_info(result: Any) -> Fields:
    return {"result": RestToGrpc.convert_collection_info(m.CollectionInfo.model_validate(result))}


def cluster_info(result: Any) -> Fields:
    info = RestToGrpc.convert_collection_cluster_info(m.CollectionClusterInfo.model_validate(result))
    return {field.name: value for field, value in info.ListFields()}


def collections(result: Any) -> Fields:
    return {"collections": [q.CollectionDescription(**collection) for collection in result["collections"]]}


def exists(result: Any) -> Fields:
    return {"result": q.CollectionExists(exists=result["exists"])}


def aliases(result: Any) -> Fields:
    return {"aliases": [q.AliasDescription(**alias) for alias in result["aliases"]]}


def matrix_pairs(result: Any) -> Fields:
    pairs = [
        q.SearchMatrixPair(a=_id(pair["a"]), b=_id(pair["b"]), score=float(pair["score"])) for pair in result["pairs"]
    ]
    return {"result": q.SearchMatrixPairs(pairs=pairs)}


def matrix_offsets(result: Any) -> Fields:
    offsets = q.SearchMatrixOffsets(
        offsets_row=[int(one) for one in result["offsets_row"]],
        offsets_col=[int(one) for one in result["offsets_col"]],
        scores=[float(one) for one in result["scores"]],
        ids=[_id(one) for one in result["ids"]],
    )
    return {"result": offsets}


def snapshot(result: Any) -> Fields:
    return {"snapshot_description": _snapshot(result)}


def snapshots(result: Any) -> Fields:
    return {"snapshot_descriptions": [_snapshot(one) for one in result]}


def nothing(_result: Any) -> Fields:
    return {}


def _snapshot(result: Any) -> Any:
    return RestToGrpc.convert_snapshot_description(m.SnapshotDescription.model_validate(result))


def done(result: Any) -> Fields:
    return {"result": result}


def _update(result: Any) -> Any:
    return q.UpdateResult(operation_id=result["operation_id"], status=_STATUS[result["status"]])


def _group(group: Any) -> Any:
    value = group["id"]
    identifier = q.GroupId(string_value=value) if isinstance(value, str) else _number_group(value)
    lookup = _record(group["lookup"]) if "lookup" in group else None
    return q.PointGroup(id=identifier, hits=[_scored(hit) for hit in group["hits"]], lookup=lookup)


def _number_group(value: int) -> Any:
    return q.GroupId(unsigned_value=value) if value >= 0 else q.GroupId(integer_value=value)


def _facet_value(value: Any) -> Any:
    if isinstance(value, bool):
        return q.FacetValue(bool_value=value)
    return q.FacetValue(integer_value=value) if isinstance(value, int) else q.FacetValue(string_value=value)


def _record(point: Any) -> Any:
    return q.RetrievedPoint(**_fields(point))


def _scored(point: Any) -> Any:
    return q.ScoredPoint(**_fields(point), version=point["version"], score=float(point["score"]))


def _fields(point: Any) -> Fields:
    order = point.get("order_value")
    return {
        "id": _id(point["id"]),
        "payload": RestToGrpc.convert_payload(point.get("payload") or {}),
        "vectors": _vectors(point["vector"]) if "vector" in point else None,
        "order_value": None if order is None else _order_value(order),
    }


def _order_value(value: Any) -> Any:
    return q.OrderValue(int=value) if isinstance(value, int) else q.OrderValue(float=value)


def _id(value: Any) -> Any:
    return q.PointId(uuid=value) if isinstance(value, str) else q.PointId(num=value)


def _vectors(value: Any) -> Any:
    if isinstance(value, dict) and not isinstance(value.get("indices"), list):  # a sparse vector's are a list
        named = {name: _vector(vector) for name, vector in value.items()}
        return q.VectorsOutput(vectors=q.NamedVectorsOutput(vectors=named))
    return q.VectorsOutput(vector=_vector(value))


def _vector(value: Any) -> Any:
    if isinstance(value, dict):
        sparse = q.SparseVector(indices=value["indices"], values=value["values"].tolist())
        return q.VectorOutput(sparse=sparse)
    if value.ndim == 1:
        return q.VectorOutput(dense=q.DenseVector(data=value.tolist()))
    rows = [q.DenseVector(data=row) for row in value.tolist()]
    return q.VectorOutput(multi_dense=q.MultiDenseVector(vectors=rows))
