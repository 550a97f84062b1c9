"""Which models this worker has: on the disk, on their way, in memory, or not at all and why."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from inference.catalogue import CATALOGUE, ModelSpec
from inference.worker import families
from inference.worker.devices import Devices
from inference.worker.priorities import in_background
from inference.worker.protocol import InferenceError
from inference.worker.residency import Residency, Resident, TooLarge
from inference.worker.weight_files import size_in_memory
from inference.worker.weights import WeightsDamaged, WeightStore, WeightsUnavailable

log = logging.getLogger(__name__)

_DOWNLOAD_RETRY_SECONDS = 5


class State(StrEnum):
    READY = "ready"  # in memory
    AVAILABLE = "available"  # weights here, loaded when asked for
    DOWNLOADING = "downloading"
    MISSING = "missing"  # weights not here; they may be fetched
    UNAVAILABLE = "unavailable"  # there is a reason why they cannot be had or used


@dataclass
class ModelRecord:
    """One hosted model of the catalogue in this worker. ``progress`` (0..1) is known only of some downloads."""

    spec: ModelSpec
    state: State = State.MISSING
    progress: float | None = None
    reason: str | None = None
    broken: bool = False  # its weights were here and could not be loaded: not tried again before a restart
    wanted: bool = False  # from the start, and not loaded yet
    fetching: bool = False  # by this process
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModelRegistry:
    """Belongs to one event loop. All that reads files, downloads or loads runs in threads."""

    def __init__(
        self,
        devices: Devices,
        store: WeightStore,
        residency: Residency,
        models: Iterable[ModelSpec] = CATALOGUE.values(),
    ) -> None:
        self._devices = devices
        self._store = store
        self._residency = residency
        self._records = {spec.name: ModelRecord(spec, wanted=spec.preload) for spec in models if not spec.is_external}
        self._fetching: set[asyncio.Task[None]] = set()
        # The threads that a model's runs share with their callers' are started while it is loaded, and stay what the
        # loading thread is. They work for imports too, and may not take the cores from the processes that serve.
        self._loading = ThreadPoolExecutor(thread_name_prefix="load", initializer=in_background)

    async def start(self) -> None:
        """Look at what is on the disk, then fetch and load the models that are wanted from the start."""
        for record in self._records.values():
            await self._look(record)
        await asyncio.gather(*(self._fetch_and_load(record) for record in self._records.values() if record.wanted))

    @contextlib.asynccontextmanager
    async def using(self, spec: ModelSpec) -> AsyncIterator[Resident]:
        """The model in memory, where it stays meanwhile; loaded first if its weights are on the disk.

        Raises ``InferenceError`` 503 with the reason when they are not, and while they are being downloaded.
        """
        resident = self._residency.enter(spec.name) or await self._load_for(self._records[spec.name])
        try:
            yield resident
        finally:
            await self._residency.leave(resident)

    async def describe(self) -> list[dict[str, Any]]:
        """Every model's name, state, progress and reason, as the disk is now."""
        described = []
        for record in self._records.values():
            ready = record.spec.name in self._residency
            if not ready:
                await self._look(record)
            described.append(
                {
                    "name": record.spec.name,
                    "state": State.READY if ready else record.state,
                    "progress": record.progress,
                    "reason": record.reason,
                }
            )
        return described

    async def is_ready(self) -> bool:
        """Whether every model that is wanted from the start has been loaded.

        One whose weights have appeared on the disk since (``manage.py models pull``) is loaded now.
        """
        for record in self._records.values():
            if record.wanted and not record.fetching:
                async with record.lock:
                    await self._look(record)
                    await self._load(record)
        return not any(record.wanted for record in self._records.values())

    def close(self) -> None:
        """End the downloads."""
        self._store.close()
        self._loading.shutdown(wait=False, cancel_futures=True)

    async def _load_for(self, record: ModelRecord) -> Resident:
        """The model for a request, loaded and entered."""
        name = record.spec.name
        if not record.fetching:
            async with record.lock:
                if name not in self._residency:
                    await self._look(record)
                    await self._load(record)
                if resident := self._residency.enter(name):
                    return resident
        if record.state is State.DOWNLOADING:
            sentence = f"Model {name} is being downloaded. Try again in a few seconds."
            raise InferenceError(503, "model_unavailable", sentence, retry_after=_DOWNLOAD_RETRY_SECONDS)
        raise InferenceError(503, "model_unavailable", f"Model {name} is not available here: {record.reason}")

    async def _look(self, record: ModelRecord) -> None:
        """Bring a record of a model that is not in memory up to date with the disk."""
        if record.broken or record.fetching:
            return
        try:
            found = families.needs_no_files(record.spec) or bool(await asyncio.to_thread(self._store.find, record.spec))
        except WeightsDamaged as damage:
            self._fetch_again(record, str(damage))
        except WeightsUnavailable as reason:
            record.state, record.reason = State.UNAVAILABLE, str(reason)
        else:
            record.progress = None
            if found:
                record.state, record.reason = State.AVAILABLE, None
            elif record.state is not State.UNAVAILABLE:  # what a failed download said stays
                await self._say_missing(record)

    async def _say_missing(self, record: ModelRecord) -> None:
        elsewhere, progress = await asyncio.to_thread(self._store.fetching, record.spec)
        if elsewhere:
            record.state, record.progress, record.reason = State.DOWNLOADING, progress, None
        elif self._store.offline:
            record.state, record.reason = State.UNAVAILABLE, self._store.offline_sentence(record.spec)
        else:
            record.state = State.MISSING
            record.reason = f"not downloaded; run `manage.py models pull {record.spec.name}`."

    def _fetch_again(self, record: ModelRecord, damage: str) -> None:
        """Weights that were here are broken: fetch them once more, beside everything else."""
        log.warning("the weights of %s are fetched again: %s", record.spec.name, damage)
        record.fetching, record.reason = True, damage
        task = asyncio.get_running_loop().create_task(self._fetch(record, afresh=True))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _fetch_and_load(self, record: ModelRecord) -> None:
        async with record.lock:
            if record.state in (State.MISSING, State.UNAVAILABLE) and not record.broken:
                await self._fetch(record)
            await self._load(record)

    async def _fetch(self, record: ModelRecord, *, afresh: bool = False) -> None:
        def show(progress: float | None) -> None:
            if progress is not None and int(progress * 10) > int((record.progress or 0) * 10):
                log.info("fetching the weights of %s: %d %%", record.spec.name, progress * 100)
            record.progress = progress

        record.state, record.progress, record.fetching = State.DOWNLOADING, None, True
        log.info("fetching the weights of %s", record.spec.name)
        try:
            await asyncio.to_thread(self._store.fetch, record.spec, show, afresh=afresh)
            record.state, record.reason = State.AVAILABLE, None
        except WeightsUnavailable as reason:
            record.state, record.reason = State.UNAVAILABLE, str(reason)
            log.warning("model %s is not available: %s", record.spec.name, reason)
        except OSError as error:
            record.state, record.reason = State.UNAVAILABLE, f"its weights could not be stored: {error}."
            log.exception("model %s could not be stored", record.spec.name)
        finally:
            record.progress, record.fetching = None, False

    async def _load(self, record: ModelRecord) -> None:
        """Load an available model; its record says why if that fails. The caller holds the record's lock."""
        spec = record.spec
        if record.state is not State.AVAILABLE or spec.name in self._residency:
            return
        folder = None if families.needs_no_files(spec) else await asyncio.to_thread(self._store.find, spec)
        size = size_in_memory(spec, folder)
        try:
            await self._residency.make_room(spec.name, size)
        except TooLarge as reason:
            record.state, record.reason, record.broken = State.UNAVAILABLE, str(reason), True
            return
        try:
            model = await asyncio.get_running_loop().run_in_executor(
                self._loading, families.load, spec, folder, self._devices
            )
        except BaseException as error:  # whatever the libraries raise for unusable files, and the end of the request
            await self._residency.give_up(size)
            if not isinstance(error, Exception):
                raise
            await self._explain_unusable(record, folder, error)
        else:
            self._residency.settle(spec.name, model, size)
            record.wanted = False

    async def _explain_unusable(self, record: ModelRecord, folder: Path | None, error: Exception) -> None:
        log.error("model %s could not be loaded", record.spec.name, exc_info=error)
        ours = folder is not None and self._store.is_cached(folder)
        if ours and (problems := await asyncio.to_thread(self._store.verify, record.spec)):
            self._fetch_again(record, f"its weights are damaged: {', '.join(problems)}.")
        else:
            record.state, record.broken = State.UNAVAILABLE, True
            record.reason = f"its weights could not be loaded: {error}"
