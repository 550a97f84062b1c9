"""The writer of the usage ledger: the events of all requests in flight share one commit.

One INSERT is on its way at a time; what arrives meanwhile forms the next one. A connection of its own instead
of a pool: one is all that group commit needs, and a pool's growing pauses between attempts would keep the
ledger away long after PostgreSQL is back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import orjson
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import CheckViolation, RestrictViolation

from billing.events import LedgerRow, NewUsageEvent, correction_of
from billing.rules import Month

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 3.0  # from record() to LedgerUnavailable
LONGEST_PAUSE_SECONDS = 0.5  # between two attempts while PostgreSQL is away
MAX_WAITING_ROWS = 50_000
MAX_ROWS_PER_COMMIT = 2_000

# A row is there already if its id is; an event has only one id that its correction can have.
# One parameter of JSON and a statement that is planned once: of arrays the gateway took longer to write each column
# than the database to insert a row, and a search waits for it.
_INSERT = """
INSERT INTO billing_usageevent (
    id, request_id, account_id, cluster_id, model_id, api_key_id, kind, tokens, inputs, occurred_at, corrects_id,
    recorded_at
)
SELECT new.*, now()
FROM json_to_recordset(%s::json) AS new(
    id uuid, request_id uuid, account_id uuid, cluster_id uuid, model_id uuid, api_key_id uuid,
    kind text, tokens bigint, inputs bigint, occurred_at timestamptz, corrects_id uuid
)
ON CONFLICT DO NOTHING
"""
_MAKE_PARTITION = "SELECT billing_make_partition(%s)"
_SESSION = "SET synchronous_commit = on; SET statement_timeout = '10s'"


class LedgerUnavailable(Exception):
    """The ledger did not confirm the events in time. They may be in it or not, but never twice."""


@dataclass(slots=True)
class _Waiting:
    """One caller's rows, and the future it waits on."""

    rows: list[LedgerRow]
    recorded: asyncio.Future[None]
    deadline: float


