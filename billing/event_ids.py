"""Ids of usage events: UUIDs that begin with the event's time (RFC 9562), so that one key is unique for ever.

The ledger is partitioned by ranges of ids, which are months. That keeps the id alone the primary key (PostgreSQL
wants the partition key in it), and makes a duplicate of any age meet its original. ``tests`` compare with the SQL.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import randbits
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_SHIFT, _VARIANT_SHIFT = 76, 62
_VERSION_OF_EVENTS, _VERSION_OF_CORRECTIONS = 7, 8


def new_event_id(occurred_at: datetime) -> UUID:
    """A UUIDv7 of the event's own time, not of now."""
    return _id(milliseconds_of(occurred_at), randbits(74))


def compute_event_id(cluster_id: UUID, hour_start: datetime, kind: str) -> UUID:
    """The only id that an hour of a cluster can have: metering it again makes the same one."""
    digest = sha256(f"{cluster_id}/{hour_start:%Y-%m-%dT%H}/{kind}".encode()).digest()
    return repeatable_event_id(hour_start, digest)


def repeatable_event_id(occurred_at: datetime, digest: bytes) -> UUID:
    """The only id that a request of this time and ``digest`` (SHA-256) can have, however often it is sent."""
    return _id(milliseconds_of(occurred_at), int.from_bytes(digest) >> (256 - 74))


def correction_id(original: UUID) -> UUID:
    """The only id that a correction of the event can have: its own with version 8, so there is at most one."""
    changed = (_VERSION_OF_EVENTS ^ _VERSION_OF_CORRECTIONS) << _VERSION_SHIFT
    return UUID(int=original.int ^ changed)


def first_id(moment: datetime) -> UUID:
    """No event from ``moment`` on has a smaller id, and no event before its millisecond a larger one."""
    return UUID(int=milliseconds_of(moment) << 80)


def milliseconds_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _id(milliseconds: int, rest: int) -> UUID:
    """A UUIDv7 of the time with these 74 bits, of which 12 stand before the variant and 62 after it."""
    before, after = rest >> _VARIANT_SHIFT, rest & ((1 << _VARIANT_SHIFT) - 1)
    head = milliseconds << 80 | _VERSION_OF_EVENTS << _VERSION_SHIFT | before << 64
    return UUID(int=head | 0b10 << _VARIANT_SHIFT | after)


def carries_time(id: UUID, occurred_at: datetime) -> bool:
    """Whether the id is that of an event (not of a correction) of this time."""
    return id.int >> 80 == milliseconds_of(occurred_at) and id.version == _VERSION_OF_EVENTS
