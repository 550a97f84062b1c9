"""The usage ledger and its sums. Append-only where money is: the database itself refuses changes."""

from typing import Any

from django.db import models
from django.utils import timezone

from billing.event_ids import new_event_id
from billing.partitions import make_partitions
from billing.rules import Month
from cloudconsole.accounts.models import Account
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
        indexes = [
            models.Index(fields=["account", "updated_seq"], name="billing_rollup_by_update"),
            models.Index(fields=["cluster", "hour_start"], name="billing_rollup_by_cluster"),
        ]
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


class KeptTally(models.Model):
    """What the hours of an account's month before ``until`` come to, so that no page has to rate them again.

    It may be deleted at any time: ``month_tally`` makes it again. ``of`` names what it depends on besides the usage.
    Rollups and events of its hours with a number above ``through_seq`` are not in it for certain.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()  # its first day
    until = models.DateTimeField()
    of = models.CharField(max_length=64)
    prices = models.PositiveIntegerField(default=0)  # how many had begun by then
    through_seq = models.BigIntegerField()
    sums = models.TextField()  # as ``tally_json`` writes them

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "month", "until"], name="one_tally_until_a_moment")]

    def __str__(self) -> str:
        return f"{self.account_id} until {self.until}"
