"""Exports and deliveries in the OpenAPI document: plain REST, which no proto describes."""

from typing import Any

from billing.exports import EXPORT_FORMATS
from cloudconsole.api.openapi import idempotency_key
from cloudconsole.api.registry import serves_plainly

_TAG = "BillingReports"
_ACCOUNT = "/api/billing/v1/accounts/{account_id}"
_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_MONTH = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-11"]}
_FORMAT = {"type": "string", "enum": list(EXPORT_FORMATS)}
_STATE = {"type": "string", "enum": ["PENDING", "RUNNING", "SUCCEEDED", "FAILED"]}
_BYTES = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FILTERS = {
    "clusterId": _UUID,
    "model": {"type": "string"},
    "apiKeyId": _UUID,
    "label": {"type": "string", "description": "Only clusters with this label, written key=value.", "maxLength": 507},
}

_EXPORT_WISH = {
    "type": "object",
    "description": "`month` is short for `from` and `to` alike; `to` may be left out.",
    "required": ["format"],
    "anyOf": [{"required": ["month"]}, {"required": ["from"]}],
    "properties": {"month": _MONTH, "from": _MONTH, "to": _MONTH, "format": _FORMAT, **_FILTERS},
}
_EXPORT = {
    "type": "object",
    "description": "An export of usage. The file's fields are there once the state is SUCCEEDED.",
    "required": ["id", "operationUrl", "from", "to", "format", "state", "progressPercent", "createdAt"],
    "properties": {
        "id": _UUID,
        "operationUrl": {"type": "string", "description": "Where to ask how far it is."},
        "from": _MONTH,
        "to": _MONTH,
        "format": _FORMAT,
        **_FILTERS,
        "state": _STATE,
        "progressPercent": {"type": "integer", "minimum": 0, "maximum": 100},
        "error": {"type": "string"},
        "createdAt": _TIME,
        "finishedAt": _TIME,
        "downloadUrl": {"type": "string"},
        "sha256": _SHA256,
        "bytes": _BYTES,
        "keptUntil": _TIME,
    },
}
_DELIVERED_FILE = {
    "type": "object",
    "required": ["name", "format", "bytes", "sha256"],
    "properties": {"name": {"type": "string"}, "format": _FORMAT, "bytes": _BYTES, "sha256": _SHA256},
}
_DELIVERED_MONTH = {
    "type": "object",
    "required": ["month", "state"],
    "properties": {
        "month": _MONTH,
        "state": _STATE,
        "error": {"type": "string", "description": "What went wrong last."},
        "finishedAt": _TIME,
        "files": {"type": "array", "items": _DELIVERED_FILE},
    },
}
_DELIVERY = {
    "type": "object",
    "description": "A place of the operator's to which the account's months go once they are over, latest first.",
    "required": ["id", "url", "formats", "firstMonth", "createdAt", "months"],
    "properties": {
        "id": _UUID,
        "url": {"type": "string"},
        "formats": {"type": "array", "items": _FORMAT},
        "firstMonth": _MONTH,
        "createdAt": _TIME,
        "months": {"type": "array", "items": _DELIVERED_MONTH},
    },
}


def register() -> None:
    """Put the paths into the document."""
    export, exports, deliveries = _json("BillingExport"), _list_of("BillingExport"), _list_of("BillingDelivery")
    one = f"{_ACCOUNT}/exports/{{export_id}}"
    serves_plainly(
        paths={
            f"{_ACCOUNT}/exports": {
                "get": _operation("ListExports", "The account's latest hundred exports", {"200": _answer(exports)}),
                "post": _creation(export),
            },
            one: {"get": _operation("GetExport", "How far an export is", {"200": _answer(export)}, "export_id")},
            f"{one}/file": {"get": _download()},
            f"{_ACCOUNT}/deliveries": {
                "get": _operation("ListDeliveries", "Monthly deliveries", {"200": _answer(deliveries)})
            },
        },
        schemas={"BillingExport": _EXPORT, "BillingExportWish": _EXPORT_WISH, "BillingDelivery": _DELIVERY},
    )


def _creation(export: dict[str, Any]) -> dict[str, Any]:
    accepted = _answer(export) | {"headers": {"Location": _header("Where to ask how far it is.")}}
    operation = _operation("CreateExport", "Ask for an export: its file is made in the background", {"202": accepted})
    operation["parameters"].append(idempotency_key())
    return operation | {"requestBody": {"required": True, "content": _json("BillingExportWish")}}


def _download() -> dict[str, Any]:
    types = sorted({one.content_type.partition(";")[0] for one in EXPORT_FORMATS.values()})
    file = {
        "description": "The file, or the part of it that was asked for.",
        "content": {type: {} for type in types},
        "headers": {
            "ETag": _header("The file's SHA-256."),
            "Repr-Digest": _header("The same, as RFC 9530 has it."),
        },
    }
    beyond = {"description": "The file is not as long.", "content": {type: {} for type in types}}
    answers = {"200": file, "206": file, "416": beyond}
    operation = _operation("DownloadExport", "The file of an export", answers, "export_id")
    span = {"type": "string", "pattern": "^bytes=([0-9]{1,9}-[0-9]{0,9}|-[0-9]{1,9})$"}
    about = "One range, to go on where a download broke off."
    operation["parameters"].append({"name": "Range", "in": "header", "description": about, "schema": span})
    return operation


def _operation(name: str, summary: str, answers: dict[str, Any], *more_ids: str) -> dict[str, Any]:
    return {
        "operationId": f"{_TAG}.{name}",
        "tags": [_TAG],
        "summary": summary,
        "description": "Needs `read:payment_information`. Plain REST: there is no RPC for it.",
        "security": [{"managementKey": []}, {"session": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _UUID} for name in ("account_id", *more_ids)
        ],
        "responses": answers | {"default": {"$ref": "#/components/responses/Error"}},
    }


def _list_of(schema: str) -> dict[str, Any]:
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    return {"application/json": {"schema": {"type": "object", "required": ["items"], "properties": {"items": items}}}}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _answer(content: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Done.", "content": content}


def _header(about: str) -> dict[str, Any]:
    return {"description": about, "schema": {"type": "string"}}
