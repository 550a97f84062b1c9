"""The tally of an account's month, kept in the memory of the process that shows it.

Rating a month takes a line for each hour and thing, and pages are asked for all the time. So the hours that are over
are rated once; what comes after them is rated on top each time, from where the rater stood. What is kept counts no
longer when the terms or prices are others, when the month was closed or taken back, or when an hour that is in it got
usage since then: late events, or a ledger that was rolled up anew. The tests hold it against the bill itself.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from billing.corrections import months_to_correct
from billing.event_ids import first_id
from billing.hourly import MAX_SEQ, hourly_usage
from billing.lines import bill_lines, progress_of
from billing.models import BillingProgress, PackagePrice, RollupProgress, Statement, UsageEvent, UsageRollup
from billing.rating import MonthRater, Terms
from billing.report_line import Heading, ReportLine, line_of
from billing.rules import Month
from billing.tally import Tally
from billing.terms import terms_of
from cloudconsole.accounts.models import Account
from inference.models import ModelPrice

SETTLED_AFTER = timedelta(minutes=10)  # an hour that is over for so long seldom gets any more usage
MOST_KEPT = 256  # months of accounts; a cluster with one model and key takes about half a kilobyte in each


@dataclass(frozen=True)
class _Kept:
    """The tally and the rater after the hours before ``until``. ``state`` is what else it depends on."""

    state: Any
    until: datetime
    through_seq: int  # rollups of those hours that were written with a higher number are news
    tally: Tally
    rater: MonthRater


_kept: OrderedDict[tuple[UUID, Month], _Kept] = OrderedDict()
_lock = Lock()


def month_tally(account: Account, month: Month) -> Tally:
    """What the account's bill of the month comes to, up to the moment: the sums of ``lines.bill_lines``."""
    progress = progress_of(account)
    if progress.closed_through is not None and month <= Month.of_day(progress.closed_through):
        return _of_closed(account, month)
    if _takes_corrections(progress, month):
        return Tally(month).add_all(bill_lines(account=account, month=month))
    return _of_open(account, month)


def _takes_corrections(progress: BillingProgress, month: Month) -> bool:
    """Whether the month bills what closed ones came to later: the first open month does."""
    if progress.closed_through is None or Month.of_day(progress.closed_through).following != month:
        return False
    return bool(months_to_correct(progress, through_seq=MAX_SEQ))


def _of_closed(account: Account, month: Month) -> Tally:
    statements = Statement.objects.filter(account=account, month=month.first_day)
    state = ("closed", *statements.values_list("pk", "state"))
    kept = _kept.get((account.pk, month))
    if kept is None or kept.state != state:
        tally = Tally(month).add_all(bill_lines(account=account, month=month))
        kept = _keep(account, _Kept(state, month.end, MAX_SEQ, tally, MonthRater(Terms())))
    return kept.tally


def _of_open(account: Account, month: Month) -> Tally:
    terms = terms_of(account=account, month=month)
    state = (terms, *(model.objects.aggregate(number=Count("pk"))["number"] for model in (ModelPrice, PackagePrice)))
    through_seq = RollupProgress.objects.values_list("through_seq", flat=True).first() or 0
    settled = (timezone.now() - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0)
    settled = max(month.start, min(settled, month.end))
    kept = _kept.get((account.pk, month))
    if kept is None or kept.state != state or kept.until > settled or _has_news(account, kept, through_seq):
        kept = _Kept(state, month.start, through_seq, Tally(month), MonthRater(terms))
    if kept.until < settled:
        tally, rater = kept.tally.copy(), kept.rater.copy()
        tally.add_all(_rated(account, month, rater, kept.until, settled))
        kept = _keep(account, _Kept(state, settled, through_seq, tally, rater))
    return kept.tally.copy().add_all(_rated(account, month, kept.rater.copy(), kept.until, month.end))


def _rated(account: Account, month: Month, rater: MonthRater, start: datetime, end: datetime) -> Iterator[ReportLine]:
    heading = Heading(account, month)
    for usage in hourly_usage(account=account, start=start, end=end, source="projection"):
        for number, charge in enumerate(rater.charges(usage)):
            yield line_of(usage, charge, heading, first=number == 0)


def _has_news(account: Account, kept: _Kept, through_seq: int) -> bool:
    """Whether an hour of those that are kept may have got usage since then."""
    if through_seq < kept.through_seq:
        return True
    month = kept.tally.month
    rolled_up = UsageRollup.objects.filter(
        account=account, updated_seq__gt=kept.through_seq, hour_start__gte=month.start, hour_start__lt=kept.until
    )
    waiting = UsageEvent.objects.filter(
        account=account, seq__gt=through_seq, id__gte=first_id(month.start), id__lt=first_id(kept.until)
    )
    return rolled_up.exists() or waiting.exists()


def _keep(account: Account, kept: _Kept) -> _Kept:
    with _lock:
        _kept[account.pk, kept.tally.month] = kept
        _kept.move_to_end((account.pk, kept.tally.month))
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return kept
