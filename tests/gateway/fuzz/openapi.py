"""An OpenAPI document of the data plane: paths of the operation table, bodies of the models that a node parses."""

import re
from typing import Any

from pydantic import TypeAdapter

from clusters.node.operations import OPERATIONS, Operation

_PLACE = "#/components/schemas/{model}"
_QUERY = {"wait": {"type": "boolean"}, "timeout": {"type": "integer"}, "consistency": {"type": "string"}}
# What a fuzzed name is: mostly one that is there, sometimes one that is not.
_PARAMETERS: dict[str, Any] = {
    "collection_name": {"enum": ["fuzz", "fuzz", "fuzz", "missing", "a/b", " "]},
    "id": {"anyOf": [{"enum": [1, 2]}, {"type": "integer"}, {"type": "string", "minLength": 1}]},
}
_ANY_NAME = {"type": "string", "minLength": 1, "maxLength": 20}


def openapi_document() -> dict[str, Any]:
    """All operations but those that would take the fuzzed collection away."""
    components: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS.values():
        if operation.name not in ("delete_collection", "recover_from_uploaded_snapshot"):
            place = paths.setdefault(operation.path, {})
            place[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Data plane", "version": "1.19"},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "parameters": [_parameter(name) for name in re.findall(r"{(\w+)}", operation.path)],
        "responses": {"default": {"description": "an answer"}},
    }
    described["parameters"] += [{"name": name, "in": "query", "schema": schema} for name, schema in _QUERY.items()]
    if operation.request is not None:
        schema = TypeAdapter(operation.request).json_schema(ref_template=_PLACE)
        components.update(schema.pop("$defs", {}))
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _PARAMETERS.get(name, _ANY_NAME)}
