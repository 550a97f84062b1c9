"""Requests of this cloud's own that may be sent again after a crash, and are billed once however often they come.

The sender makes a UUIDv7 before the first attempt, keeps it, and sends it as ``Idempotency-Key``. The ids of the
request's usage events follow from it, and an id is in the ledger at most once, for ever.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from billing.event_ids import repeatable_event_id
from clusters.data_plane import CONSOLE_KEY_ID, IDEMPOTENCY_KEY, moment_of
from gateway.errors import Refused
from gateway.exchange import Exchange
from gateway.records import KeyRecord

OLDEST = timedelta(days=31)
_AHEAD = timedelta(minutes=1)  # of a clock of another machine


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that is the same whenever its key and its body are; ``occurred_at`` is when it was made first."""

    occurred_at: datetime
    digest: bytes

    def event_id(self, model_id: UUID) -> UUID:
        """The only id that this request's usage of a model can have."""
        return repeatable_event_id(self.occurred_at, sha256(self.digest + model_id.bytes).digest())


def repeatable_of(exchange: Exchange, key: KeyRecord, body: bytes) -> Repeatable | None:
    """What makes the request repeatable; None for everybody but the console, whose word on time is trusted.

    Raises Refused 400 for a key that is not a UUIDv7 of the last month.
    """
    sent = exchange.header(IDEMPOTENCY_KEY.lower().encode())
    if sent is None or key.id != CONSOLE_KEY_ID:
        return None
    try:
        idempotency_key = UUID(sent)
        occurred_at = moment_of(idempotency_key)
    except (ValueError, OverflowError):
        raise _not_a_key() from None
    now = datetime.now(UTC)
    if idempotency_key.version != 7 or not now - OLDEST <= occurred_at <= now + _AHEAD:
        raise _not_a_key()
    # With the body in it, a key that is used again for something else is billed again.
    return Repeatable(occurred_at, sha256(key.cluster.id.bytes + idempotency_key.bytes + body).digest())


def _not_a_key() -> Refused:
    return Refused(400, f"{IDEMPOTENCY_KEY} must be a UUIDv7 made in the last {OLDEST.days} days.")
