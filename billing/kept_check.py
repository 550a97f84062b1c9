"""What is kept of the ledger, compared with it: hourly sums, closed statements, files of exports and deliveries.

Each function yields a sentence for every difference. Called inside one read-only snapshot (``verification``).
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum

from billing.event_ids import first_id
from billing.exports import stream_export
from billing.models import BillingProgress, Credit, CreditDrawdown, Statement
from billing.rating import NOTHING
from billing.report_line import as_json, from_json
from billing.reports.models import DeliveredMonth, Export
from billing.rules import Month, StatementState, rounded
from cloudconsole.accounts.models import Account
from cloudconsole.jobs import Job
from cloudconsole.money import EXACT

_CHUNK = 1024 * 1024
_THINGS = ("hour_start", "cluster_id", "model_id", "package_id", "api_key_id", "kind")
_SUMS = ("tokens", "inputs", "hours", "events")
_KEY = ", ".join(_THINGS)
_BOTH = ", ".join(f"sum({name}) FILTER (WHERE is_due), sum({name}) FILTER (WHERE NOT is_due)" for name in _SUMS)
_ROLLUPS = f"""
SELECT {_KEY}, {_BOTH}
FROM (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour_start, cluster_id, model_id, package_id, api_key_id, kind,
        tokens, inputs, hours, CASE WHEN corrects_id IS NULL THEN 1 ELSE -1 END AS events, true AS is_due
    FROM billing_usageevent
    WHERE account_id = %(account_id)s AND id >= %(first_id)s AND id < %(end_id)s
        AND seq <= (SELECT coalesce(max(through_seq), 0) FROM billing_rollupprogress)
    UNION ALL
    SELECT {_KEY}, tokens, inputs, hours, events, false FROM billing_usagerollup
    WHERE account_id = %(account_id)s AND hour_start >= %(start)s AND hour_start < %(end)s
) AS hourly
GROUP BY {_KEY}
HAVING {" OR ".join(f"sum(CASE WHEN is_due THEN {name} ELSE -{name} END) <> 0" for name in _SUMS)}
ORDER BY {_KEY}
"""  # noqa: S608 - put together from constants


def check_rollups(account: Account, month: Month) -> Iterator[str]:
    """Every hour's sums are those of the events that they are said to hold."""
    parameters: dict[str, Any] = {"account_id": account.pk, "start": month.start, "end": month.end}
    parameters |= {"first_id": first_id(month.start), "end_id": first_id(month.end)}
    with connection.cursor() as cursor:
        cursor.execute(_ROLLUPS, parameters)
        for row in cursor.fetchall():
            hour, *things = row[: len(_THINGS)]
            what = ", ".join(str(thing) for thing in things if thing is not None)
            for number, name in enumerate(_SUMS):
                due, kept = (int(sum or 0) for sum in row[len(_THINGS) + 2 * number :][:2])
                if due != kept:
                    yield f"{hour:%Y-%m-%dT%HZ}, {what}: {name}: the ledger says {due}, here it is {kept}"


def check_statement(account: Account, month: Month) -> Iterator[str]:
    """The month's statement is what its lines say, and these are as they were when it was closed."""
    statement = Statement.objects.filter(account_id=account.pk, month=month.first_day).first()
    if statement is None or statement.state == StatementState.DRAFT:
        return
    digest, count, list_cost, cost = hashlib.sha256(), 0, NOTHING, NOTHING
    rows = statement.lines.order_by("position").values_list("position", "account_id", "hour_start", "line")
    for position, owner, hour, text in rows.iterator(chunk_size=500):
        count += 1
        digest.update(text.encode())
        line = from_json(text)
        list_cost = EXACT.add(list_cost, line.list_cost_millicents)
        cost = EXACT.add(cost, line.cost_millicents)
        of_row = (count, account.pk, line.hour_start, statement.invoice_number, str(month), as_json(line).decode())
        if of_row != (position, owner, hour, line.invoice, line.billing_month, text):
            yield f"{statement}: line {position} is not the one it was kept as"
    drawn = CreditDrawdown.objects.filter(statement=statement).aggregate(sum=Sum("millicents"))["sum"] or 0
    tax = rounded(EXACT.divide(EXACT.multiply(rounded(cost), statement.tax_percentage), 100))
    due: dict[str, Any] = {
        "line_count": count,
        "list_cost": list_cost,
        "exact_total": cost,
        "total": rounded(cost),
        "tax": tax,
        "credit_drawn": drawn,
        "sha256": digest.hexdigest(),
    }
    for name, value in due.items():
        if getattr(statement, name) != value:
            yield f"{statement}: {name}: its lines say {value}, here it is {getattr(statement, name)}"


