"""Monthly deliveries: an account's months go to a place of the operator's once they are over, with a manifest."""

import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from billing.exports import EXPORT_FORMATS, stream_export
from billing.focus_columns import FOCUS_VERSION
from billing.models import BillingProgress, UsageRollup
from billing.reports.destinations import check_url, destination_of
from billing.reports.files import write_whole
from billing.reports.models import DeliveredMonth, Delivery
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import SYSTEM, record_audit_event
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import Job, carry_out, wake

RUN_DELIVERY = "reports.run_delivery"
MANIFEST = "manifest.json"
SETTLING = timedelta(hours=2)  # after a month's end: by then whatever was on its way is in the hourly sums


@transaction.atomic
def create_delivery(
    *, account: Account, url: str, endpoint_url: str, formats: Sequence[str], first_month: Month
) -> Delivery:
    """Deliver every month from ``first_month`` on once it is over. Raises ServiceError."""
    if problem := check_url(url):
        raise ServiceError(Code.INVALID_ARGUMENT, problem, "url")
    unknown = [name for name in formats if name not in EXPORT_FORMATS]
    if unknown or not formats:
        sentence = f"There is no format {unknown[0]}." if unknown else "A delivery has at least one format."
        raise ServiceError(Code.INVALID_ARGUMENT, f"{sentence} Use some of: {', '.join(EXPORT_FORMATS)}.", "formats")
    delivery, created = Delivery.objects.get_or_create(
        account=account,
        url=url.rstrip("/"),
        defaults={
            "endpoint_url": endpoint_url,
            "formats": list(dict.fromkeys(formats)),
            "first_month": first_month.start.date(),
        },
    )
    if not created:
        raise ServiceError(Code.ALREADY_EXISTS, f"{account.name} is delivered to {url} already.", "url")
    _audit(delivery, "create")
    return delivery


@transaction.atomic
def remove_delivery(*, delivery: Delivery) -> None:
    """Deliver nothing more. What was delivered stays where it is."""
    _audit(delivery, "delete")
    delivery.delete()


def deliver_finished_months() -> None:
    """A row for every month that is closed and was not yet to be delivered; tasks do the rest."""
    for delivery in Delivery.objects.select_related("account"):
        known = set(delivery.months.values_list("month", flat=True))
        month = Month.of_day(delivery.first_month)
        while _is_final(delivery.account, month):
            if month.first_day not in known:
                _begin(delivery, month.first_day)
            month = month.following


def deliver_again(*, delivered: DeliveredMonth) -> None:
    """Put the month's files there once more, whatever became of the last time; the same usage gives the same bytes."""
    DeliveredMonth.objects.filter(pk=delivered.pk).exclude(state=Job.State.RUNNING).update(
        state=Job.State.PENDING, attempts=0, due_at=Now(), error=""
    )
    wake(RUN_DELIVERY, delivered.pk)


def run_delivery(delivered_id: UUID) -> None:
    """Put one month's files into their place, unless somebody else does."""
    carry_out(DeliveredMonth, delivered_id, _deliver)


def _is_final(account: Account, month: Month) -> bool:
    """Whether the month is closed, or is over and the account never used anything that it could be closed for."""
    if BillingProgress.objects.filter(account=account, closed_through__gte=month.first_day).exists():
        return True
    used = UsageRollup.objects.filter(account=account, hour_start__lt=month.end)
    return timezone.now() >= month.end + SETTLING and not used.exists()


def _begin(delivery: Delivery, month: date) -> None:
    with transaction.atomic():
        row, created = DeliveredMonth.objects.get_or_create(delivery=delivery, month=month)
        if created:
            transaction.on_commit(partial(wake, RUN_DELIVERY, row.pk))


def _deliver(delivered: DeliveredMonth) -> dict[str, Any]:
    """The manifest goes last: whoever finds it finds everything that it names."""
    delivery = delivered.delivery
    month = Month.of_day(delivered.month)
    destination = destination_of(delivery.url, delivery.endpoint_url)
    place = f"{delivery.account_id}/{month}"
    files = []
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        for format in delivery.formats:
            name = f"inference-usage-{month}.{EXPORT_FORMATS[format].extension}"
            written = write_whole(
                Path(folder) / name, stream_export(account=delivery.account, month=month, format=format)
            )
            destination.put(f"{place}/{name}", Path(folder) / name)
            files.append({"name": name, "format": format, "bytes": written.bytes, "sha256": written.sha256})
        manifest = {
            "account_id": str(delivery.account_id),
            "month": str(month),
            "focus_version": FOCUS_VERSION,
            "files": files,
        }
        path = Path(folder) / MANIFEST
        write_whole(path, [orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])
        destination.put(f"{place}/{MANIFEST}", path)
    return {"manifest": manifest}


def _audit(delivery: Delivery, action: str) -> None:
    record_audit_event(
        account=delivery.account,
        actor=SYSTEM,
        action=action,
        resource_type="delivery",
        resource_id=str(delivery.pk),
        after={"url": delivery.url, "formats": delivery.formats},
    )
