"""What can be done about exports: asking for one, making its file, removing it."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.exports import EXPORT_FORMATS, stream_export
from billing.lines import EVERYTHING, Selection
from billing.reports.files import write_whole
from billing.reports.models import Export
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor, lock_account, record_audit_event
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import CannotBeDone, Job, carry_out, update_owned, wake

RUN_EXPORT = "reports.run_export"
MOST_MONTHS = 120
MOST_UNFINISHED = 5  # of one account, so that nobody's exports keep everybody else's waiting
EARLIEST = Month(2025, 1)  # before it nothing was for sale
logger = logging.getLogger(__name__)


@transaction.atomic
def request_export(
    *,
    account: Account,
    first: Month,
    last: Month,
    format: str,
    selection: Selection = EVERYTHING,
    requested_by: Actor,
) -> Export:
    """Ask for a file of the account's usage in the months ``first`` to ``last``; a task makes it.

    Raises ServiceError: INVALID_ARGUMENT, RESOURCE_EXHAUSTED while too many others are in the making.
    """
    _check(first, last, format)
    lock_account(account)  # so that two requests at once are counted one by one
    unfinished = Export.objects.filter(account=account, state__in=(Job.State.PENDING, Job.State.RUNNING)).count()
    if unfinished >= MOST_UNFINISHED:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            f"{unfinished} exports of this account are in the making, which is the most. Wait until one is done.",
        )
    key, value = selection.label or ("", "")
    export = Export.objects.create(
        account=account,
        first=_first_day(first),
        last=_first_day(last),
        format=format,
        cluster_id=selection.cluster_id,
        model=selection.model or "",
        api_key_id=selection.api_key_id,
        label_key=key,
        label_value=value,
        requested_by=requested_by.name,
    )
    record_audit_event(
        account=account,
        actor=requested_by,
        action="create",
        resource_type="export",
        resource_id=str(export.pk),
        after={"months": export.months, "format": format},
    )
    transaction.on_commit(partial(wake, RUN_EXPORT, export.pk))
    return export


def run_export(export_id: UUID) -> None:
    """Make the file of one export, unless somebody else does. A second attempt starts from the beginning."""
    carry_out(Export, export_id, _make_file)


def remove_old_files() -> None:
    """Remove files that were kept long enough, and whatever no export has any more: parts of killed workers."""
    finished_before = timezone.now() - timedelta(days=settings.BILLING_EXPORT_DAYS)
    for export in Export.objects.exclude(file_name="").filter(finished_at__lt=finished_before):
        Export.objects.filter(pk=export.pk).update(file_name="")  # first the name: nobody is sent to a missing file
        (settings.BILLING_EXPORTS_DIR / export.file_name).unlink(missing_ok=True)
    if settings.BILLING_EXPORTS_DIR.is_dir():
        _remove_orphans(settings.BILLING_EXPORTS_DIR)


def _check(first: Month, last: Month, format: str) -> None:
    current = Month.of(timezone.now())
    if format not in EXPORT_FORMATS:
        sentence = f"There is no export format {format}. Use one of: {', '.join(EXPORT_FORMATS)}."
        raise ServiceError(Code.INVALID_ARGUMENT, sentence, "format")
    if last < first:
        raise ServiceError(Code.INVALID_ARGUMENT, f"The months from {first} to {last} are none.", "to")
    if first < EARLIEST or last > current:
        raise ServiceError(Code.INVALID_ARGUMENT, f"There is usage from {EARLIEST} to {current}.", "from")
    if (last.year - first.year) * 12 + last.month - first.month >= MOST_MONTHS:
        raise ServiceError(Code.INVALID_ARGUMENT, f"One export has at most {MOST_MONTHS} months.", "from")


def _first_day(month: Month) -> date:
    return month.start.date()


def _make_file(export: Export) -> dict[str, Any]:
    folder: Path = settings.BILLING_EXPORTS_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A name of this attempt's own: a worker that was thought dead may still be writing under its.
    name = f"{export.pk}-{export.fencing_token}.{EXPORT_FORMATS[export.format].extension}"
    written = write_whole(folder / name, _pieces(export))
    _remember(export, folder / name, progress_percent=100)
    return {"file_name": name, "sha256": written.sha256, "bytes": written.bytes}


def _pieces(export: Export) -> Iterator[bytes]:
    first, last = export.first_month, export.last_month
    start, end = first.start, min(last.end, max(timezone.now(), first.start + timedelta(hours=1)))
    told = 0

    def tell(hour: datetime) -> None:
        """Lines come in the order of their hours, so the hour tells how far it is."""
        nonlocal told
        percent = min(99, int(100 * (hour.astimezone(UTC) - start) / (end - start)))
        if percent > told:
            told = percent
            update_owned(export, progress_percent=percent)

    try:
        yield from stream_export(
            account=export.account,
            month=first,
            until=last,
            format=export.format,
            selection=export.selection,
            passed=tell,
        )
    except ServiceError as error:
        raise CannotBeDone(error.sentence) from error


def _remember(export: Export, file: Path, **changes: Any) -> None:
    """Change the row; without it nobody would ever remove the file."""
    try:
        update_owned(export, **changes)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _remove_orphans(folder: Path) -> None:
    """Files without a row that are too old to be on their way to one."""
    known = set(Export.objects.exclude(file_name="").values_list("file_name", flat=True))
    too_old = timezone.now().timestamp() - timedelta(days=1).total_seconds()
    for file in folder.iterdir():
        if file.name not in known and file.stat().st_mtime < too_old:
            logger.info("removing %s, which belongs to no export", file)
            file.unlink(missing_ok=True)
