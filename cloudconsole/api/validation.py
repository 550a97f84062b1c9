"""Checks messages against the rules that the protos declare beside their fields (``cloudconsole/options.proto``)."""

import ipaddress
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cloudconsole.api.declarations import Field, field_rules, message_rules
from cloudconsole.api.gen.buf.validate.violations_pb2 import FieldPath, FieldPathElement, Violation
from cloudconsole.api.gen.cloudconsole.options_pb2 import FieldRules

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_QUALIFIED_NAME = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_KINDS: dict[int, str] = {
    number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()
}
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_Path = tuple[FieldPathElement, ...]


class InvalidRequest(Exception):
    """A message breaks rules; ``violations`` names field path, rule and sentence of each."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{dotted(v.field)} {v.message}" for v in violations))
        self.violations = violations


def check(violations: list[Violation]) -> None:
    """Raise InvalidRequest if there are any."""
    if violations:
        raise InvalidRequest(violations)


def violations(message: Message) -> list[Violation]:
    """Everything wrong with a message, in field order; empty if it is valid."""
    return list(_message(message, ()))


def message_violations(message: Message) -> list[Violation]:
    """Only what breaks the rules between fields of the message itself."""
    return list(_message_rules(message, ()))


def dotted(path: FieldPath) -> str:
    """``cluster.configuration.allowed_ip_source_ranges[2]``."""
    return ".".join(
        element.field_name + (f"[{element.index}]" if element.HasField("index") else "") for element in path.elements
    )


def violation_at(message: Message, path: str, rule: str, sentence: str) -> Violation:
    """A violation at a dotted path of field names below ``message``."""
    elements = []
    for name in path.split("."):
        elements.append(_element(message.DESCRIPTOR.fields_by_name[name]))
        message = getattr(message, name)
    return _violation(tuple(elements), rule, sentence)


def value_at(message: Message, path: str) -> Any:
    """The value at a dotted path, default values where nothing is set."""
    value: Any = message
    for name in path.split("."):
        value = getattr(value, name)
    return value


def uuid_violations(message: Message, path: str) -> list[Violation]:
    """Whether the text at a dotted path is a UUID."""
    if is_uuid(value_at(message, path)):
        return []
    return [violation_at(message, path, "string.uuid", "must be a UUID")]


def is_uuid(text: str) -> bool:
    return bool(_UUID.fullmatch(text))


def _element(field: Field) -> FieldPathElement:
    return FieldPathElement(field_number=field.number, field_name=field.name)


def _violation(path: _Path, rule: str, sentence: str) -> Violation:
    return Violation(field=FieldPath(elements=path), rule_id=rule, message=sentence)


def _message(message: Message, path: _Path) -> Iterator[Violation]:
    for field in message.DESCRIPTOR.fields:
        yield from _field(message, field, path)
    yield from _message_rules(message, path)


def _field(message: Message, field: Field, path: _Path) -> Iterator[Violation]:
    rules = field_rules(field)
    path = (*path, _element(field))
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return  # maps stand in answers only
    if field.is_repeated:
        if rules.HasField("min_items") and len(value) < rules.min_items:
            yield _violation(path, "repeated.min_items", f"must have at least {rules.min_items} items")
        if rules.HasField("max_items") and len(value) > rules.max_items:
            yield _violation(path, "repeated.max_items", f"must have at most {rules.max_items} items")
            return
        for index, item in enumerate(value):
            element = FieldPathElement(field_number=field.number, field_name=field.name, index=index)
            yield from _value(field, rules.items, item, (*path[:-1], element))
    elif not field.has_presence or message.HasField(field.name):
        yield from _value(field, rules, value, path)
    elif rules.required:
        yield _violation(path, "required", "is missing")


def _value(field: Field, rules: FieldRules, value: Any, path: _Path) -> Iterator[Violation]:
    if isinstance(value, Timestamp):
        if not (_FIRST_SECOND <= value.seconds <= _LAST_SECOND and 0 <= value.nanos < 10**9):
            yield _violation(path, "timestamp.valid", "must lie in the years 1 to 9999")
    elif field.message_type is not None:
        if not field.message_type.full_name.startswith("google.protobuf."):
            yield from _message(value, path)
    elif field.enum_type is not None:
        if rules.defined_only and value not in field.enum_type.values_by_number:
            yield _violation(path, "enum.defined_only", "must be one of the known values")
        if rules.not_unspecified and value == 0:
            yield _violation(path, "enum.not_in", "must not be unspecified")
    elif field.type == FieldDescriptor.TYPE_STRING:
        yield from (_violation(path, f"string.{rule}", sentence) for rule, sentence in _text_problems(rules, value))
    else:
        kind = _KINDS[field.type]
        # Negated comparisons, so that not-a-number breaks every limit.
        if rules.HasField("gte") and not value >= rules.gte:
            yield _violation(path, f"{kind}.gte", f"must be {rules.gte:g} or more")
        if rules.HasField("lte") and not value <= rules.lte:
            yield _violation(path, f"{kind}.lte", f"must be {rules.lte:g} or less")
        if rules.HasField("gt") and not value > rules.gt:
            yield _violation(path, f"{kind}.gt", f"must be more than {rules.gt:g}")


def _text_problems(rules: FieldRules, text: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:  # PostgreSQL cannot store it
        yield "no_nul", "must not contain the character U+0000"
    if rules.HasField("min_len") and len(text) < rules.min_len:
        yield "min_len", f"must have at least {_characters(rules.min_len)}"
    if rules.HasField("max_len") and len(text) > rules.max_len:
        yield "max_len", f"must have at most {_characters(rules.max_len)}"
        return  # the expressions below are not for texts of any length
    if rules.uuid and not is_uuid(text):
        yield "uuid", "must be a UUID"
    if rules.pattern and not _expression(rules.pattern).search(text):
        yield "pattern", f"must match {rules.pattern}"
    if rules.one_of and text not in rules.one_of:
        yield "in", f"must be one of {', '.join(rules.one_of)}"
    if rules.uri and not _is_uri(text):
        yield "uri", "must be an absolute URI"
    if rules.ipv4_prefix and not _is_ipv4_prefix(text):
        yield "ipv4_prefix", "must be an IPv4 network such as 10.0.0.0/8"
    if rules.qualified_name and not _QUALIFIED_NAME.fullmatch(text):
        yield "qualified_name", "must be a qualified name such as team or example.com/team"


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    # Python's $ also matches before a final newline, RE2's only at the end.
    return re.compile(re.sub(r"\$$", r"\\Z", pattern), re.ASCII)


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _is_ipv4_prefix(text: str) -> bool:
    if not re.fullmatch(r"[0-9.]+/[0-9]+", text):
        return False
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        return False
    return True


def _message_rules(message: Message, path: _Path) -> Iterator[Violation]:
    rules = message_rules(message)

    def below(name: str, rule: str, sentence: str) -> Violation:
        found = violation_at(message, name, rule, sentence)
        return _violation((*path, *found.field.elements), rule, sentence)

    for name in rules.absent:
        if _is_set(message, name):
            yield below(name, "message.absent", "is set by the server and must not be sent")
    for name in rules.uuid:
        if not is_uuid(value_at(message, name)):
            yield below(name, "string.uuid", "must be a UUID")
    for name in rules.required_oneof:
        if message.WhichOneof(name) is None:
            choices = " or ".join(field.name for field in message.DESCRIPTOR.oneofs_by_name[name].fields)
            yield _violation((*path, FieldPathElement(field_name=name)), "required", f"is missing: set {choices}")
    for pair in rules.needs:
        if _is_set(message, pair.field) and not _is_set(message, pair.other):
            yield below(pair.other, "message.needs", f"is needed together with {pair.field}")
    for pair in rules.after:
        if _is_set(message, pair.field) and _is_set(message, pair.other):
            later, earlier = value_at(message, pair.field), value_at(message, pair.other)
            if (later.seconds, later.nanos) <= (earlier.seconds, earlier.nanos):
                yield below(pair.field, "message.after", f"must lie after {pair.other}")


def _is_set(message: Message, path: str) -> bool:
    *parents, name = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
    field = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if field.has_presence else bool(getattr(message, name))
