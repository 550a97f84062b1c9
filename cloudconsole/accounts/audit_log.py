"""Reading the audit log: the page's lines, and the same lines as a file."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from cloudconsole.accounts.audit_chain import moment_text
from cloudconsole.accounts.models import Account, AuditEvent

COLUMNS = (
    "sequence",
    "created_at",
    "actor_type",
    "actor_id",
    "actor_name",
    "action",
    "resource_type",
    "resource_id",
    "before",
    "after",
    "id",
    "account_id",
    "previous_hash",
    "hash",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class AuditFilter:
    """Which events: of an actor (part of the name), an action, a kind of resource; days are UTC, both included."""

    actor: str = ""
    action: str = ""
    resource_type: str = ""
    first_day: date | None = None
    last_day: date | None = None


def audit_events(account: Account, wanted: AuditFilter | None = None) -> QuerySet[AuditEvent]:
    """The account's events that pass the filter, in the order in which they happened."""
    wanted = wanted or AuditFilter()
    events = AuditEvent.objects.filter(account=account)
    if wanted.actor:
        events = events.filter(actor_name__icontains=wanted.actor)
    if wanted.action:
        events = events.filter(action=wanted.action)
    if wanted.resource_type:
        events = events.filter(resource_type=wanted.resource_type)
    if wanted.first_day:
        events = events.filter(created_at__gte=_midnight(wanted.first_day))
    if wanted.last_day:
        events = events.filter(created_at__lt=_midnight(wanted.last_day + timedelta(days=1)))
    return events.order_by("sequence")


def used_words(account: Account) -> tuple[list[str], list[str]]:
    """The actions and the kinds of resource that occur in the account's log, each in the order of the alphabet."""
    pairs = AuditEvent.objects.filter(account=account).values_list("action", "resource_type").distinct()
    actions, resource_types = zip(*pairs, strict=True) if pairs else ((), ())
    return sorted(set(actions)), sorted(set(resource_types))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@dataclass(frozen=True)
class AuditFormat:
    label: str
    content_type: str
    extension: str
    encode: Callable[[Iterator[AuditEvent]], Iterator[str]]


def _json_lines(events: Iterator[AuditEvent]) -> Iterator[str]:
    for event in events:
        yield json.dumps(_fields(event), ensure_ascii=False) + "\n"


def _csv(events: Iterator[AuditEvent]) -> Iterator[str]:
    """``before`` and ``after`` as JSON; names that a spreadsheet would run as a formula get an apostrophe in front."""
    yield _csv_line(COLUMNS)
    for event in events:
        yield _csv_line([_csv_value(value) for value in _fields(event).values()])


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()


def _csv_value(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _fields(event: AuditEvent) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in COLUMNS}
    return fields | {
        "created_at": moment_text(event.created_at),
        "id": str(event.pk),
        "account_id": str(event.account_id),
    }


FORMATS = {
    "csv": AuditFormat("CSV", "text/csv; charset=utf-8", "csv", _csv),
    "jsonl": AuditFormat("JSON Lines", "application/jsonl", "jsonl", _json_lines),
}


def export_audit_log(account: Account, wanted: AuditFilter, format: str) -> Iterator[str]:
    """The log as text in one of ``FORMATS``, in pieces; rows are read as they are written."""
    return FORMATS[format].encode(audit_events(account, wanted).iterator())
