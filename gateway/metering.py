"""No answer without its bill, no bill without its answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from uuid import UUID

from billing.events import NewUsageEvent
from billing.ledger import LedgerUnavailable, LedgerWriter
from gateway.embedding import ModelUsage
from gateway.errors import Refused
from gateway.records import KeyRecord
from gateway.repeats import Repeatable
from inference.client import Kind

RETRY_SECONDS = 1.0
logger = logging.getLogger(__name__)


class _Answer(Protocol):
    @property
    def ok(self) -> bool: ...


Outcome = TypeVar("Outcome", bound=_Answer)


def usage_events(
    request_id: UUID, key: KeyRecord, used: Sequence[ModelUsage], kind: Kind, repeatable: Repeatable | None = None
) -> list[NewUsageEvent]:
    """One event per model, all of this request."""
    now = repeatable.occurred_at if repeatable else datetime.now(UTC)
    return [
        NewUsageEvent(
            request_id=request_id,
            account_id=key.cluster.account_id,
            cluster_id=key.cluster.id,
            model_id=usage.spec.id,
            api_key_id=key.id,
            kind=kind,
            tokens=usage.tokens,
            inputs=usage.inputs,
            occurred_at=now,
            **({"id": repeatable.event_id(usage.spec.id)} if repeatable else {}),
        )
        for usage in used
    ]


class Meter:
    """Ties the answers of clusters to the ledger. Belongs to one event loop."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger
        self._taking_back: set[asyncio.Task[None]] = set()

    def check_available(self) -> None:
        """Raises Refused 503 while the ledger cannot be written: before any work is done."""
        if not self._ledger.healthy:
            raise _unmetered()

    async def run(
        self,
        kind: Kind,
        events: Sequence[NewUsageEvent],
        work: Callable[[], Awaitable[Outcome]],
        *,
        comes_again: bool = False,
    ) -> Outcome:
        """The cluster's answer, billed if it is good.

        A write is recorded once the cluster has accepted it; a search while the cluster works on it, and taken
        back if that fails. What ``comes_again`` with the same events is never taken back: it would stay unbilled.
        Raises Refused 503 when the events could not be recorded.
        """
        recording = asyncio.ensure_future(self._ledger.record(events)) if kind == "search" else None
        try:
            answer = await work()
            if answer.ok:
                await (recording or self._ledger.record(events))
        except LedgerUnavailable as error:
            if not comes_again:
                self._take_back_later(events)  # it may have been recorded all the same, and will not be answered
            raise _unmetered() from error
        except BaseException:
            if recording:
                self._take_back_later(events, recording)
            raise
        if not answer.ok and recording:
            await asyncio.wait({self._take_back_later(events, recording)}, timeout=RETRY_SECONDS)
        return answer

    async def close(self) -> None:
        """Give corrections that still wait a last moment."""
        if self._taking_back:
            await asyncio.wait(self._taking_back, timeout=2)
        for task in self._taking_back:
            task.cancel()

    def _take_back_later(
        self, events: Sequence[NewUsageEvent], recording: "asyncio.Future[None] | None" = None
    ) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._take_back(events, recording))
        self._taking_back.add(task)
        task.add_done_callback(self._taking_back.discard)
        return task

    async def _take_back(self, events: Sequence[NewUsageEvent], recording: "asyncio.Future[None] | None") -> None:
        """Void the events, however long the ledger is away: nobody may pay for a request that failed."""
        if recording:
            await asyncio.gather(recording, return_exceptions=True)
        while True:
            try:
                return await self._ledger.void(events)
            except LedgerUnavailable:
                logger.warning("usage of failed request %s waits to be taken back", events[0].request_id)
                await asyncio.sleep(RETRY_SECONDS)


def _unmetered() -> Refused:
    return Refused(
        503, "Usage cannot be recorded right now, so inference is paused. Try again in a few seconds.", retry_after=2
    )
