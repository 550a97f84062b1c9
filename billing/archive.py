"""Old months out of the database: a partition becomes a file, and its month takes no events any more.

Statements, their lines and the hourly sums stay, so pages, exports and answers are as they were.
"""

from collections.abc import Iterator

from django.db import connection, transaction

from billing.models import ArchivedMonth, BillingProgress, StatementLine, UsageEvent, UsageRollup
from billing.rollups import update_rollups
from billing.rules import Month, StatementState
from cloudconsole.errors import Code, ServiceError


def archive_rows(month: Month) -> Iterator[bytes]:
    """The month's events as CSV with a header, in the order of their ids, some at a time.

    Raises ServiceError FAILED_PRECONDITION at once if the month cannot be archived.
    """
    _check(month)
    query = f"SELECT * FROM {_partition(month)} ORDER BY id"  # noqa: S608 - made of two numbers

    def rows() -> Iterator[bytes]:
        with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
            while data := copy.read():
                yield bytes(data)

    return rows()


def forget_month(*, month: Month, rows: int, sha256: str) -> ArchivedMonth:
    """Drop the month's partition once its file of so many rows is safe. The month refuses every event from then on.

    Raises ServiceError FAILED_PRECONDITION if events arrived after the file was written.
    """
    update_rollups()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE billing_usageevent IN ACCESS EXCLUSIVE MODE")
        _check(month)
        in_month = UsageEvent.objects.filter(occurred_at__gte=month.start, occurred_at__lt=month.end)
        if in_month.count() != rows:
            raise ServiceError(Code.FAILED_PRECONDITION, f"Usage of {month} arrived meanwhile. Archive it again.")
        archived = ArchivedMonth.objects.create(month=month.first_day, events=rows, sha256=sha256)
        cursor.execute(f"ALTER TABLE billing_usageevent DETACH PARTITION {_partition(month)}")
        cursor.execute(f"DROP TABLE {_partition(month)}")
    return archived


def _partition(month: Month) -> str:
    return f"billing_usageevent_{month.year:04}_{month.month:02}"


def _check(month: Month) -> None:
    """Every account with usage in the month has closed it, and nothing of it waits to be billed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [_partition(month)])
        if cursor.fetchone() == (None,):
            raise ServiceError(Code.FAILED_PRECONDITION, f"There is no usage of {month} in the database.")
    void = StatementLine.objects.filter(statement__state=StatementState.VOID)
    if void.filter(hour_start__gte=month.start, hour_start__lt=month.end).exists():
        # What a void statement billed is compared with the ledger again and again.
        raise ServiceError(Code.FAILED_PRECONDITION, f"{month} was on a statement that is void: it stays.")
    progress = {one.account_id: one for one in BillingProgress.objects.all()}
    in_month = UsageRollup.objects.filter(hour_start__gte=month.start, hour_start__lt=month.end)
    for account_id in set(in_month.values_list("account_id", flat=True)):
        closed = progress.get(account_id)
        if closed is None or closed.closed_through is None or closed.closed_through < month.first_day:
            raise ServiceError(Code.FAILED_PRECONDITION, f"Account {account_id} has not closed {month} yet.")
        late = UsageEvent.objects.filter(account_id=account_id, seq__gt=closed.billed_seq)
        if late.filter(occurred_at__gte=month.start, occurred_at__lt=month.end).exists():
            raise ServiceError(
                Code.FAILED_PRECONDITION,
                f"Account {account_id} got usage of {month} that is not billed yet. Close its next month first.",
            )