class LedgerWriter:
    """Records usage events. One per process and event loop; ``record`` and ``void`` may be called concurrently."""

    def __init__(self, conninfo: str) -> None:
        """``conninfo`` as libpq takes it; see ``database_conninfo``."""
        self._conninfo = conninfo
        self._connection: AsyncConnection[Any] | None = None
        self._queue: deque[_Waiting] = deque()
        self._rows_in_queue = 0
        self._something_to_do = asyncio.Event()
        self._healthy = False
        self._failures_in_a_row = 0
        self._writing: asyncio.Task[None] | None = None
        self._given_up: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._archived: set[Month] = set()

    @property
    def healthy(self) -> bool:
        """Whether the last attempt reached a ledger that can be written. Costs nothing: ask before every request."""
        return self._healthy

    async def start(self) -> None:
        """Try to reach the ledger, for a few seconds at most. Starts without it too, with ``healthy`` False."""
        await self._attempt(self._insert([]), seconds=DEADLINE_SECONDS)
        self._writing = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Take no more events, write what waits (or tell its callers that it could not be), disconnect."""
        self._stopping = True
        self._something_to_do.set()
        if self._writing is not None:
            await self._writing
        for attempt in self._given_up:
            attempt.cancel()
        if self._given_up:
            await asyncio.wait(self._given_up, timeout=1)
        if self._connection is not None:
            await self._connection.close()

    async def record(self, events: Sequence[NewUsageEvent]) -> None:
        """Return once the events are committed; repeating an event changes nothing.

        A caller that is cancelled does not take its events back. Raises ``LedgerUnavailable`` within about
        ``DEADLINE_SECONDS`` when the database does not confirm them.
        """
        await self._enqueue([LedgerRow(event) for event in events])

    async def void(self, events: Sequence[NewUsageEvent]) -> None:
        """Take the events back with correction rows; return once these are committed. Idempotent.

        Writes the originals again too (the ledger drops those it has): so the pair nets to zero whether
        ``record`` succeeded, failed, or was given up and is still on its way. Raises ``LedgerUnavailable``.
        """
        await self._enqueue([LedgerRow(event) for event in events] + [correction_of(event) for event in events])

    async def _enqueue(self, rows: list[LedgerRow]) -> None:
        if not rows:
            return
        if self._writing is None or self._stopping:
            raise LedgerUnavailable("The usage ledger is not open.")
        if self._rows_in_queue + len(rows) > MAX_WAITING_ROWS:
            raise LedgerUnavailable("Too many usage events wait for the ledger.")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows, loop.create_future(), loop.time() + DEADLINE_SECONDS)
        self._queue.append(waiting)
        self._rows_in_queue += len(rows)
        self._something_to_do.set()
        await waiting.recorded

    async def _write(self) -> None:
        try:
            await self._write_until_stopped()
        except Exception:
            logger.exception("the usage ledger stopped by a mistake of its own")
        finally:  # whatever ended it: nobody waits for ever, and nothing is served unmetered
            self._stopping, self._healthy = True, False
            self._dequeue(list(self._queue), LedgerUnavailable("The usage ledger has stopped."))

    async def _write_until_stopped(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue or not self._stopping:
            self._refuse_overdue()
            if batch := self._next_batch():
                rows = [row for waiting in batch for row in waiting.rows]
                if await self._attempt(self._insert(rows), seconds=batch[0].deadline - loop.time()):
                    self._dequeue(batch)
            elif self._healthy:
                self._something_to_do.clear()
                await self._something_to_do.wait()
                continue
            else:
                await self._attempt(self._insert([]), seconds=DEADLINE_SECONDS)
            if self._failures_in_a_row:
                await self._pause()

    def _next_batch(self) -> list[_Waiting]:
        """Callers from the head of the queue; always one if there is any, however many rows it has."""
        batch: list[_Waiting] = []
        rows = 0
        for waiting in self._queue:
            rows += len(waiting.rows)
            if batch and rows > MAX_ROWS_PER_COMMIT:
                break
            batch.append(waiting)
        return batch

    def _dequeue(self, callers: Sequence[_Waiting], error: LedgerUnavailable | None = None) -> None:
        """Take callers off the head of the queue and wake them; some may have been cancelled meanwhile."""
        for waiting in callers:
            self._queue.popleft()
            self._rows_in_queue -= len(waiting.rows)
            if waiting.recorded.done():
                continue
            if self._archived and any(Month.of(row.event.occurred_at) in self._archived for row in waiting.rows):
                waiting.recorded.set_exception(LedgerUnavailable("The usage of that month is archived."))
            elif error is None:
                waiting.recorded.set_result(None)
            else:
                waiting.recorded.set_exception(error)

    def _refuse_overdue(self) -> None:
        now = asyncio.get_running_loop().time()
        overdue = list(takewhile(lambda waiting: waiting.deadline <= now, self._queue))
        if overdue:
            self._healthy = False
            self._dequeue(overdue, LedgerUnavailable("The usage ledger cannot be written right now."))

    async def _pause(self) -> None:
        """Longer after every failure, none after the first: that one may only have found a stale connection."""
        seconds = min(LONGEST_PAUSE_SECONDS, 0.2 * (self._failures_in_a_row - 1))
        if self._queue:
            seconds = min(seconds, self._queue[0].deadline - asyncio.get_running_loop().time())
        await asyncio.sleep(max(0.0, seconds))

    async def _attempt(self, work: Coroutine[Any, Any, None], *, seconds: float) -> bool:
        """Whether ``work`` succeeded in time. It is left behind when it does not answer, never waited for."""
        task = asyncio.create_task(work)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
        if done and task.exception() is None:
            if not self._healthy:
                logger.info("the usage ledger can be written")
            self._healthy, self._failures_in_a_row = True, 0
            return True
        if not done:
            task.cancel()
            self._given_up.add(task)
            task.add_done_callback(self._forget)
        self._failures_in_a_row += 1
        if self._healthy and self._failures_in_a_row > 1:
            logger.warning("the usage ledger cannot be written: %s", task.exception() if done else "no answer")
            self._healthy = False
        return False

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it any more; unread, asyncio would log it as lost

    async def _insert(self, rows: list[LedgerRow]) -> None:
        """Commit the rows; none at all tells whether the ledger could be written."""
        # In one order everywhere, so that two writers of the same events wait for each other but never deadlock.
        rows.sort(key=lambda row: (row.corrects is not None, row.corrects or row.event.id))
        connection, self._connection = self._connection or await self._connect(), None
        try:
            try:
                await connection.execute(_INSERT, [_json(rows)])
            except CheckViolation:  # there is no partition for one of them
                await self._make_partitions(connection, {Month.of(row.event.occurred_at) for row in rows})
                taken = [row for row in rows if Month.of(row.event.occurred_at) not in self._archived]
                await connection.execute(_INSERT, [_json(taken)])
        except BaseException:
            await connection.close()
            raise
        self._connection = connection  # kept only when all went well

    async def _make_partitions(self, connection: AsyncConnection[Any], months: set[Month]) -> None:
        """Those that are missing. An archived month takes nothing more: its callers are refused, not the others."""
        for month in sorted(months):
            try:
                await connection.execute(_MAKE_PARTITION, [month.first_day])
            except RestrictViolation:
                self._archived.add(month)

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=int(DEADLINE_SECONDS)
        )
        try:
            await connection.execute(_SESSION)
        except BaseException:
            await connection.close()
            raise
        return connection


def _json(rows: Sequence[LedgerRow]) -> str:
    return orjson.dumps([row.columns for row in rows]).decode()


def database_conninfo() -> str:
    """The libpq connection string of Django's default database (the test database under pytest)."""
    from django.db import connection

    not_for_libpq = {"context", "cursor_factory", "prepare_threshold"}
    parameters = connection.get_connection_params()
    return make_conninfo(**{name: value for name, value in parameters.items() if name not in not_for_libpq})
