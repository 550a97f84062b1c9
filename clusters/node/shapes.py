"""Request bodies: JSON to the operation's model, and one sentence that names the field when it does not fit."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from clusters.node.errors import FormatError
from clusters.node.validation import check_ranges

_MOST_SENTENCES = 3
_CLASS_NAMES = re.compile(r"a valid dictionary( or instance of \w+)?")


def body_validator(model: Any) -> SchemaValidator:
    """The validator of a request model. Its lists stop at the first wrong item.

    Otherwise a body of ten thousand wrong vectors would give tens of millions of complaints, and minutes of work.
    """
    adapter = TypeAdapter(model)
    adapter.rebuild(force=True)
    schema = adapter.core_schema
    _stop_lists_early(schema, set())
    return SchemaValidator(schema)


def _stop_lists_early(schema: Any, seen: set[int]) -> None:
    if id(schema) in seen:
        return
    seen.add(id(schema))
    if isinstance(schema, dict):
        if schema.get("type") == "list":
            schema["fail_fast"] = True
        schema = list(schema.values())
    if isinstance(schema, (list, tuple)):
        for part in schema:
            _stop_lists_early(part, seen)


def parse_body(validator: SchemaValidator, raw: bytes) -> Any:
    """The request model of a JSON body.

    Raises FormatError for what is not JSON (NaN, infinite numbers and broken UTF-8 included) or not of the
    operation's shape, and ValidationFailed for numbers outside their range.
    """
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FormatError(str(error)) from None
    try:
        body = validator.validate_python(data)
        check_ranges(body)
    except ValidationError as error:
        raise FormatError(_describe(error, data)) from None
    except RecursionError:
        raise FormatError("recursion limit exceeded") from None
    return body


def _describe(error: ValidationError, data: Any) -> str:
    """The complaints of the branch that the caller meant: of a union's, the one that got furthest with fewest."""
    complaints = [
        _Complaint(*_locate(item["loc"], data, item["type"]), item["type"], item["msg"])
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    depth = max(len(complaint.path) for complaint in complaints)
    deepest = [complaint for complaint in complaints if len(complaint.path) == depth]
    sizes = Counter(complaint.branch for complaint in complaints)
    fewest = min(sizes[complaint.branch] for complaint in deepest)
    meant = [complaint for complaint in deepest if sizes[complaint.branch] == fewest]
    sentences = list(dict.fromkeys(complaint.sentence() for complaint in meant))
    if len(sentences) > _MOST_SENTENCES:
        return _at(meant[0].place(), "matches none of the forms it may take")
    return ", or ".join(sentences)


@dataclass(frozen=True)
class _Complaint:
    """What is wrong at a path of the body, for one branch of the union it is in."""

    path: list[int | str]
    branch: int | str | None
    kind: str
    message: str

    def place(self) -> list[int | str]:
        return self.path[:-1] if self.kind == "missing" else self.path

    def sentence(self) -> str:
        if self.kind == "missing":
            return _at(self.place(), f"missing field `{self.path[-1]}`")
        if self.kind == "extra_forbidden":
            return _at(self.path, "unknown field")
        return _at(self.path, _CLASS_NAMES.sub("an object", self.message))


def _at(path: list[int | str], sentence: str) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return f"{where}: {sentence}" if where else sentence


def _locate(location: tuple[int | str, ...], data: Any, kind: str) -> tuple[list[int | str], int | str | None]:
    """The part of an error's location that is in the body, and the first that names a branch of a union instead."""
    path: list[int | str] = []
    branch = None
    for position, part in enumerate(location):
        if _holds(data, part):
            data = data[part]
        elif kind != "missing" or position < len(location) - 1:
            branch = part if branch is None else branch
            continue
        path.append(part)
    return path, branch


def _holds(data: Any, part: int | str) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)
