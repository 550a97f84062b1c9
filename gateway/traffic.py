"""Counting what the gateway answers for each cluster: added up in memory, written down every few seconds.

Nothing ever waits for it. While the database is away the sums go on growing, up to a bound; what goes beyond it, and
what a killed gateway had not written yet, is lost.
"""

import asyncio
import contextlib
import logging
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from prometheus_client import Counter, Gauge, Histogram

from clusters.monitoring.recording import ADD_LINE, ADD_TRAFFIC
from clusters.monitoring.rules import BOUNDS, BUCKETS

FLUSH_SECONDS = 5.0
MOST_PERIODS = 50_000  # cluster minutes that wait to be written
MOST_LINES = 100  # of one cluster between two flushes
_TIMEOUT_SECONDS = 5
_LONGEST_LINE = 2_000
logger = logging.getLogger(__name__)

REQUESTS = Counter("cloudconsole_gateway_requests", "Requests answered", ["transport", "outcome"])
LATENCY = Histogram("cloudconsole_gateway_seconds", "From request to answer", ["transport"], buckets=BOUNDS)
_COUNTERS = {
    (transport, failed): REQUESTS.labels(transport, "failed" if failed else "answered")
    for transport in ("rest", "grpc")
    for failed in (False, True)
}
_LATENCIES = {transport: LATENCY.labels(transport) for transport in ("rest", "grpc")}
LOST = Counter("cloudconsole_gateway_lost_samples", "Samples and lines that were never written down")
WAITING = Gauge("cloudconsole_gateway_waiting_samples", "Cluster minutes that wait to be written down")


@dataclass(slots=True)
class _Sums:
    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    histogram: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, other: "_Sums") -> None:
        self.requests += other.requests
        self.failures += other.failures
        self.seconds += other.seconds
        self.histogram = [a + b for a, b in zip(self.histogram, other.histogram, strict=True)]


_Period = tuple[UUID, datetime]  # a cluster and the start of a minute


class Traffic:
    """Belongs to one event loop; ``count`` and ``note`` only add in memory."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._sums: OrderedDict[_Period, _Sums] = OrderedDict()
        self._lines: defaultdict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
        self._left_out: defaultdict[UUID, int] = defaultdict(int)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._flushing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write down what is counted."""
        self._flushing = asyncio.create_task(self._flush_now_and_then())

    async def stop(self) -> None:
        """Write down the rest, if that is possible."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._flush()
        if self._connection is not None:
            await self._connection.close()

    def count(self, transport: str, cluster_id: UUID | None, seconds: float, *, failed: bool) -> None:
        """One request was answered; ``failed`` by a mistake of ours or the cluster's, not of its caller."""
        _COUNTERS[transport, failed].inc()
        _LATENCIES[transport].observe(seconds)
        if cluster_id is None:
            return
        sums = self._sums_of((cluster_id, datetime.now(UTC).replace(second=0, microsecond=0)))
        sums.requests += 1
        sums.failures += failed
        sums.seconds += seconds
        sums.histogram[bisect_left(BOUNDS, seconds)] += 1

    def note(self, cluster_id: UUID, message: str) -> None:
        """A line for the cluster's log. Of a flood only the first lines are kept, and how many were left out."""
        lines = self._lines[cluster_id]
        if len(lines) < MOST_LINES:
            lines.append((datetime.now(UTC), message[:_LONGEST_LINE]))
        else:
            self._left_out[cluster_id] += 1

    def _sums_of(self, period: _Period) -> _Sums:
        sums = self._sums.get(period)
        if sums is None:
            sums = self._sums[period] = _Sums()
            if len(self._sums) > MOST_PERIODS:
                self._sums.popitem(last=False)
                LOST.inc()
        return sums

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        sums, self._sums = self._sums, OrderedDict()
        lines, self._lines = self._lines, defaultdict(list)
        left_out, self._left_out = self._left_out, defaultdict(int)
        if not (sums or lines):
            return
        try:
            await asyncio.wait_for(self._write(sums, _rows(lines, left_out)), _TIMEOUT_SECONDS)
        except (psycopg.Error, OSError, TimeoutError) as error:
            logger.warning("traffic not written down, trying again: %s", error)
            await self._disconnect()
            self._take_back(sums)
            LOST.inc(sum(map(len, lines.values())))
        WAITING.set(len(self._sums))

    def _take_back(self, sums: OrderedDict[_Period, _Sums]) -> None:
        for period, one in sums.items():
            self._sums_of(period).add(one)

    async def _write(self, sums: OrderedDict[_Period, _Sums], lines: list[tuple[UUID, datetime, str]]) -> None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._conninfo, prepare_threshold=None, connect_timeout=_TIMEOUT_SECONDS
            )
        # In one order everywhere, so that two gateways wait for each other but never deadlock.
        rows = [
            (cluster_id, at, one.requests, one.failures, one.seconds, one.histogram)
            for (cluster_id, at), one in sorted(sums.items(), key=lambda item: item[0])
        ]
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            if rows:
                await cursor.executemany(ADD_TRAFFIC, rows)
            if lines:
                await cursor.executemany(ADD_LINE, lines)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()


def _rows(lines: dict[UUID, list[tuple[datetime, str]]], left_out: dict[UUID, int]) -> list[tuple[UUID, datetime, str]]:
    rows = [(cluster_id, at, message) for cluster_id, some in lines.items() for at, message in some]
    now = datetime.now(UTC)
    return rows + [(cluster_id, now, f"{count} more lines were left out") for cluster_id, count in left_out.items()]
