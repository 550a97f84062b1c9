# ruff: noqa: S608 - statements are put together from constants of this file; values go in as parameters
"""Hourly sums of the ledger, kept current by a task every second and rebuilt from the ledger at any time.

They hold every event up to a number (``RollupProgress.through_seq``) and none after it. To find such a number, a
*barrier* waits for the inserts on their way and lets none begin for a moment: then whatever got a smaller number is
committed, and whatever comes later gets a larger one. Readers add the events above it, so nobody ever sees too little.
"""

from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from billing.models import ArchivedMonth, RollupProgress, UsageRollup
from billing.rules import Month

BARRIER_TIMEOUT = "500ms"  # how long inserts on their way may take; after that, another time

_KEY = "account_id, hour_start, cluster_id, model_id, api_key_id, package_id, kind"
_ROLL_UP = f"""
INSERT INTO billing_usagerollup AS rollup ({_KEY}, tokens, inputs, hours, events, updated_seq)
SELECT account_id, date_trunc('hour', occurred_at, 'UTC') AS hour_start, cluster_id, model_id, api_key_id, package_id,
    kind, sum(tokens), sum(inputs), sum(hours), sum(CASE WHEN corrects_id IS NULL THEN 1 ELSE -1 END), %(through)s
FROM billing_usageevent WHERE seq > %(after)s AND seq <= %(through)s
GROUP BY {_KEY}
ON CONFLICT ({_KEY}) DO UPDATE SET
    tokens = rollup.tokens + excluded.tokens, inputs = rollup.inputs + excluded.inputs,
    hours = rollup.hours + excluded.hours, events = rollup.events + excluded.events,
    updated_seq = excluded.updated_seq
"""


class LedgerBusy(Exception):
    """An insert took longer than the barrier waits."""


def barrier() -> int:
    """A number that no event still to be committed is at or below. Raises ``LedgerBusy``."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{BARRIER_TIMEOUT}'")
            cursor.execute("LOCK TABLE ONLY billing_usageevent IN SHARE MODE")
            cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM billing_usageevent_seq")
            return int(cursor.fetchone()[0])
    except OperationalError as error:
        raise LedgerBusy("Inserts into the usage ledger take long right now.") from error


def update_rollups() -> int:
    """Take in what was recorded since the last time; return up to which number. Any number may run at once."""
    through = barrier()
    with transaction.atomic():
        RollupProgress.objects.get_or_create(pk=1)
        progress = RollupProgress.objects.select_for_update().get(pk=1)
        if through > progress.through_seq:
            _roll_up(after=progress.through_seq, through=through)
            progress.through_seq = through
        progress.updated_at = timezone.now()
        progress.save()
        return progress.through_seq


def rebuild_rollups() -> int:
    """Forget the sums and make them again from the ledger; those of archived months stay. Returns the number of rows.

    Readers see the old ones until the new ones are complete.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('billing_usageevent_seq')")  # so that all rows look new (month_tally)
    through = barrier()
    with transaction.atomic():
        RollupProgress.objects.get_or_create(pk=1)
        progress = RollupProgress.objects.select_for_update().get(pk=1)
        _of_months_in_the_database().delete()
        _roll_up(after=0, through=through)
        progress.through_seq = through
        progress.save()
    return UsageRollup.objects.count()


def _of_months_in_the_database() -> Any:
    rollups = UsageRollup.objects.all()
    for archived in ArchivedMonth.objects.all():
        month = Month.of_day(archived.month)
        rollups = rollups.exclude(hour_start__gte=month.start, hour_start__lt=month.end)
    return rollups


def _roll_up(*, after: int, through: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_UP, {"after": after, "through": through})
