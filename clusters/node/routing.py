"""Paths to operations. Matching is by percent-decoded segment, so a name may hold any character, a slash included."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from clusters.node.errors import NotFound, NotSupported
from clusters.node.operations import OPERATIONS, Operation
from clusters.node.unsupported import UNSUPPORTED


@dataclass(frozen=True)
class Match:
    """An operation and what the path says: its collection, and its other parameters."""

    operation: Operation
    collection: str | None
    parameters: dict[str, str]


class Router:
    """The routes of a node's REST API. Literal segments win over parameters."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, int], list[tuple[list[str], Operation | str]]] = {}
        for operation in OPERATIONS.values():
            self._add(operation.method, operation.path, operation)
        for method, path, sentence in UNSUPPORTED:
            self._add(method, path, sentence)
        for routes in self._routes.values():
            routes.sort(key=lambda route: [_is_parameter(segment) for segment in route[0]])

    def match(self, method: str, raw_path: bytes) -> Match:
        """The operation for a request line; raises NotFound, or NotSupported for one that nodes do not have."""
        given = _segments(raw_path)
        for wanted, target in self._routes.get((method, len(given)), []):
            pairs = list(zip(wanted, given, strict=True))
            if all(_is_parameter(segment) or segment == value for segment, value in pairs):
                if isinstance(target, str):
                    raise NotSupported(f"Not supported: {target}")
                values = {segment[1:-1]: value for segment, value in pairs if _is_parameter(segment)}
                return Match(target, values.pop("collection_name", None), values)
        raise NotFound(f"there is no {method} {raw_path.decode('ascii', 'replace')}")

    def _add(self, method: str, path: str, target: Operation | str) -> None:
        segments = path.strip("/").split("/")
        self._routes.setdefault((method, len(segments)), []).append((segments, target))


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _segments(raw_path: bytes) -> list[str]:
    try:
        return [unquote_to_bytes(part).decode() for part in raw_path.strip(b"/").split(b"/")]
    except UnicodeDecodeError:
        raise NotFound("the path is not UTF-8") from None
