"""What the optimisations of a collection have done so far, in the words of Qdrant's ``/optimizations``.

An optimisation here takes a whole collection at once, so it is told as one segment: the collection's folder.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clusters.node.errors import FormatError

if TYPE_CHECKING:
    from clusters.node.engine.collection import Collection

COPYING, INDEXING, CATCHING_UP = "copying", "indexing", "catching up"
KEPT = 16  # that have ended, which is also how many Qdrant tells unless asked otherwise
_OPTIMIZER = "indexing"
_PARTS = ("queued", "completed", "idle_segments")


@dataclass
class _Span:
    """A piece of work with its begin and its end."""

    name: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None

    def finish(self) -> None:
        self.finished_at = self.finished_at or datetime.now(UTC)

    def described(self, steps: Iterable["_Span"] = ()) -> dict[str, Any]:
        """Qdrant's ``ProgressTree``."""
        tree: dict[str, Any] = {"name": self.name, "started_at": self.started_at.isoformat()}
        if self.finished_at is not None:
            tree["finished_at"] = self.finished_at.isoformat()
            tree["duration_sec"] = (self.finished_at - self.started_at).total_seconds()
        children = [step.described() for step in steps]
        return tree | ({"children": children} if children else {})


class Progress:
    """One optimisation: ``folder`` is the collection's, ``target`` that of the copy which is to take its place."""

    def __init__(self, folder: str, target: str, points: int) -> None:
        self._segment = {"uuid": folder, "points_count": points}
        self._target = target
        self._status: Any = "optimizing"
        self._whole = _Span("optimization")
        self._steps = [_Span(COPYING)]

    def step(self, name: str) -> None:
        """The optimisation has come to this step; one that it is at already is no news."""
        if self._steps[-1].name != name:
            self._steps[-1].finish()
            self._steps.append(_Span(name))

    def end(self, status: Any) -> None:
        """``status`` as Qdrant writes it: "done", or an object with ``cancelled`` or ``error`` and a sentence."""
        self._status = status
        self._steps[-1].finish()
        self._whole.finish()

    def described(self) -> dict[str, Any]:
        """Qdrant's ``Optimization``."""
        return {
            "uuid": self._target,
            "optimizer": _OPTIMIZER,
            "status": self._status,
            "segments": [self._segment],
            "progress": self._whole.described(self._steps),
        }


def described_progress(collection: "Collection", *, waiting: bool, query: dict[str, str]) -> dict[str, Any]:
    """Qdrant's ``OptimizationsResponse``; ``waiting`` for an optimisation that has not begun.

    ``query``: ``with`` names the parts that are told only when asked for, ``completed_limit`` how many that ended.
    """
    wanted, limit = _wanted(query.get("with", "")), _limit(query.get("completed_limit", str(KEPT)))
    running, points = collection.progress, collection.read("info").points_count
    segment = {"uuid": collection.folder.name, "points_count": points}
    idle = [] if waiting or running else [segment]
    parts = {
        "queued": [{"optimizer": _OPTIMIZER, "segments": [segment]}] if waiting else [],
        "completed": [one.described() for one in list(collection.ended)[:limit]],
        "idle_segments": idle,
    }
    summary = {
        "queued_optimizations": int(waiting),
        "queued_segments": int(waiting),
        "queued_points": points if waiting else 0,
        "idle_segments": len(idle),
    }
    return {
        "summary": summary,
        "running": [running.described()] if running else [],
        **{name: parts[name] for name in _PARTS if name in wanted},
    }


def _wanted(given: str) -> set[str]:
    names = {name.strip() for name in given.split(",")} - {""}
    if not names <= set(_PARTS):
        raise FormatError(f"with: expected names out of {', '.join(_PARTS)}, got `{given}`", "query parameters")
    return names


def _limit(given: str) -> int:
    if not (given.isascii() and given.isdigit()):
        raise FormatError(f"completed_limit: invalid value: `{given}`, expected a number", "query parameters")
    return int(given)
