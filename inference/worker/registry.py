"""Which models this worker has: on the disk, on their way, in memory, or not at all and why."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from inference.catalogue import CATALOGUE, ModelSpec
from inference.worker import families
from inference.worker.config import WorkerConfig
from inference.worker.protocol import InferenceError
from inference.worker.weights import WeightStore, WeightsUnavailable

log = logging.getLogger(__name__)

_DOWNLOAD_RETRY_SECONDS = 5


class State(StrEnum):
    READY = "ready"  # in memory
    AVAILABLE = "available"  # weights here, loaded when first asked for
    DOWNLOADING = "downloading"
    UNAVAILABLE = "unavailable"


@dataclass
class ModelRecord:
    """One hosted model of the catalogue in this worker. ``progress`` (0..1) is known only of some downloads."""

    spec: ModelSpec
    state: State = State.UNAVAILABLE
    progress: float | None = None
    reason: str | None = None
    loaded: Any = None
    broken: bool = False  # its weights were here and could not be loaded: not tried again before a restart
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def describe(self) -> dict[str, Any]:
        """The record as ``GET /models`` shows it."""
        return {
            "name": self.spec.name,
            "state": self.state.value,
            "progress": self.progress,
            "reason": self.reason,
        }


class ModelRegistry:
    """Belongs to one event loop. All that reads files, downloads or loads runs in threads."""

    def __init__(
        self, config: WorkerConfig, store: WeightStore, models: Iterable[ModelSpec] = CATALOGUE.values()
    ) -> None:
        self._threads = config.threads
        self._store = store
        self.records = {spec.name: ModelRecord(spec) for spec in models if not spec.is_external}

    async def start(self) -> None:
        """Look at what is on the disk, then fetch and load the models that are wanted from the start."""
        try:
            await asyncio.to_thread(self._store.remove_unfinished)
        except OSError:
            log.exception("unfinished downloads could not be removed")
        for record in self.records.values():
            await self._look(record)
        wanted = [record for record in self.records.values() if record.spec.preload]
        await asyncio.gather(*(self._fetch_and_load(record) for record in wanted))

    async def loaded(self, spec: ModelSpec) -> Any:
        """The model, loaded if its weights are on the disk.

        Raises ``InferenceError`` 503 with the reason when they are not, and while they are being downloaded.
        """
        record = self.records[spec.name]
        if record.state is State.READY:
            return record.loaded
        if record.state is State.DOWNLOADING:
            sentence = f"Model {spec.name} is being downloaded. Try again in a few seconds."
            raise InferenceError(503, "model_unavailable", sentence, retry_after=_DOWNLOAD_RETRY_SECONDS)
        async with record.lock:
            if record.state is not State.READY:
                await self._look(record)
                await self._load(record)
        if record.state is not State.READY:
            sentence = f"Model {spec.name} is not available here: {record.reason}"
            raise InferenceError(503, "model_unavailable", sentence)
        return record.loaded

    async def is_ready(self) -> bool:
        """Whether every model that is wanted from the start is in memory.

        One whose weights have appeared on the disk since (``manage.py models pull``) is loaded now.
        """
        for record in self.records.values():
            if record.spec.preload and record.state in (State.AVAILABLE, State.UNAVAILABLE):
                async with record.lock:
                    if record.state is not State.READY:
                        await self._look(record)
                        await self._load(record)
        return all(record.state is State.READY for record in self.records.values() if record.spec.preload)

    def close(self) -> None:
        """End the downloads."""
        self._store.close()

    async def _look(self, record: ModelRecord) -> None:
        spec = record.spec
        if record.broken:
            return
        try:
            found = families.needs_no_files(spec) or await asyncio.to_thread(self._store.find, spec) is not None
        except WeightsUnavailable as reason:
            record.reason = str(reason)
            return
        if found:
            record.state, record.reason = State.AVAILABLE, None
        elif record.reason is None:
            record.reason = f"not downloaded; run `manage.py models pull {spec.name}`."

    async def _fetch_and_load(self, record: ModelRecord) -> None:
        async with record.lock:
            if record.state is State.UNAVAILABLE:
                await self._fetch(record)
            await self._load(record)

    async def _fetch(self, record: ModelRecord) -> None:
        def show(progress: float | None) -> None:
            if progress is not None and int(progress * 10) > int((record.progress or 0) * 10):
                log.info("fetching the weights of %s: %d %%", record.spec.name, progress * 100)
            record.progress = progress

        record.state, record.reason = State.DOWNLOADING, None
        log.info("fetching the weights of %s", record.spec.name)
        try:
            await asyncio.to_thread(self._store.fetch, record.spec, show)
            record.state = State.AVAILABLE
        except WeightsUnavailable as reason:
            record.state, record.reason = State.UNAVAILABLE, str(reason)
            log.warning("model %s is not available: %s", record.spec.name, reason)
        except OSError as error:
            record.state, record.reason = State.UNAVAILABLE, f"its weights could not be stored: {error}."
            log.exception("model %s could not be stored", record.spec.name)
        record.progress = None

    async def _load(self, record: ModelRecord) -> None:
        if record.state is not State.AVAILABLE:
            return
        try:
            record.loaded = await asyncio.to_thread(self._read, record.spec)
            record.state, record.reason = State.READY, None
        except Exception as error:  # whatever the libraries raise for unusable files
            record.state, record.broken = State.UNAVAILABLE, True
            record.reason = f"its weights could not be loaded: {error}"
            log.exception("model %s could not be loaded", record.spec.name)

    def _read(self, spec: ModelSpec) -> Any:
        folder = None if families.needs_no_files(spec) else self._store.find(spec)
        return families.load(spec, folder, self._threads)
