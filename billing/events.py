"""What the gateway hands to the ledger: one event per request and model."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from billing.event_ids import carries_time, correction_id, new_event_id

_NO_ID = UUID(int=0)
LARGEST_AMOUNT = 10**12  # no request comes near it, and sums stay far from the end of 64 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUsageEvent:
    """Tokens that one model processed for one request, about to be recorded.

    ``id`` (a UUIDv7 of the time it occurred) is the idempotency key: a ledger holds it at most once, for ever.
    Made here unless given. ``tokens`` are those the model processed, ``inputs`` the texts or images they came from;
    ``occurred_at`` decides month and price.
    Raises ``ValueError`` for anything the database would refuse: one bad row would spoil the commit that it
    shares with other requests.
    """

    request_id: UUID
    account_id: UUID
    cluster_id: UUID
    model_id: UUID
    api_key_id: UUID
    kind: Literal["update", "search"]
    tokens: int
    inputs: int
    occurred_at: datetime
    id: UUID = field(default=_NO_ID)

    def __post_init__(self) -> None:
        if self.kind not in ("update", "search"):
            raise ValueError(f"A usage event is of kind update or search, not {self.kind!r}.")
        if not (0 <= self.tokens <= LARGEST_AMOUNT and 0 <= self.inputs <= LARGEST_AMOUNT):
            raise ValueError("Tokens and inputs of a usage event are whole numbers from 0 to 10^12.")
        if self.occurred_at.utcoffset() is None:
            raise ValueError("A usage event needs a time with a time zone.")
        if self.id == _NO_ID:
            object.__setattr__(self, "id", new_event_id(self.occurred_at))
        elif not carries_time(self.id, self.occurred_at):
            raise ValueError("The id of a usage event is a UUIDv7 of the time when it occurred.")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row as it is inserted; a correction negates the event whose id is in ``corrects``."""

    event: NewUsageEvent
    corrects: UUID | None = None

    @property
    def columns(self) -> dict[str, object]:
        """The row's columns by name."""
        event, sign = self.event, 1 if self.corrects is None else -1
        return {
            "id": event.id if self.corrects is None else correction_id(self.corrects),
            "request_id": event.request_id,
            "account_id": event.account_id,
            "cluster_id": event.cluster_id,
            "model_id": event.model_id,
            "api_key_id": event.api_key_id,
            "kind": event.kind,
            "tokens": sign * event.tokens,
            "inputs": sign * event.inputs,
            "occurred_at": event.occurred_at,
            "corrects_id": self.corrects,
        }


def correction_of(event: NewUsageEvent) -> LedgerRow:
    """The row that takes ``event`` back: same time, so it falls into the same month at the same price."""
    return LedgerRow(event, corrects=event.id)
