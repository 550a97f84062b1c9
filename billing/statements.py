"""Statements: closing months, paying and voiding. Each is one transaction that holds the account's progress row."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from billing.document import tax_on
from billing.lines import open_lines
from billing.models import ArchivedMonth, BillingProgress, Credit, CreditDrawdown, Statement, UsageRollup
from billing.rating import NOTHING
from billing.report_line import Heading, ReportLine, as_json
from billing.rollups import barrier, update_rollups
from billing.rules import STATEMENT_TRANSITIONS, Month, StatementState, rounded
from billing.terms import terms_as_json, terms_of
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from cloudconsole.money import EXACT

_LINES_AT_A_TIME = 2_000
_COPY_LINES = "COPY billing_statementline (statement_id, account_id, position, hour_start, line) FROM STDIN"


@dataclass
class _Sums:
    """What the lines of a statement come to, exactly."""

    lines: int = 0
    list_cost: Decimal = NOTHING
    cost: Decimal = NOTHING


def close_month(*, account: Account, month: Month) -> Statement | None:
    """Close the account's month, and every month before it that is open, oldest first; return its statement.

    Closing a closed month changes nothing, however many do it at once. A month without anything to bill has no
    statement (None) and takes no number. Raises ServiceError FAILED_PRECONDITION for a month that is not over.
    """
    if timezone.now() < month.end:
        sentence = f"{month} is not over yet. It can be closed when {month.following} begins."
        raise ServiceError(Code.FAILED_PRECONDITION, sentence)
    open_month = _first_open_month(account, month)
    while open_month <= month:
        _close(account, open_month)
        open_month = open_month.following
    return Statement.objects.filter(account=account, month=month.first_day).exclude(state=StatementState.DRAFT).first()


def _first_open_month(account: Account, month: Month) -> Month:
    """The month after the last closed one; else the first with usage, and ``month`` where that is empty so far."""
    progress = BillingProgress.objects.filter(account=account).first()
    if progress is not None and progress.closed_through is not None:
        return Month.of_day(progress.closed_through).following
    update_rollups()  # which know it without reading the whole ledger
    first = UsageRollup.objects.filter(account=account).order_by("hour_start").first()
    return min(month, Month.of(first.hour_start)) if first else month


def _close(account: Account, month: Month) -> None:
    through_seq = barrier()
    with transaction.atomic():
        BillingProgress.objects.get_or_create(account=account)
        progress = BillingProgress.objects.select_for_update().get(account=account)
        if progress.closed_through is not None and month.first_day <= progress.closed_through:
            return
        # What somebody else closed with is committed too, so a larger number of theirs holds here as well.
        through_seq = max(through_seq, progress.billed_seq)
        _bill(account, month, progress, through_seq)
        progress.closed_through, progress.billed_seq = month.first_day, through_seq
        progress.save()


def _bill(account: Account, month: Month, progress: BillingProgress, through_seq: int) -> None:
    """Write the statement and its lines, if there are any."""
    number = progress.last_number + 1
    terms = terms_of(account=account, month=month)
    heading = Heading(account, month, number)
    lines = open_lines(heading=heading, progress=progress, source="ledger", through_seq=through_seq, terms=terms)
    first = next(lines, None)
    if first is None:
        Statement.objects.filter(account=account, month=month.first_day, state=StatementState.DRAFT).delete()
        return
    statement = draft_statement(account=account, month=month)
    digest, sums = sha256(), _Sums()
    _keep_lines(statement, _noting(_after(first, lines), sums), digest)
    total = rounded(sums.cost)
    tax = tax_on(total, settings.BILLING_TAX_PERCENTAGE)
    drawn = _draw_credits(statement, month, total + tax)
    _move(
        statement,
        StatementState.OPEN,
        account_name=account.name,
        number=number,
        terms=terms_as_json(terms),
        line_count=sums.lines,
        list_cost=sums.list_cost,
        exact_total=sums.cost,
        total=total,
        tax_percentage=settings.BILLING_TAX_PERCENTAGE,
        tax=tax,
        credit_drawn=drawn,
        sha256=digest.hexdigest(),
        closed_at=timezone.now(),
    )
    progress.last_number = number


def draft_statement(*, account: Account, month: Month) -> Statement:
    """The month's statement, a draft unless it is there already."""
    return Statement.objects.get_or_create(
        account=account,
        month=month.first_day,
        defaults={"account_name": account.name, "state": StatementState.DRAFT},
    )[0]


