"""Clients that ask again and again, and how long they waited."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Waited:
    """How long each request took, over how many seconds in all."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def add(self, latencies: list[float]) -> None:
        """Requests that one client sent one after the other."""
        self.latencies += latencies
        self.seconds += sum(latencies)

    def quantile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


async def drive(clients: int, items: Iterator[Any], ask: Callable[[Any], Awaitable[None]], seconds: float) -> Waited:
    """``ask`` of each item in turn by so many clients at once, until the items or the seconds run out."""
    waited = Waited()
    begun = time.perf_counter()

    async def client() -> None:
        for item in items:
            sent = time.perf_counter()
            await ask(item)
            waited.latencies.append(time.perf_counter() - sent)
            if time.perf_counter() - begun > seconds:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    waited.seconds = time.perf_counter() - begun
    return waited
