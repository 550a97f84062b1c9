"""Which of many paths a request means.

By percent-decoded segment, so that a name may hold any character, a slash included; literal segments win over
parameters. One look-up for each segment: every request is matched by the gateway and by a node.
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")


@dataclass(slots=True)
class _Place(Generic[T]):
    """What may follow the segments that lead here, and by method what ends here, with its parameters' names."""

    literals: "dict[str, _Place[T]]" = field(default_factory=dict)
    parameter: "_Place[T] | None" = None
    ends: dict[str, tuple[T, list[str]]] = field(default_factory=dict)


class Routes(Generic[T]):
    """Targets by method and path template, such as ``/collections/{collection_name}/points``."""

    def __init__(self) -> None:
        self._root: _Place[T] = _Place()

    def add(self, method: str, path: str, target: T) -> None:
        place, names = self._root, []
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                place.parameter = place.parameter or _Place()
                place = place.parameter
            else:
                place = place.literals.setdefault(segment, _Place())
        place.ends[method] = target, names

    def find(self, method: str, path: bytes) -> tuple[T, dict[str, str]] | None:
        """The target of a percent-encoded path, and its parameters; none of them is ever empty."""
        try:
            if b"%" in path:
                segments = [unquote_to_bytes(segment).decode() for segment in path.split(b"/")]
            else:
                segments = path.decode().split("/")
        except UnicodeDecodeError:
            return None
        values: list[str] = []
        end = _end(self._root, method, segments, 0, values)
        return None if end is None else (end[0], dict(zip(end[1], values, strict=True)))


def _end(place: _Place[T], method: str, segments: list[str], at: int, values: list[str]) -> tuple[T, list[str]] | None:
    if at == len(segments):
        return place.ends.get(method)
    segment = segments[at]
    literal = place.literals.get(segment)
    if literal is not None and (end := _end(literal, method, segments, at + 1, values)):
        return end
    if place.parameter is None or not segment:
        return None
    values.append(segment)
    end = _end(place.parameter, method, segments, at + 1, values)
    if end is None:
        values.pop()
    return end
