"""The REST API as an OpenAPI 3.1 document, made from the protos: what is served, and nothing else."""

from collections import defaultdict
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from cloudconsole.api.comments import comment
from cloudconsole.api.declarations import Field, field_rules
from cloudconsole.api.methods import METHODS, VARIABLE, Method
from cloudconsole.api.openapi_schemas import ERROR, Schema, Schemas, field_at
from cloudconsole.api.registry import IMPLEMENTATIONS, PLAIN_PATHS, PLAIN_SCHEMAS

_INTRODUCTION = """\
Qdrant Cloud's own API, served by this cloud. The same methods are served as gRPC with TLS.

A management key signs in: `Authorization: apikey <management key>`. People who are signed in to the console need none
here. Errors are a `google.rpc.Status`.
"""
_KEY: dict[str, list[str]] = {"managementKey": []}
_SESSION: dict[str, list[str]] = {"session": []}


def openapi_document() -> dict[str, Any]:
    """The document as plain data."""
    served = [method for name, method in METHODS.items() if name in IMPLEMENTATIONS]
    schemas = Schemas(served)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for method in served:
        names = {path: _parameter_name(path) for path in method.variables}
        template = VARIABLE.sub(lambda match: f"{{{names[match[1]]}}}", method.path)  # noqa: B023 - used at once
        paths[template][method.verb.lower()] = _operation(method, names, schemas)
    error = schemas.reference(ERROR)
    paths.update(PLAIN_PATHS)
    return {
        "openapi": "3.1.0",
        "info": {"title": "cloudconsole admin API", "version": "1", "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": _tags(paths),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted((schemas.components | PLAIN_SCHEMAS).items())),
            "responses": {
                "Error": {"description": "What went wrong.", "content": {"application/json": {"schema": error}}}
            },
            "securitySchemes": {
                "managementKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`apikey <management key>`",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            },
        },
    }


def _tags(paths: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    operations = (operation for item in paths.values() for operation in item.values())
    return [{"name": tag} for tag in dict.fromkeys(tag for operation in operations for tag in operation["tags"])]


def _operation(method: Method, names: dict[str, str], schemas: Schemas) -> dict[str, Any]:
    access = method.access
    about = [comment(method.name)]
    if access.permissions:
        about.append("Needs " + " and ".join(f"`{permission}`" for permission in access.permissions) + ".")
    if access.user_only:
        about.append("For people only.")
    answer = {"application/json": {"schema": schemas.reference(method.response)}}
    operation: dict[str, Any] = {
        "operationId": method.short_name,
        "tags": [method.short_name.partition(".")[0]],
        "summary": comment(method.name).partition(".")[0],
        "description": " ".join(filter(None, about)),
        "security": [{}] if access.public else [_SESSION] if access.user_only else [_KEY, _SESSION],
        "parameters": [
            _parameter(name, "path", field_at(method.request.DESCRIPTOR, path), schemas) for path, name in names.items()
        ],
        "responses": {
            "200": {"description": "Done.", "content": answer},
            "default": {"$ref": "#/components/responses/Error"},
        },
    }
    if access.creates:
        operation["parameters"].append(idempotency_key())
    if method.has_body:
        body = {"application/json": {"schema": schemas.reference(method.request)}}
        operation["requestBody"] = {"required": True, "content": body}
    else:
        operation["parameters"] += _query_parameters(method, schemas)
    return operation


def idempotency_key() -> dict[str, Any]:
    """The header of a request that makes something, as a parameter of its operation."""
    about = "A request repeated with the same key within a day happens once and gets the same answer."
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return {"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema}


def _parameter_name(path: str) -> str:
    """One name for what different methods call by different paths: ``cluster.id`` and ``cluster_id`` are the same."""
    *parents, name = path.split(".")
    return f"{parents[-1]}_id" if parents and name == "id" else name


def _query_parameters(method: Method, schemas: Schemas) -> list[dict[str, Any]]:
    """All fields that are not in the path; those of messages by dotted names."""
    found = []
    for field in method.request.DESCRIPTOR.fields:
        if field.name in method.variables:
            continue
        inner = field.message_type
        if inner is not None and not inner.full_name.startswith("google.protobuf."):
            found += [_parameter(f"{field.json_name}.{one.json_name}", "query", one, schemas) for one in inner.fields]
        else:
            found.append(_parameter(field.json_name, "query", field, schemas))
    return found


def _parameter(name: str, where: str, field: Field, schemas: Schemas) -> dict[str, Any]:
    rules = field_rules(field)
    schema: Schema = schemas.of_field(field)
    if where == "path" and field.type == FieldDescriptor.TYPE_STRING:
        schema = {"minLength": 1, "pattern": "^[^/]+$"} | schema
        if rules.uuid or (name.endswith("_id") and "cloud_provider" not in name and name != "region_id"):
            schema = {"type": "string", "format": "uuid"}
    parameter: dict[str, Any] = {"name": name, "in": where, "schema": schema}
    if text := comment(field.full_name):
        parameter["description"] = text
    needed = not field.has_presence and not field.is_repeated and bool(rules.uuid or rules.min_len)
    if where == "path" or needed or (field.has_presence and rules.required):
        parameter["required"] = True
    return parameter
