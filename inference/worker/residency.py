"""Which models are in memory: who uses them, and which go when another one needs their room."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from inference.worker.metrics import Metrics
from inference.worker.queues import ModelQueue
from inference.worker.scheduler import Scheduler

log = logging.getLogger(__name__)


class TooLarge(Exception):
    """A model's weights are larger than all the memory allowed; the message says so."""


@dataclass
class Resident:
    """A loaded model. ``size``: bytes of its weights. ``users`` are requests that need it to stay."""

    name: str
    model: Any
    queue: ModelQueue
    size: int
    users: int = 0
    used: float = 0.0


class Residency:
    """Belongs to one event loop. At no time do the weights in it take more than ``limit`` bytes."""

    def __init__(self, limit: int, scheduler: Scheduler, metrics: Metrics) -> None:
        self._limit = limit
        self._scheduler = scheduler
        self._metrics = metrics
        self._residents: dict[str, Resident] = {}
        self._reserved = 0
        self._changed = asyncio.Condition()

    def __contains__(self, name: str) -> bool:
        return name in self._residents

    def enter(self, name: str) -> Resident | None:
        """The model, kept in memory until ``leave``; None when it is not there."""
        resident = self._residents.get(name)
        if resident is not None:
            resident.users += 1
            resident.used = time.monotonic()
        return resident

    async def leave(self, resident: Resident) -> None:
        """The request is done."""
        resident.users -= 1
        if resident.users == 0:
            async with self._changed:
                self._changed.notify_all()

    async def make_room(self, name: str, size: int) -> None:
        """Set ``size`` bytes aside for a model that is about to be loaded, unloading others that nobody uses.

        Waits while all are in use. Raises ``TooLarge`` if there can never be room.
        """
        if size > self._limit:
            raise TooLarge(f"its weights take {_mb(size)} MB, and INFERENCE_MEMORY_MB allows {_mb(self._limit)}.")
        async with self._changed:
            while self._taken() + size > self._limit:
                idle = [resident for resident in self._residents.values() if resident.users == 0]
                if idle:
                    self._unload(min(idle, key=lambda resident: resident.used), name)
                else:
                    await self._changed.wait()
            self._reserved += size

    async def give_up(self, size: int) -> None:
        """The model for which room was made could not be loaded."""
        async with self._changed:
            self._reserved -= size
            self._changed.notify_all()

    def settle(self, name: str, model: Any, size: int) -> None:
        """The model for which room was made is loaded."""
        self._reserved -= size
        queue = self._scheduler.add_model(name, model)
        self._residents[name] = Resident(name, model, queue, size, used=time.monotonic())
        self._measure()

    def _unload(self, resident: Resident, wanted: str) -> None:
        del self._residents[resident.name]
        self._scheduler.remove_model(resident.queue)
        self._metrics.unloaded.inc()
        self._measure()
        log.info("unloaded %s to make room for %s", resident.name, wanted)

    def _taken(self) -> int:
        return self._reserved + sum(resident.size for resident in self._residents.values())

    def _measure(self) -> None:
        self._metrics.loaded_models.set(len(self._residents))
        self._metrics.loaded_bytes.set(sum(resident.size for resident in self._residents.values()))


def _mb(size: int) -> int:
    return -(-size // 1_000_000)
