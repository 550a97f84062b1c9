"""The usage ledger and what is made of it. Append-only where money is: the database itself refuses changes."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from billing.event_ids import new_event_id
from billing.partitions import make_partitions
from billing.rules import Month, StatementState, invoice_number
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT
from clusters.models import Cluster, DatabaseApiKey, Package
from inference.models import InferenceModel


def _reference(model: type[models.Model], *, null: bool = False) -> models.ForeignKey:
    # No constraint in the database: a bill outlives what it was for, and the check would cost every insert.
    return models.ForeignKey(
        model, null=null, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class Kind(models.TextChoices):
    """What an event counts: tokens of a write or of a search, node-hours, GiB-hours of additional disk."""

    UPDATE = "update"
    SEARCH = "search"
    COMPUTE = "compute"
    DISK = "disk"


class UsageEvent(models.Model):
    """Tokens that one model processed for one request, or an hour of a cluster.

    ``id`` begins with the time of the event (``event_ids``) and is the idempotency key. A correction is a new row
    with negative amounts that points at the original. The table is partitioned by month (``partitions``).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    # The order of recording, which the database gives: whatever is above a barrier's number is not in it (rollups).
    seq = models.BigIntegerField(
        editable=False, db_default=models.Func(models.Value("billing_usageevent_seq"), function="nextval")
    )
    request_id = models.UUIDField(null=True)
    account = _reference(Account)
    cluster = _reference(Cluster)
    model = _reference(InferenceModel, null=True)
    api_key = _reference(DatabaseApiKey, null=True)
    package = _reference(Package, null=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    tokens = models.BigIntegerField(default=0)
    inputs = models.BigIntegerField(default=0)
    hours = models.BigIntegerField(default=0)  # node-hours or GiB-hours
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="correction"
    )

    Kind = Kind

    class Meta:
        indexes = [
            models.Index(fields=["seq"], name="billing_usageevent_by_seq"),
            models.Index(fields=["account", "seq"], name="billing_usageevent_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.tokens or self.hours} of {self.model_id or self.package_id} for {self.cluster_id}"

    def save(self, **options: Any) -> None:
        """A new event gets an id of its time; Django would else try an UPDATE first, which is refused."""
        if self._state.adding and not options.get("force_update"):
            self.id = self.id or new_event_id(self.occurred_at)
            make_partitions([Month.of(self.occurred_at)])
            options["force_insert"] = True
        super().save(**options)


class ArchivedMonth(models.Model):
    """A month whose events were moved out of the database; none may be added to it any more."""

    month = models.DateField(primary_key=True)  # its first day
    events = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    archived_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class MeteredCluster(models.Model):
    """How far the hours of a cluster are in the ledger. Without it, or wrong, the same hours are found again."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, primary_key=True, related_name="+")
    through = models.DateTimeField()  # every hour before it
    last_period = models.BigIntegerField()  # the latest ComputePeriod seen

    def __str__(self) -> str:
        return f"{self.cluster_id} through {self.through}"


class UsageRollup(models.Model):
    """What the events of an hour sum to. A projection: ``rollups`` rebuilds it from the ledger."""

    hour_start = models.DateTimeField()
    account = _reference(Account)
    cluster = _reference(Cluster)
    model = _reference(InferenceModel, null=True)
    api_key = _reference(DatabaseApiKey, null=True)
    package = _reference(Package, null=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    tokens = models.BigIntegerField()
    inputs = models.BigIntegerField()
    hours = models.BigIntegerField()
    events = models.BigIntegerField()
    updated_seq = models.BigIntegerField(default=0)  # how far the rollups were when this one was written

    class Meta:
        indexes = [models.Index(fields=["account", "updated_seq"], name="billing_rollup_by_update")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "hour_start", "cluster", "model", "api_key", "package", "kind"],
                name="one_rollup_per_hour_and_thing",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour_start}: {self.tokens or self.hours} of {self.model_id or self.package_id}"


class RollupProgress(models.Model):
    """The one row that says how far the rollups are: they hold every event up to and with ``through_seq``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    through_seq = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"through {self.through_seq}"


class PackagePrice(models.Model):
    """What a package costs from a moment on. Never changed, only followed.

    ``compute``: millicents per node and hour. ``disk``: millicents per GiB of additional disk and hour.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="prices")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.label) for kind in (Kind.COMPUTE, Kind.DISK)])
    effective_from = models.DateTimeField()
    millicents_per_hour = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["package", "kind", "effective_from"], name="one_price_per_package_kind_and_moment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.kind}: {self.millicents_per_hour} from {self.effective_from}"


class Discount(models.Model):
    """Less to pay for what is used in ``[valid_from, valid_until)``: a percentage, or a fixed amount every month."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="discounts")
    name = models.CharField(max_length=64)
    percentage = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    fixed_millicents = models.BigIntegerField(null=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percentage__isnull=True) ^ models.Q(fixed_millicents__isnull=True),
                name="discount_is_a_percentage_or_an_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(percentage__isnull=True) | models.Q(percentage__gte=0, percentage__lte=100),
                name="discount_of_at_most_all",
            ),
            models.CheckConstraint(
                condition=models.Q(fixed_millicents__isnull=True) | models.Q(fixed_millicents__gt=0),
                name="discount_amount_is_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__gt=models.F("valid_from")), name="discount_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Credit(models.Model):
    """Paid in advance and drawn down by the statements of months that ``[active_from, active_to)`` touches."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    total_millicents = models.BigIntegerField()
    active_from = models.DateTimeField()
    active_to = models.DateTimeField()
    notes = models.CharField(max_length=254, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(total_millicents__gt=0), name="credit_is_positive"),
            models.CheckConstraint(
                condition=models.Q(active_to__gt=models.F("active_from")), name="credit_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total_millicents} of {self.account_id}"


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
