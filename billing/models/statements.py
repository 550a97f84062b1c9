"""Statements, their lines, and what they took from credits."""

import uuid
from decimal import Decimal

from django.db import models
from django.utils import timezone

from billing.models.terms import Credit
from billing.rules import StatementState, invoice_number
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT


class BillingProgress(models.Model):
    """How far an account is billed. Its row is locked by whoever closes a month: one at a time."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="billing_progress")
    closed_through = models.DateField(null=True)  # first day of the last month closed; all before it are closed too
    billed_seq = models.BigIntegerField(default=0)  # events up to it are on statements if they are of closed months
    last_number = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.account_id} closed through {self.closed_through}"


class Statement(models.Model):
    """What an account owes for a month. Amounts are whole millicents, except where they are exact.

    A draft has neither number nor amounts: those are computed when it is looked at, until it is closed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="statements")
    account_name = models.CharField(max_length=64)
    month = models.DateField()  # its first day
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in StatementState])
    number = models.PositiveIntegerField(null=True)
    terms = models.JSONField(default=dict)  # allowances and discounts at closing (``terms``)
    line_count = models.PositiveBigIntegerField(default=0)
    list_cost = models.DecimalField(max_digits=48, decimal_places=10, default=0)  # exact, before allowances, discounts
    exact_total = models.DecimalField(max_digits=48, decimal_places=10, default=0)
    total = models.BigIntegerField(default=0)  # exact_total rounded, once
    tax_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax = models.BigIntegerField(default=0)
    credit_drawn = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, default="")  # of its lines as JSON Lines
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # when it was paid or voided

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "month"], name="one_statement_per_account_and_month"),
            models.UniqueConstraint(fields=["account", "number"], name="one_statement_per_number"),
        ]

    def __str__(self) -> str:
        return self.invoice_number or f"draft of {self.month:%Y-%m}"

    @property
    def invoice_number(self) -> str | None:
        """``8A6F3C21-000012``: begins with the account's id, counts without gaps. None for a draft."""
        return invoice_number(self.account_id, self.number) if self.number else None

    @property
    def due(self) -> int:
        """What is left to pay, in millicents."""
        return self.total + self.tax - self.credit_drawn

    @property
    def residual(self) -> Decimal:
        """What the rounding left out: exact total minus total."""
        return EXACT.subtract(self.exact_total, Decimal(self.total))


class StatementLine(models.Model):
    """A line of a closed statement, with every name as it was then: ``lines.ReportLine``, kept."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    account_id = models.UUIDField()
    position = models.PositiveBigIntegerField()
    hour_start = models.DateTimeField()
    line = models.TextField()  # as in the JSON Lines export, byte for byte

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "position"], name="one_statement_line_per_position")
        ]
        indexes = [models.Index(fields=["account_id", "hour_start"], name="statement_lines_by_usage")]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.position}"


class CreditDrawdown(models.Model):
    """What a statement took from a credit."""

    credit = models.ForeignKey(Credit, on_delete=models.PROTECT, related_name="drawdowns")
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="drawdowns")
    millicents = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credit", "statement"], name="one_drawdown_per_credit_and_statement")
        ]

    def __str__(self) -> str:
        return f"{self.millicents} of {self.credit_id} for {self.statement_id}"
