"""One collection: its folder, its shard, and the boundary at which the engine's failures become ours."""

import itertools
import logging
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from clusters.node.engine.configuration import engine_config
from clusters.node.engine.progress import KEPT, Progress
from clusters.node.engine.vectors import VectorSchema, vector_schemas
from clusters.node.errors import EngineFailure, EnginePanic, NodeError, NotFound, is_panic, refusal_of
from clusters.node.models import m

log = logging.getLogger(__name__)

_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Step:
    """One update of one collection, checked and converted, ready to be applied.

    ``depends_on_state``: what it changes depends on what is stored (a filter, a condition), so repeating it
    after a later update may change something else. ``required_points`` must exist when it is applied.
    """

    collection: "Collection"
    operation: Any
    depends_on_state: bool = False
    required_points: tuple[int | str, ...] = ()


class Collection:
    """An open collection. Every method runs on the engine thread."""

    def __init__(self, name: str, folder: Path, configuration: m.CreateCollection, snapshots: Path) -> None:
        self.name = name
        self.folder = folder
        self.snapshots = snapshots
        self.configuration = configuration
        self.progress: Progress | None = None  # of the optimisation that is under way
        self.ended: deque[Progress] = deque(maxlen=KEPT)  # of those before, the last one first
        self.optimiser_error: str | None = None
        self.unindexed_bytes = 0.0  # of vectors, about
        self._shard: Any = None
        self._operation_ids = itertools.count()

    @property
    def configuration(self) -> m.CreateCollection:
        """What the collection was created with, and what was changed since."""
        return self._configuration

    @configuration.setter
    def configuration(self, configuration: m.CreateCollection) -> None:
        self._configuration = configuration
        self.vectors: dict[str, VectorSchema] = vector_schemas(configuration)

    def create(self) -> None:
        """Create the shard in the folder and make it durable."""
        config = engine_config(self.configuration)
        self._guarded(lambda: edge.EdgeShard.create(str(self.folder), config))
        self.flush()

    def load(self) -> None:
        """Open the shard from its folder, under the present configuration."""
        config = engine_config(self.configuration)
        self._guarded(lambda: edge.EdgeShard.load(str(self.folder), config))

    def count_unindexed(self, *, all_points: bool = False) -> None:
        """Estimate the vectors without an index, which are all of them when an index is to be built anew."""
        info = self.read("info")
        sizes = [schema.size for schema in self.vectors.values() if schema.size is not None]
        indexed = 0 if all_points else info.indexed_vectors_count
        missing = info.points_count * len(self.vectors) - indexed  # sparse vectors always count as indexed
        self.unindexed_bytes = max(missing, 0) / max(len(sizes), 1) * max(sizes, default=0) * _FLOAT_BYTES

    def reload(self) -> None:
        """Open the shard anew; what was not flushed may be lost. A shard that cannot be opened stays closed."""
        self.close()
        try:
            self.load()
        except NodeError as error:
            log.error("collection cannot be loaded: %s", error, extra={"folder": self.folder.name})

    def continue_from(self, other: "Collection") -> None:
        """Take over what belongs to the collection rather than to its shard: snapshots, operation ids, its past."""
        self.snapshots = other.snapshots
        self.ended = other.ended
        self._operation_ids = other._operation_ids

    def close(self) -> None:
        """Close the shard, whatever state it is in."""
        shard, self._shard = self._shard, None
        if shard is not None:
            try:
                shard.close()
            except BaseException as error:
                if not is_panic(error) and not isinstance(error, Exception):
                    raise
                log.warning("shard did not close cleanly: %s", error, extra={"folder": self.folder.name})

    def remove(self) -> None:
        """Close the shard and delete its folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, method: str, *arguments: Any) -> Any:
        """What the engine answers to a call of the shard; its errors and panics raised as refusals."""
        return self._call(method, *arguments)

    def apply(self, step: Step) -> int:
        """Apply an update in memory; durable only after ``flush``. Returns the operation's id.

        Raises EnginePanic after the shard was opened anew: unflushed updates must be applied again.
        """
        if step.required_points:
            self._require(step.required_points)
        self._call("update", step.operation)
        return next(self._operation_ids)

    def flush(self) -> None:
        """Write everything applied so far to disk."""
        self._call("flush")

    def _require(self, ids: tuple[int | str, ...]) -> None:
        stored = {str(record.id) for record in self._call("retrieve", list(ids), False, False)}
        for wanted in ids:
            if str(wanted) not in stored:
                raise NotFound(f"No point with id {wanted} found")

    def _call(self, method: str, *arguments: Any) -> Any:
        shard = self._shard
        if shard is None:
            raise EngineFailure(f"collection `{self.name}` could not be loaded; see the node's log")
        try:
            return getattr(shard, method)(*arguments)
        except NodeError:
            raise
        except Exception as error:
            raise refusal_of(error) from error
        except BaseException as error:
            if not is_panic(error):
                raise
            log.error("engine panicked, shard reloaded: %s", error, extra={"folder": self.folder.name})
            self.reload()
            raise EnginePanic(f"the engine failed on this request ({_first_line(error)})") from None

    def _guarded(self, open_shard: Callable[[], Any]) -> None:
        try:
            self._shard = open_shard()
        except Exception as error:
            raise refusal_of(error) from error
        except BaseException as error:
            if not is_panic(error):
                raise
            raise EnginePanic(f"the shard could not be opened ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else "panic"
