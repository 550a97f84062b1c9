"""Messages as JSON schemas, in the JSON form that REST has them in, with the rules that the protos declare."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from cloudconsole.api.comments import comment
from cloudconsole.api.declarations import Field, field_rules
from cloudconsole.api.gen.cloudconsole.options_pb2 import FieldRules
from cloudconsole.api.methods import Method

Schema = dict[str, Any]

_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$", "examples": ["3600s"]},
    "google.protobuf.FieldMask": {
        "type": "string",
        "description": "Paths in camelCase, separated by commas.",
        "examples": ["name"],
    },
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    },
}
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    # Text, because JavaScript's numbers do not hold them.
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"},
}
_WHOLE = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}


class Schemas:
    """Collects the schemas of messages and enums that a document refers to, with short names."""

    def __init__(self, methods: list[Method]) -> None:
        self.components: dict[str, Schema] = {}
        # What stands in a path need not stand in the body, too.
        self._in_paths = {field.full_name for method in methods for field in _path_fields(method)}

    def reference(self, message: type[Message]) -> Schema:
        """A reference to the schema of a message, which it adds if it is new."""
        return self._reference(message.DESCRIPTOR)

    def of_field(self, field: Field) -> Schema:
        """The schema of a field's value."""
        rules = field_rules(field)
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            value = self._of_value(kind.fields_by_name["value"], rules)
            return {"type": "object", "additionalProperties": value}
        if not field.is_repeated:
            return self._of_value(field, rules)
        schema: Schema = {"type": "array", "items": self._of_value(field, rules.items)}
        for name, limit in (("min_items", "minItems"), ("max_items", "maxItems")):
            if rules.HasField(name):
                schema[limit] = getattr(rules, name)
        return schema

    def _reference(self, descriptor: Any) -> Schema:
        if descriptor.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[descriptor.full_name])
        name = descriptor.name
        if name not in self.components:
            self.components[name] = {}  # messages may contain each other
            self.components[name] = self._object(descriptor)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, descriptor: Descriptor) -> Schema:
        properties = {field.json_name: self._property(field) for field in descriptor.fields}
        schema: Schema = {"type": "object", "properties": properties}
        if text := comment(descriptor.full_name):
            schema["description"] = text
        if needed := [field.json_name for field in descriptor.fields if self._needed(field)]:
            schema["required"] = needed
        return schema

    def _property(self, field: Field) -> Schema:
        schema = self.of_field(field)
        if text := comment(field.full_name):
            schema["description"] = text
        if field_rules(field).output_only:
            schema["readOnly"] = True
        return schema

    def _needed(self, field: Field) -> bool:
        """Whether the rules refuse a message in which the field has its default value."""
        rules = field_rules(field)
        if rules.output_only or field.full_name in self._in_paths:
            return False
        if field.is_repeated:
            return bool(rules.min_items)
        if field.has_presence:
            return rules.required
        least = rules.gte if rules.HasField("gte") else 0
        return bool(
            rules.uuid or rules.min_len or rules.not_unspecified or rules.one_of or least > 0 or rules.HasField("gt")
        )

    def _of_value(self, field: Field, rules: FieldRules) -> Schema:
        if field.message_type is not None:
            return self._reference(field.message_type)
        if field.enum_type is not None:
            names = [value.name for value in field.enum_type.values if value.number or not rules.not_unspecified]
            return {"type": "string", "enum": names}
        schema = dict(_SCALARS[field.type])
        schema.update(_limits(field, rules))
        return schema


def _limits(field: Field, rules: FieldRules) -> Iterator[tuple[str, Any]]:
    if rules.uuid:
        yield "format", "uuid"
    for name, limit in (("min_len", "minLength"), ("max_len", "maxLength")):
        if rules.HasField(name):
            yield limit, getattr(rules, name)
    if rules.pattern:
        yield "pattern", rules.pattern
    if rules.one_of:
        yield "enum", list(rules.one_of)
    if rules.uri:
        yield "format", "uri"
    if rules.ipv4_prefix:
        yield "examples", ["10.0.0.0/8"]
    if field.type in (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64):
        return  # text has no numeric limits
    for name, limit in (("gte", "minimum"), ("lte", "maximum"), ("gt", "exclusiveMinimum")):
        if rules.HasField(name):
            value = getattr(rules, name)
            yield limit, int(value) if field.type in _WHOLE else value


def _path_fields(method: Method) -> Iterator[Field]:
    for path in method.variables:
        yield field_at(method.request.DESCRIPTOR, path)


def field_at(descriptor: Any, path: str) -> Field:
    """The field at a dotted path below a message."""
    *parents, name = path.split(".")
    for parent in parents:
        descriptor = descriptor.fields_by_name[parent].message_type
    field: Field = descriptor.fields_by_name[name]
    return field


ERROR: type[Message] = Status
