"""Closing what is over, for every account: by schedule and by ``manage.py close_months``."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from billing.cluster_hours import meter_cluster_hours
from billing.models import BillingProgress, Statement, UsageRollup
from billing.month_tally import statement_tally
from billing.rollups import LedgerBusy, update_rollups
from billing.rules import Month
from billing.statements import close_month, draft_current_month
from cloudconsole.accounts.models import Account

SETTLING = timedelta(hours=1)  # after a month's end: requests on their way at midnight, hours being metered


def close_finished_months(*, now: datetime, account: Account | None = None) -> list[Statement]:
    """Close every month that is over for an hour, of every account or of one; return the statements made.

    Repeating it changes nothing. An account whose turn fails does not keep the others from theirs: it comes again.
    """
    meter_cluster_hours(now=now)
    with suppress(LedgerBusy):  # they are a second old at most
        update_rollups()
    draft_current_month(Month.of(now))
    last = Month.of(now - SETTLING).previous
    made: list[Statement] = []
    for owner in _accounts_to_close(last, account):
        before = set(Statement.objects.filter(account=owner).exclude(number=None).values_list("pk", flat=True))
        try:
            close_month(account=owner, month=last)
        except LedgerBusy:
            continue
        new = Statement.objects.filter(account=owner).exclude(number=None).exclude(pk__in=before)
        for statement in new:
            statement_tally(statement, owner)  # now, and not when somebody looks at it
        made += new
    return made


def _accounts_to_close(last: Month, account: Account | None) -> Iterator[Account]:
    closed = BillingProgress.objects.filter(closed_through__gte=last.first_day).values("account_id")
    used = UsageRollup.objects.filter(hour_start__lt=last.end).values("account_id")
    accounts = Account.objects.filter(pk__in=used).exclude(pk__in=closed)
    yield from accounts if account is None else accounts.filter(pk=account.pk)