def check_account(account: Account) -> Iterator[str]:
    """Numbers of statements have no gaps, months are closed in their order, credits are not overdrawn."""
    progress = BillingProgress.objects.filter(account_id=account.pk).first()
    last = progress.last_number if progress else 0
    closed = Statement.objects.filter(account_id=account.pk).exclude(state=StatementState.DRAFT)
    numbers = list(closed.order_by("month").values_list("number", flat=True))
    if numbers != list(range(1, last + 1)):
        yield f"statements are numbered {numbers}, in the order of months; they should go from 1 to {last}"
    if progress and progress.closed_through and closed.filter(month__gt=progress.closed_through).exists():
        yield f"a statement is of a month after {progress.closed_through:%Y-%m}, the last that is closed"
    for credit in Credit.objects.filter(account_id=account.pk):
        kept = credit.drawdowns.exclude(statement__state=StatementState.VOID)
        drawn = kept.aggregate(sum=Sum("millicents"))["sum"] or 0
        if drawn > credit.total_millicents:
            yield f"credit {credit.pk}: {drawn} millicents are drawn of {credit.total_millicents}"


def check_files(account: Account, month: Month) -> Iterator[str]:
    """Files of exports that end with the month are whole, and what was closed when they were made has not changed."""
    for export in Export.objects.filter(account_id=account.pk, last=month.first_day).exclude(file_name=""):
        path = settings.BILLING_EXPORTS_DIR / export.file_name
        if not path.is_file():
            yield f"export {export.pk}: {path} is gone"
        elif (found := _digest(_pieces(path))) != export.sha256:
            yield f"export {export.pk}: its file has the SHA-256 {found}, not {export.sha256}"
        elif _was_final(export) and (due := _digest(_exported(export))) != export.sha256:
            yield f"export {export.pk}: the ledger says {due}, its file is {export.sha256}"
    delivered = DeliveredMonth.objects.filter(delivery__account_id=account.pk, month=month.first_day)
    for one in delivered.filter(state=Job.State.SUCCEEDED):
        for file in one.manifest["files"] if one.manifest else []:
            due = _digest(stream_export(account=account, month=month, format=file["format"]))
            if due != file["sha256"]:
                yield f"delivery {one.pk}: {file['name']}: the ledger says {due}, it was {file['sha256']}"


def _was_final(export: Export) -> bool:
    """Whether every month of the export was closed when it was made, and is as it was then."""
    progress = BillingProgress.objects.filter(account_id=export.account_id).first()
    if progress is None or progress.closed_through is None or progress.closed_through < export.last:
        return False
    statements = Statement.objects.filter(account_id=export.account_id, month__gte=export.first, month__lte=export.last)
    changed_since = Q(closed_at__gt=export.created_at) | Q(settled_at__gt=export.created_at, state=StatementState.VOID)
    return not statements.filter(changed_since).exists()


def _exported(export: Export) -> Iterator[bytes]:
    yield from stream_export(
        account=export.account,
        month=export.first_month,
        until=export.last_month,
        format=export.format,
        selection=export.selection,
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
