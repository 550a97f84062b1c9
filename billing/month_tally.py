"""The tally of an account's month, up to the moment and always that of the bill, without rating the month for it.

Rating a month takes a line for each hour and thing, and pages are asked for all the time. So tallies of the hours
before some moments are kept, each with the rater as it stood there: before every midnight, before the last hour that
is settled, before the current hour, and before the month's end, which is all there is. A page starts from the latest
one that still counts. One counts no longer when the terms or the prices before its end are others, or when one of its
hours got usage since then: late events, or a ledger that was rolled up anew. The tests hold it against the bill itself.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from django.db import connection
from django.db.models import Count, Max
from django.utils import timezone

from billing.event_ids import first_id
from billing.hourly import hourly_usage
from billing.kept_tallies import Chain, Kept, kept_or_made, read, remember, remembered, store, stored
from billing.lines import correcting_lines, kept_lines, progress_of, takes_corrections
from billing.models import BillingProgress, KeptTally, Statement, UsageEvent
from billing.rating import MonthRater, Terms
from billing.report_line import Heading
from billing.rules import Month, StatementState
from billing.tally import Tally
from billing.terms import terms_as_json, terms_from_json, terms_of
from cloudconsole.accounts.models import Account

SETTLED_AFTER = timedelta(minutes=10)  # an hour that is over for so long seldom gets any more usage
LINKS_IN_MEMORY = 3  # settled hours, those before the current one, and everything


@dataclass(frozen=True)
class RatedMonth:
    """What an account's bill of a month comes to, and the terms that it was rated under."""

    tally: Tally
    terms: Terms


def rated_month(account: Account, month: Month) -> RatedMonth:
    """The sums of ``lines.bill_lines``, up to the moment."""
    progress = progress_of(account)
    if progress.closed_through is not None and month <= Month.of_day(progress.closed_through):
        statement = Statement.objects.filter(account=account, month=month.first_day).exclude(number=None).first()
        if statement is None or statement.state == StatementState.VOID:
            return RatedMonth(Tally(month), Terms())
        return RatedMonth(statement_tally(statement, account), terms_from_json(statement.terms))
    asked = _asked(account, month)
    tally, corrections = _of_usage(asked), _of_corrections(asked, progress)
    return RatedMonth(tally.plus(corrections) if corrections.things else tally, asked.terms)


def month_tally(account: Account, month: Month) -> Tally:
    """What the account's bill of the month comes to, up to the moment."""
    return rated_month(account, month).tally


def keep_tallies(*, now: datetime) -> None:
    """For every account with a draft, the tally of what is settled: so that no page has to wait for it."""
    drafts = Statement.objects.filter(state=StatementState.DRAFT)
    for first_day in drafts.values_list("month", flat=True).distinct():
        month = Month.of_day(first_day)
        settled = _settled(month, now)
        kept = KeptTally.objects.filter(month=first_day, until__gte=settled).values("account_id")
        accounts = Account.objects.filter(statements__in=drafts.filter(month=first_day))
        for account in accounts.exclude(pk__in=kept) if settled > month.start else ():
            month_tally(account, month)


def statement_tally(statement: Statement, account: Account) -> Tally:
    """What the lines of a closed month's statement come to, void or not: they never change, and so neither does it."""
    month = Month.of_day(statement.month)

    def make() -> Tally:
        return Tally(month).add_all(kept_lines(account=account, month=month, void_too=True))

    return kept_or_made(account, month, f"statement {statement.pk.hex}", month.end, make)


@dataclass(frozen=True)
class _Asked:
    """An open month that is asked for, and what its tally depends on besides the usage."""

    account: Account
    month: Month
    terms: Terms
    of: str
    price_starts: list[datetime]
    through_seq: int  # of the rollups, before any usage was read

    def prices(self, until: datetime) -> int:
        """How many had begun by then."""
        return bisect_left(self.price_starts, until)


_DEPENDENCIES = """
SELECT (SELECT coalesce(max(through_seq), 0) FROM billing_rollupprogress), ARRAY(
    SELECT effective_from FROM inference_modelprice UNION ALL SELECT effective_from FROM billing_packageprice ORDER BY 1
)
"""


def _asked(account: Account, month: Month) -> _Asked:
    terms = terms_of(account=account, month=month)
    with connection.cursor() as cursor:
        cursor.execute(_DEPENDENCIES)
        through_seq, price_starts = cursor.fetchone()
    return _Asked(account, month, terms, _digest(terms_as_json(terms)), price_starts, through_seq)


