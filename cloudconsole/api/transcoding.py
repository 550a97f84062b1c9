"""Between REST and messages, as grpc-gateway does it: path variables, query strings, and proto3's JSON form."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from cloudconsole.api.declarations import Field
from cloudconsole.api.methods import Method

_FAILED_FIELD = re.compile(r"Failed to parse (\w+) field: ")
_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})
# What json_format and json raise for input that does not fit, from wrong types to nesting without end.
_DOES_NOT_FIT = (json_format.Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError)


class UnreadableRequest(Exception):
    """The body, query string or path is not a message of the method's request type; the text says why."""


def read_request(
    method: Method, *, variables: Mapping[str, str], query: Iterable[tuple[str, list[str]]], body: bytes
) -> Message:
    """The request message of a REST call. ``variables`` maps field paths to what stood in the URL path.

    The path overrides the body; the query string counts only for methods without a body. Raises UnreadableRequest.
    """
    request = method.request()
    if method.has_body:
        _read_body(body, request)
    else:
        for name, values in query:
            _read_parameter(name, values, request)
    for path, value in variables.items():
        _parse(_nested(path.split("."), value), request, f"The path's {path}")
    return request


def to_json(message: Message) -> dict[str, Any]:
    """camelCase names, enums as names, 64-bit integers as text, default values included, unset optionals left out."""
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def _read_body(body: bytes, request: Message) -> None:
    if not body.strip():
        return
    try:
        data = json.loads(body)
    except json.JSONDecodeError as error:
        raise UnreadableRequest(f"The body is not valid JSON: {error}.") from None
    except UnicodeDecodeError:
        raise UnreadableRequest("The body is not text in UTF-8.") from None
    except (ValueError, RecursionError):
        raise UnreadableRequest("The body is nested too deeply, or holds a number of thousands of digits.") from None
    if not isinstance(data, dict):
        raise UnreadableRequest("The body must be a JSON object.")
    _parse(data, request, "The body", ignore_unknown_fields=True)


def _parse(data: dict[str, Any], request: Message, where: str, *, ignore_unknown_fields: bool = False) -> None:
    try:
        json_format.ParseDict(data, request, ignore_unknown_fields=ignore_unknown_fields)
    except _DOES_NOT_FIT as error:
        raise UnreadableRequest(f"{where} does not fit the request: {_explanation(error)}.") from None


def _explanation(error: Exception) -> str:
    """Field path and reason out of json_format's nested text, without what it says about Python and itself."""
    text = str(error)
    path = ".".join(_FAILED_FIELD.findall(text))
    reason = re.sub(r" at [A-Z][\w.\[\]]*$", "", text.rpartition(" field: ")[2].rstrip("."))
    if "object" in reason:  # "expected string or bytes-like object, got 'int'", "'int' object is not iterable"
        reason = "the value has the wrong type"
    return f"{path}: {reason}" if path else reason


def _read_parameter(name: str, values: list[str], request: Message) -> None:
    fields = _fields_on(request, name.split("."))
    if fields is None:
        return  # like unknown fields of a body
    *_, leaf = fields
    if not leaf.is_repeated and len(values) > 1:
        raise UnreadableRequest(f"The query parameter {name} is given {len(values)} times, but takes one value.")
    converted = [_parameter_value(leaf, name, value) for value in values]
    value = converted if leaf.is_repeated else converted[0]
    _parse(_nested([field.name for field in fields], value), request, f"The query parameter {name}")


def _fields_on(message: Message, names: list[str]) -> list[Field] | None:
    """The fields along a path of snake_case or camelCase names, or None if there is no such path."""
    fields: list[Field] = []
    for name in names:
        if fields:
            if fields[-1].is_repeated or fields[-1].message_type is None:
                return None
            message = getattr(message, fields[-1].name)
        descriptor = message.DESCRIPTOR
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        if field is None:
            return None
        fields.append(field)
    return fields


def _parameter_value(field: Field, name: str, text: str) -> str | bool:
    if field.type != FieldDescriptor.TYPE_BOOL:
        return text
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise UnreadableRequest(f"The query parameter {name} must be true or false.")


def _nested(names: list[str], value: Any) -> dict[str, Any]:
    for name in reversed(names):
        value = {name: value}
    return value
