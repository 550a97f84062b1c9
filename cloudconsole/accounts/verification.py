"""Checking the audit log: does every account's chain hang together, from its first event to its head?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Exists, F, OuterRef, Q

from cloudconsole.accounts.audit_chain import NOTHING_BEFORE, event_hash
from cloudconsole.accounts.models import Account, AuditChain, AuditEvent


@dataclass
class AuditVerdict:
    """What was found in one account's log. ``head`` is the hash of its last event."""

    account: Account
    events: int = 0
    head: str = NOTHING_BEFORE
    problems: list[str] = field(default_factory=list)


def accounts_with_a_log(account: Account | None = None) -> Iterator[Account]:
    """The accounts to check: this one, or all that have events or ever had."""
    if account is not None:
        yield account
        return
    logged = Q(Exists(AuditEvent.objects.filter(account=OuterRef("pk")))) | Q(audit_chain__isnull=False)
    yield from Account.objects.filter(logged).order_by("created_at", "id")


def verify_audit_log(account: Account) -> AuditVerdict:
    """Walk an account's log and compare every event with its hash, its place, and the one before it.

    Safe while others append: events and head are read by one statement, which sees one state of the database.
    """
    verdict = AuditVerdict(account)
    length_before, head_length, head = _length(account), 0, NOTHING_BEFORE
    events = AuditEvent.objects.filter(account=account).annotate(
        chain_length=F("account__audit_chain__length"), chain_head=F("account__audit_chain__head")
    )
    expected = 1
    for event in events.order_by("sequence").iterator():
        head_length, head = event.chain_length or 0, event.chain_head or NOTHING_BEFORE
        verdict.problems += _problems_of(event, expected, verdict.head)
        verdict.events += 1
        verdict.head = event.hash
        expected = event.sequence + 1
    if not verdict.events:
        if length_before:
            verdict.problems.append(f"All of its {length_before} events are gone.")
    elif (expected - 1, verdict.head) != (head_length, head):
        verdict.problems.append(
            f"The log ends with event {expected - 1}, its head says {head_length}: "
            "events at the end were removed or added, or the head was changed."
        )
    return verdict


def _length(account: Account) -> int:
    chain = AuditChain.objects.filter(account=account).first()
    return chain.length if chain else 0


def _problems_of(event: AuditEvent, expected: int, previous_hash: str) -> list[str]:
    name = f"Event {event.sequence}"
    problems = []
    if event.sequence != expected:
        problems.append(f"{name} stands where event {expected} should be: events were removed.")
    elif event.previous_hash != previous_hash:
        problems.append(f"{name} does not follow the event before it: events were exchanged, or that one was changed.")
    if event.hash != event_hash(event):
        problems.append(f"{name} ({event.action} {event.resource_type} {event.resource_id}) was changed.")
    return problems
