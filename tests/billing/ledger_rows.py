"""The ledger's rows put there, repeated, taken back and wiped, without a ledger."""

from dataclasses import asdict

from django.db import connection

from billing.event_ids import correction_id
from billing.events import NewUsageEvent
from billing.models import UsageEvent
from billing.partitions import make_partitions
from billing.rules import Month


def wipe() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE billing_usageevent, billing_usagerollup, billing_rollupprogress, billing_statementline, "
            "billing_creditdrawdown, billing_statement, billing_billingprogress, billing_discount, "
            "billing_meteredcluster, clusters_computeperiod"
        )


def record(events: list[NewUsageEvent]) -> None:
    """As the ledger writes: what is there already is left alone."""
    replay([UsageEvent(**asdict(event)) for event in events])


def take_back(events: list[NewUsageEvent]) -> None:
    record(events)
    replay(
        [
            UsageEvent(
                **asdict(event) | {"id": correction_id(event.id), "tokens": -event.tokens, "inputs": -event.inputs},
                corrects_id=event.id,
            )
            for event in events
        ]
    )


def replay(rows: list[UsageEvent]) -> None:
    make_partitions({Month.of(row.occurred_at) for row in rows})
    copies = []
    for row in rows:
        values = {field.attname: getattr(row, field.attname) for field in UsageEvent._meta.concrete_fields}
        del values["seq"]
        copies.append(UsageEvent(**values))
    UsageEvent.objects.bulk_create(copies, ignore_conflicts=True)
