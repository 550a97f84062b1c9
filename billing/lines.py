"""The lines of statements and reports of an account, month by month.

Those of closed months are kept and never change. Those of an open month are computed when they are asked for. Either
way they pass through a few at a time, so memory does not grow with the report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from billing.corrections import BILLED, billed_lines, corrections, months_to_correct
from billing.hourly import MAX_SEQ, Source, hourly_usage
from billing.models import BillingProgress, Statement, StatementLine
from billing.rating import MonthRater, Terms
from billing.report_line import Heading, ReportLine, from_json, line_of
from billing.rules import Month, StatementState
from billing.terms import terms_from_json, terms_of
from cloudconsole.accounts.models import Account

LINES_AT_A_TIME = 500


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of the usage: of a cluster, a model, an API key, or clusters with a label. None stands for any."""

    cluster_id: UUID | None = None
    model: str | None = None
    api_key_id: UUID | None = None
    label: tuple[str, str] | None = None

    def admits(self, line: ReportLine) -> bool:
        if self.label is not None:
            key, value = self.label
            if {"key": key, "value": value} not in (line.labels or []):
                return False
        return (
            (self.cluster_id is None or line.cluster_id == self.cluster_id)
            and (self.model is None or line.model == self.model)
            and (self.api_key_id is None or line.api_key_id == self.api_key_id)
        )


EVERYTHING = Selection()


def report_lines(
    *, account: Account, month: Month, until: Month | None = None, selection: Selection = EVERYTHING
) -> Iterator[list[ReportLine]]:
    """The account's lines of the month, or of the months up to and with ``until``, some at a time."""
    lines = _lines_of_months(account, month, until or month)
    if selection != EVERYTHING:
        lines = filter(selection.admits, lines)
    while batch := list(islice(lines, LINES_AT_A_TIME)):
        yield batch


def _lines_of_months(account: Account, month: Month, until: Month) -> Iterator[ReportLine]:
    while month <= until:
        yield from bill_lines(account=account, month=month)
        month = month.following


def bill_lines(*, account: Account, month: Month) -> Iterator[ReportLine]:
    """All lines of the account's bill of the month, in order: its own, then corrections of months before it.

    A month whose statement was voided bills nothing; what was on it is in the first open month.
    """
    progress = progress_of(account)
    if progress.closed_through is not None and month <= Month.of_day(progress.closed_through):
        return kept_lines(account=account, month=month)
    return open_lines(heading=Heading(account, month), progress=progress, source="projection")


def progress_of(account: Account) -> BillingProgress:
    return BillingProgress.objects.filter(account=account).first() or BillingProgress(account=account)


def kept_lines(*, account: Account, month: Month, void_too: bool = False) -> Iterator[ReportLine]:
    """The lines of the month's statement, as they were when it was closed."""
    kept = StatementLine.objects.filter(statement__account=account, statement__month=month.first_day)
    if not void_too:
        kept = kept.filter(statement__state__in=[state.value for state in BILLED])
    for text in kept.order_by("position").values_list("line", flat=True).iterator(chunk_size=LINES_AT_A_TIME):
        yield from_json(text)


def open_lines(
    *,
    heading: Heading,
    progress: BillingProgress,
    source: Source,
    through_seq: int = MAX_SEQ,
    terms: Terms | None = None,
) -> Iterator[ReportLine]:
    """The lines of a month that is not closed: the first such month of an account takes the corrections."""
    yield from rated_lines(heading=heading, source=source, through_seq=through_seq, terms=terms)
    yield from correcting_lines(heading=heading, progress=progress, through_seq=through_seq)


def correcting_lines(
    *, heading: Heading, progress: BillingProgress, through_seq: int = MAX_SEQ
) -> Iterator[ReportLine]:
    """What the month bills of closed months before it."""
    account, month = heading.account, heading.month
    if not takes_corrections(progress, month):
        return
    for late in months_to_correct(progress, through_seq=through_seq):
        of_late = Heading(account, late)
        now = rated_lines(heading=of_late, source="ledger", through_seq=through_seq, terms=kept_terms(account, late))
        yield from corrections(now, billed_lines(account.pk, late), heading)


def takes_corrections(progress: BillingProgress, month: Month) -> bool:
    """Whether the month bills what closed ones came to later: the first open month does."""
    return progress.closed_through is not None and Month.of_day(progress.closed_through).following == month


def kept_terms(account: Account, month: Month) -> Terms | None:
    """Those that the month was closed with; None if it has no statement."""
    closed = (
        Statement.objects.filter(account=account, month=month.first_day).exclude(state=StatementState.DRAFT).first()
    )
    return terms_from_json(closed.terms) if closed else None


def rated_lines(
    *, heading: Heading, source: Source, through_seq: int = MAX_SEQ, terms: Terms | None = None
) -> Iterator[ReportLine]:
    """What the account used in the month, rated under ``terms`` or those of today."""
    account, month = heading.account, heading.month
    rater = MonthRater(terms or terms_of(account=account, month=month))
    used = hourly_usage(account=account, start=month.start, end=month.end, source=source, through_seq=through_seq)
    for usage in used:
        for n, charge in enumerate(rater.charges(usage)):
            yield line_of(usage, charge, heading, first=n == 0)