def _digest(facts: object) -> str:
    return sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _of_usage(asked: _Asked) -> Tally:
    month, now = asked.month, timezone.now()
    chain = _standing(asked)
    links = list(chain.links) if chain else []
    base = links[-1] if links else Kept(month.start, 0, Tally(month), MonthRater(asked.terms))
    settled = _settled(month, now)
    this_hour = _within(month, now.replace(minute=0, second=0, microsecond=0))
    made: list[Kept] = []
    for until in _moments(base.until, settled, this_hour, month.end):
        made.append(_extended(asked, (made or [base])[-1], until))
    if lasting := [link for link in made if link.until <= settled]:
        store(asked.account, month, Chain(asked.of, asked.through_seq, lasting), after=base.until)
    links = [*links, *made][-LINKS_IN_MEMORY:]
    remember(asked.account, month, Chain(asked.of, asked.through_seq, links))
    return links[-1].tally


def _settled(month: Month, now: datetime) -> datetime:
    return _within(month, (now - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0))


def _within(month: Month, moment: datetime) -> datetime:
    return max(month.start, min(moment, month.end))


def _moments(after: datetime, settled: datetime, this_hour: datetime, end: datetime) -> list[datetime]:
    """Those up to which a tally is worth keeping: midnights (UTC) of what is settled, and the three given."""
    midnight = after.replace(hour=0)
    days = range(1, (settled - midnight).days + 1)
    moments = {*(midnight + timedelta(days=number) for number in days), settled, this_hour, end}
    return sorted(moment for moment in moments if moment > after)


def _extended(asked: _Asked, base: Kept, until: datetime) -> Kept:
    tally, rater = base.tally.copy(), base.rater.copy()
    for usage in hourly_usage(account=asked.account, start=base.until, end=until, source="projection"):
        tally.add_charges(usage, rater.charges(usage))
    return Kept(until, asked.prices(until), tally, rater)


def _standing(asked: _Asked) -> Chain | None:
    """What is kept and still counts, in memory or else in the table."""
    chain = remembered(asked.account, asked.month, asked.of)
    if chain is not None:
        news = _news(asked, chain.through_seq, chain.links[-1].until)
        links = [link for link in chain.links if _counts(asked, link.until, link.prices, news)]
        if links:
            return Chain(asked.of, asked.through_seq, links)
    for row in stored(asked.account, asked.month, asked.of):
        if _counts(asked, row.until, row.prices, _news(asked, row.through_seq, row.until)):
            return Chain(asked.of, asked.through_seq, [read(row, asked.terms)])
    return None


def _counts(asked: _Asked, until: datetime, prices: int, news: datetime | None) -> bool:
    return (news is None or until <= news) and prices == asked.prices(until)


# An expression that no index is sorted by: else the database walks through the month in search of the first hour.
_NEWS = """
SELECT least(
    (SELECT min(hour_start + interval '0') FROM billing_usagerollup
     WHERE account_id = %(account)s AND updated_seq > %(since)s AND hour_start >= %(start)s AND hour_start < %(until)s),
    (SELECT min(occurred_at) FROM billing_usageevent
     WHERE account_id = %(account)s AND seq > %(through)s AND id >= %(first_id)s AND id < %(end_id)s)
)
"""


def _news(asked: _Asked, since: int, until: datetime) -> datetime | None:
    """The first hour before ``until`` that may have got usage which a tally as of ``since`` does not have."""
    if asked.through_seq < since:
        return asked.month.start  # the ledger is another one
    parameters: dict[str, Any] = {
        "account": asked.account.pk,
        "since": since,
        "through": asked.through_seq,
        "start": asked.month.start,
        "until": until,
        "first_id": first_id(asked.month.start),
        "end_id": first_id(until),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWS, parameters)
        found: datetime | None = cursor.fetchone()[0]
    return found and found.replace(minute=0, second=0, microsecond=0)


def _of_corrections(asked: _Asked, progress: BillingProgress) -> Tally:
    """What the month bills of closed ones before it, which is rated as seldom as it changes."""
    account, month = asked.account, asked.month
    if progress.closed_through is None or not takes_corrections(progress, month):
        return Tally(month)
    closed = Month.of_day(progress.closed_through)
    late = UsageEvent.objects.filter(account=account, seq__gt=progress.billed_seq, id__lt=first_id(closed.end))
    events = late.aggregate(number=Count("pk"), newest=Max("seq"))
    statements = Statement.objects.filter(account=account).exclude(number=None).order_by("number")
    states = [(str(pk), state) for pk, state in statements.values_list("pk", "state")]
    if not events["number"] and not any(state == StatementState.VOID for _, state in states):
        return Tally(month)
    of = _digest((progress.billed_seq, events, states, asked.prices(month.start)))

    def make() -> Tally:
        return Tally(month).add_all(correcting_lines(heading=Heading(account, month), progress=progress))

    return kept_or_made(account, month, of, month.start, make)
