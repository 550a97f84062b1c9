"""Budgets, the alerts that they gave, and who is told of them."""

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone

from billing.budgets.rules import THRESHOLDS, Measure
from cloudconsole.accounts.models import Account
from cloudconsole.jobs import Job


class Budget(models.Model):
    """An amount that a month's usage is compared with: of the account, of a cluster, or through an API key.

    ``capped_month`` (its first day) is the month for which inference is refused: the hard cap was reached.
    ``actual`` and ``forecast`` are millicents as of ``checked_at``, of the month that this falls into.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="budgets")
    name = models.CharField(max_length=64)
    cluster_id = models.UUIDField(null=True)  # with neither, the whole account
    api_key_id = models.UUIDField(null=True)
    amount_millicents = models.BigIntegerField()
    hard_cap = models.BooleanField(default=False)
    webhook_url = models.CharField(max_length=2048, default="", blank=True)
    emails = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    capped_month = models.DateField(null=True)
    actual = models.DecimalField(max_digits=48, decimal_places=10, default=0)
    forecast = models.DecimalField(max_digits=48, decimal_places=10, default=0)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="budget_name_per_account"),
            models.CheckConstraint(condition=models.Q(amount_millicents__gt=0), name="budget_is_positive"),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=models.Q(capped_month__isnull=False), name="budgets_that_are_used_up"
            )
        ]

    def __str__(self) -> str:
        return self.name


class BudgetWatch(models.Model):
    """Whose budgets are looked at when. One row for each account with a budget."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="budget_watch")
    asked = models.PositiveIntegerField(default=0)  # how often budgets were changed
    answered = models.PositiveIntegerField(default=0)  # up to which change they were looked at
    seen = models.CharField(max_length=64, default="", blank=True)  # the newest usage that was taken into account
    checked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"budgets of {self.account_id}"


class BudgetAlert(models.Model):
    """A threshold that was reached: once in a month, whatever happens later. Amounts are millicents."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="alerts")
    month = models.DateField()
    measure = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Measure])
    threshold = models.PositiveSmallIntegerField(choices=[(percent, f"{percent} %") for percent in THRESHOLDS])
    amount = models.DecimalField(max_digits=48, decimal_places=10)
    budget_millicents = models.BigIntegerField()
    fired_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "month", "measure", "threshold"], name="one_alert_per_threshold_and_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.budget_id}: {self.threshold} % {self.measure} in {self.month:%Y-%m}"


class Notification(Job):
    """An alert on its way to one receiver."""

    ATTEMPTS = 10
    FIRST_PAUSE = timedelta(seconds=10)  # the last of ten attempts is almost three hours later

    class Channel(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email"

    alert = models.ForeignKey(BudgetAlert, on_delete=models.CASCADE, related_name="notifications")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    receiver = models.CharField(max_length=2048)

    def __str__(self) -> str:
        return f"{self.channel} to {self.receiver} about {self.alert_id}"
