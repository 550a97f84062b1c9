"""Reports in the making: exports that somebody asked for, and monthly deliveries."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from billing.lines import Selection
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.jobs import Job


class Export(Job):
    """A file of usage, from the months ``first`` to ``last`` (each as its first day).

    ``file_name`` names a whole file once the state is succeeded, and nothing before; it is emptied when the file
    is removed. The filters narrow the usage down; empty ones do not.
    """

    ATTEMPTS = 5
    FIRST_PAUSE = timedelta(seconds=5)

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="exports")
    first = models.DateField()
    last = models.DateField()
    format = models.CharField(max_length=16)
    cluster_id = models.UUIDField(null=True)
    model = models.CharField(max_length=128, default="", blank=True)
    api_key_id = models.UUIDField(null=True)
    label_key = models.CharField(max_length=253, default="", blank=True)
    label_value = models.CharField(max_length=253, default="", blank=True)
    requested_by = models.CharField(max_length=254)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    file_name = models.CharField(max_length=128, default="", blank=True)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    bytes = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-created_at"]),
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["pending", "running"]), name="unfinished_exports"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.account_id}, {self.months}"

    @property
    def first_month(self) -> Month:
        return Month(self.first.year, self.first.month)

    @property
    def last_month(self) -> Month:
        return Month(self.last.year, self.last.month)

    @property
    def months(self) -> str:
        """``2026-11`` or ``2026-09 to 2026-11``."""
        first, last = self.first_month, self.last_month
        return str(first) if first == last else f"{first} to {last}"

    @property
    def selection(self) -> Selection:
        return Selection(
            cluster_id=self.cluster_id,
            model=self.model or None,
            api_key_id=self.api_key_id,
            label=(self.label_key, self.label_value) if self.label_key else None,
        )

    @property
    def kept_until(self) -> datetime | None:
        """When the file is removed; None before there is one."""
        return self.finished_at + timedelta(days=settings.BILLING_EXPORT_DAYS) if self.finished_at else None


class Delivery(models.Model):
    """Where an account's months go once they are over: ``file:///folder`` or ``s3://bucket/prefix``.

    Made by the operator, because it names folders and servers of theirs; ``endpoint_url`` is that of an
    S3-compatible server, empty for AWS. Credentials are the worker's own, never in the database.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="deliveries")
    url = models.CharField(max_length=1024)
    endpoint_url = models.CharField(max_length=1024, default="", blank=True)
    formats = models.JSONField()  # names of EXPORT_FORMATS, in the order of the manifest
    first_month = models.DateField()  # earlier ones are not delivered
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "url"], name="one_delivery_per_place")]

    def __str__(self) -> str:
        return f"{self.account_id} to {self.url}"


class DeliveredMonth(Job):
    """One month of a delivery. ``manifest`` is what was put beside the files, once they are all there."""

    ATTEMPTS = 12
    FIRST_PAUSE = timedelta(seconds=30)  # the last of twelve attempts is most of a day later

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="months")
    month = models.DateField()
    manifest = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "month"], name="one_delivery_per_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of {self.delivery_id}"
