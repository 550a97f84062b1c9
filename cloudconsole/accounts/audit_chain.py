"""How events of the audit log hang together: each carries a hash over itself and the hash of the one before it.

Whoever edits, removes, adds or reorders a row breaks the chain at that place. The hashes are plain SHA-256 over a
documented text, so an exported log can be checked by anybody, without our keys.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

NOTHING_BEFORE = ""  # the previous hash of an account's first event
HASHED = (
    "account_id",
    "sequence",
    "previous_hash",
    "id",
    "created_at",
    "actor_type",
    "actor_id",
    "actor_name",
    "action",
    "resource_type",
    "resource_id",
    "before",
    "after",
)


def event_hash(event: Any) -> str:
    """SHA-256, in hexadecimal, of the event's ``HASHED`` fields as JSON: UTF-8, keys sorted, no spaces.

    Ids are text, moments are written by ``moment_text``.
    """
    fields = {name: _text(getattr(event, name)) for name in HASHED}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def moment_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def plain(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """``before`` or ``after`` in JSON's own types, exactly as the database will give it back.

    Fractions become text: jsonb keeps numbers as decimals and may give another number back.
    """
    if value is None:
        return None
    loaded: dict[str, Any] = json.loads(json.dumps(value, cls=DjangoJSONEncoder), parse_float=str)
    return loaded


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment_text(value)
    return str(value) if isinstance(value, UUID) else value
