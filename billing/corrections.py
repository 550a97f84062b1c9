"""Late events of closed months: the difference between what a month comes to now and what was billed for it.

A month is rated again under the terms it was closed with, and both are walked through side by side in one order, so
memory does not grow with the month. The difference is billed with the next month, as corrections.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from heapq import merge
from itertools import groupby
from uuid import UUID

from django.db.models import Max, Min, QuerySet

from billing.event_ids import first_id
from billing.models import BillingProgress, StatementLine, UsageEvent
from billing.report_line import Heading, ReportLine, from_json, is_nothing, line_key, minus, plus
from billing.rules import Month, StatementState

BILLED = (StatementState.OPEN, StatementState.PAID)
_LINES_AT_A_TIME = 500


def months_to_correct(progress: BillingProgress, *, through_seq: int) -> list[Month]:
    """Closed months that got events since they were closed, or whose statement was voided."""
    if progress.closed_through is None:
        return []
    months = _of_void_statements(progress)
    end = Month.of_day(progress.closed_through).end
    late = UsageEvent.objects.filter(
        account_id=progress.account_id, seq__gt=progress.billed_seq, seq__lte=through_seq, id__lt=first_id(end)
    )
    months |= {Month.of(moment) for moment in late.values_list("occurred_at", flat=True).iterator()}
    return sorted(months)


def _of_void_statements(progress: BillingProgress) -> set[Month]:
    """The months that lines of void statements are about."""
    void = StatementLine.objects.filter(
        account_id=progress.account_id, statement__state=StatementState.VOID, statement__account_id=progress.account_id
    )
    edges = void.aggregate(first=Min("hour_start"), last=Max("hour_start"))
    months: set[Month] = set()
    if edges["first"] is not None:
        month, last = Month.of(edges["first"]), Month.of(edges["last"])
        while month <= last:
            months.add(month)
            month = month.following
    return months


def billed_lines(account_id: UUID, month: Month) -> Iterator[ReportLine]:
    """What statements have billed for the month so far, corrections of it too, sorted by ``line_key``."""
    lines = StatementLine.objects.filter(
        account_id=account_id,
        hour_start__gte=month.start,
        hour_start__lt=month.end,
        statement__state__in=[state.value for state in BILLED],
    )
    numbers = lines.order_by("statement__number").values_list("statement_id", flat=True)
    # Of one statement, the lines about one month stand together and in order.
    streams = (lines.filter(statement_id=id).order_by("position") for id in dict.fromkeys(numbers.distinct()))
    return merge(*(_read(stream) for stream in streams), key=line_key)


def _read(lines: QuerySet[StatementLine]) -> Iterator[ReportLine]:
    for text in lines.values_list("line", flat=True).iterator(chunk_size=_LINES_AT_A_TIME):
        yield from_json(text)


def corrections(now: Iterable[ReportLine], billed: Iterable[ReportLine], heading: Heading) -> Iterator[ReportLine]:
    """What has to be billed so that ``billed`` comes to ``now``. Both, and the result, are sorted by ``line_key``."""
    signed = merge(now, map(minus, billed), key=line_key)
    for _, lines in groupby(signed, key=line_key):
        first, *others = lines
        difference = reduce(plus, others, first)
        if not is_nothing(difference):
            yield replace(
                difference,
                billing_month=str(heading.month),
                invoice=heading.invoice,
                correction=True,
                why=f"Correction of {Month.of(difference.hour_start)}, closed before this was recorded: {first.why}",
            )
