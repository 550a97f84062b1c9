"""Group commit: writes that wait together are journalled, applied and flushed as one group.

A request is acknowledged after the flush. One that is refused or fails does not hold the others up.
"""

import logging
from dataclasses import dataclass, field

from clusters.node.engine.collection import Collection, Step
from clusters.node.engine.journal import Journal, JournalEntry
from clusters.node.errors import EnginePanic, NodeError

log = logging.getLogger(__name__)


@dataclass
class WriteRequest:
    """A write that passed its checks: its journal entry, its steps, and how it ended."""

    entry: JournalEntry
    steps: list[Step]
    operation_ids: list[int] = field(default_factory=list)
    error: NodeError | None = None


class GroupCommit:
    """Applies groups of write requests. Every method runs on the engine thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._unflushed: list[tuple[WriteRequest, Step]] = []

    def commit(self, requests: list[WriteRequest]) -> None:
        """Make the requests durable; each carries its operation ids or its error afterwards."""
        self._journal.write([request.entry for request in requests])
        self._apply(requests, 0)
        self._journal.clear()

    def recover(self, requests: list[WriteRequest], steps_done: int) -> None:
        """Finish a group that a crash interrupted after it was journalled."""
        self._apply(requests, steps_done)
        self._journal.clear()

    def _apply(self, requests: list[WriteRequest], steps_done: int) -> None:
        steps = [(request, step) for request in requests for step in request.steps]
        for position, (request, step) in enumerate(steps):
            if position < steps_done or request.error is not None:
                continue
            if step.depends_on_state:
                self._flush(position)
            self._apply_step(request, step)
            if step.depends_on_state:
                self._flush(position + 1)
        self._flush(None)

    def _apply_step(self, request: WriteRequest, step: Step) -> None:
        try:
            request.operation_ids.append(step.collection.apply(step))
            self._unflushed.append((request, step))
        except EnginePanic as error:
            request.error = error
            self._apply_again(step.collection)
        except NodeError as error:
            request.error = error

    def _apply_again(self, collection: Collection) -> None:
        """Repeat what a shard lost when it was opened anew after a panic."""
        lost = [(r, s) for r, s in self._unflushed if s.collection is collection and r.error is None]
        self._unflushed = [(r, s) for r, s in self._unflushed if s.collection is not collection]
        for request, step in lost:
            try:
                collection.apply(step)
                self._unflushed.append((request, step))
            except NodeError as error:
                request.error = error

    def _flush(self, position: int | None) -> None:
        """Flush what was applied and, inside a group, note how far it has come."""
        collections = {id(step.collection): step.collection for _, step in self._unflushed}
        for collection in collections.values():
            try:
                collection.flush()
            except NodeError as error:
                self._fail(collection, error)
        if collections and position is not None:
            self._journal.note_position(position)
        self._unflushed = []

    def _fail(self, collection: Collection, error: NodeError) -> None:
        log.error("flush failed: %s", error, extra={"folder": collection.folder.name})
        for request, step in self._unflushed:
            if step.collection is collection:
                request.error = error
        collection.reload()