def draft_current_month(month: Month) -> None:
    """A draft for every account that used something in the month. Repeating it changes nothing."""
    used = UsageRollup.objects.filter(hour_start__gte=month.start, hour_start__lt=month.end)
    closed = BillingProgress.objects.filter(closed_through__gte=month.first_day).values("account_id")
    drafted = Statement.objects.filter(month=month.first_day).values("account_id")
    accounts = Account.objects.filter(pk__in=used.values("account_id"))
    for account in accounts.exclude(pk__in=closed).exclude(pk__in=drafted):
        draft_statement(account=account, month=month)


def pay_statement(*, statement: Statement) -> Statement:
    """Settle an open statement. Payment is simulated: nobody is charged. Raises ServiceError FAILED_PRECONDITION."""
    _move(statement, StatementState.PAID, settled_at=timezone.now())
    return statement


def void_statement(*, statement: Statement) -> Statement:
    """Take an open statement back. What was on it is billed with the first month that is open, as corrections.

    What it drew from credits is theirs again. Raises ServiceError FAILED_PRECONDITION.
    """
    with transaction.atomic():
        BillingProgress.objects.select_for_update().get(account_id=statement.account_id)
        archived = ArchivedMonth.objects.order_by("-month").first()
        if archived and statement.lines.filter(hour_start__lt=Month.of_day(archived.month).end).exists():
            sentence = f"Statement {statement} is about usage that is archived: it cannot become void."
            raise ServiceError(Code.FAILED_PRECONDITION, sentence)
        _move(statement, StatementState.VOID, settled_at=timezone.now())
    return statement


def _move(statement: Statement, to: StatementState, **facts: object) -> None:
    """One step of the table of states, with the facts that go with it; of two at once, one wins."""
    before = [state.value for state, after in STATEMENT_TRANSITIONS.items() if to in after]
    moved = Statement.objects.filter(pk=statement.pk, state__in=before).update(state=to.value, **facts)
    statement.refresh_from_db()
    if not moved:
        sentence = f"Statement {statement} is {statement.state}: it cannot become {to.value}."
        raise ServiceError(Code.FAILED_PRECONDITION, sentence)


def _after(first: ReportLine, rest: Iterator[ReportLine]) -> Iterator[ReportLine]:
    yield first
    yield from rest


def _noting(lines: Iterator[ReportLine], sums: _Sums) -> Iterator[ReportLine]:
    for line in lines:
        sums.lines += 1
        sums.list_cost = EXACT.add(sums.list_cost, line.list_cost_millicents)
        sums.cost = EXACT.add(sums.cost, line.cost_millicents)
        yield line


def _keep_lines(statement: Statement, lines: Iterator[ReportLine], digest: Any) -> None:
    """Copy the lines into the database, a few at a time: those before are read from it meanwhile."""
    position = 0
    while batch := list(islice(lines, _LINES_AT_A_TIME)):
        with connection.cursor() as cursor, cursor.copy(_COPY_LINES) as copy:
            for line in batch:
                position += 1
                text = as_json(line)
                digest.update(text)
                copy.write_row((statement.pk, line.account_id, position, line.hour_start, text.decode()))


def credit_left(credit: Credit) -> int:
    """Millicents of the credit that no statement has drawn; void ones have given theirs back."""
    drawn = credit.drawdowns.exclude(statement__state=StatementState.VOID).aggregate(sum=Sum("millicents"))["sum"]
    return credit.total_millicents - (drawn or 0)


def _draw_credits(statement: Statement, month: Month, due: int) -> int:
    """Take what is due from the account's credits, those that end first before others; return how much."""
    drawn = 0
    credits = Credit.objects.filter(account_id=statement.account_id)
    active = credits.filter(active_from__lt=month.end, active_to__gt=month.start)
    for credit in active.order_by("active_to", "active_from", "pk"):
        taken = min(credit_left(credit), due - drawn)
        if taken > 0:
            CreditDrawdown.objects.create(credit=credit, statement=statement, millicents=taken)
            drawn += taken
    return drawn
