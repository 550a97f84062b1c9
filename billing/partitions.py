"""The months of the usage ledger as partitions: made ahead, made on demand, and moved out when they are old.

The functions are in the database (migration 0003), so that whoever writes can make the partition that it needs.
"""

from collections.abc import Iterable

from django.db import connection

from billing.rules import Month

AHEAD = 3  # months for which partitions are made before they begin


def make_partitions(months: Iterable[Month]) -> list[Month]:
    """Make those that are missing, and return them. Raises IntegrityError for a month that was archived."""
    made = []
    with connection.cursor() as cursor:
        for month in sorted(set(months)):
            cursor.execute("SELECT billing_make_partition(%s)", [month.first_day])
            if cursor.fetchone() == (True,):
                made.append(month)
    return made


def make_partitions_ahead(now: Month) -> list[Month]:
    """Those of this month and the next ones. A task does this every hour, long before a month begins."""
    months = [now]
    while len(months) <= AHEAD:
        months.append(months[-1].following)
    return make_partitions(months)
