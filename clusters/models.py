"""Clusters and what they are made of: providers, regions, packages, operations, database API keys."""

import uuid

from django.db import models
from django.utils import timezone

from cloudconsole.accounts.models import Account
from clusters.rules.access import MANAGE
from clusters.rules.lifecycle import OperationKind, Phase
from clusters.rules.restarts import restarts_rolling


class CloudProvider(models.Model):
    id = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=64)
    free_tier = models.BooleanField()
    available = models.BooleanField()

    def __str__(self) -> str:
        return self.name


class Region(models.Model):
    provider = models.ForeignKey(CloudProvider, on_delete=models.PROTECT, related_name="regions")
    code = models.CharField(max_length=32)  # "us-east-1"; unique per provider, the API's region id
    name = models.CharField(max_length=64)
    country_iso_code = models.CharField(max_length=2)
    geographical_sub_region = models.CharField(max_length=32)
    free_tier = models.BooleanField()
    available = models.BooleanField()
    inference_available = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "code"], name="region_code_per_provider")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.code}"


class Package(models.Model):
    """A sellable size. Prices are integer millicents (100,000 = 1 USD) per node and hour."""

    class Type(models.TextChoices):
        FREE = "free"
        PAID = "paid"

    class Tier(models.TextChoices):
        STANDARD = "standard"
        PREMIUM = "premium"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64, unique=True)
    type = models.CharField(max_length=8, choices=Type.choices)
    tier = models.CharField(max_length=8, choices=Tier.choices)
    cpu_millicores = models.PositiveIntegerField()
    ram_gib = models.PositiveIntegerField()
    disk_gib = models.PositiveIntegerField()
    price_per_hour = models.PositiveIntegerField()
    disk_price_per_gib_hour = models.PositiveIntegerField()
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Cluster(models.Model):
    """``generation`` is what is wanted, ``observed_generation`` what runs; they differ while an operation works."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="clusters")
    name = models.CharField(max_length=64)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="clusters")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="clusters")
    number_of_nodes = models.PositiveIntegerField(default=1)
    additional_disk_gib = models.PositiveIntegerField(default=0)
    version = models.CharField(max_length=16)
    labels = models.JSONField(default=list)  # of {"key": …, "value": …}: their order is kept, keys may repeat
    cost_allocation_label = models.CharField(max_length=253, null=True)  # noqa: DJ001 - absent differs from empty
    # The rest of the API's configuration message, in its JSON form: accepted, kept and echoed, not acted on.
    extra_configuration = models.JSONField(default=dict)
    inference_enabled = models.BooleanField()
    jwt_rbac = models.BooleanField(default=True)  # whether keys are tokens with access rules; goes on and never off
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    restarted_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)  # when somebody asked for it
    phase = models.CharField(max_length=24, choices=[(p.value, p.value) for p in Phase])
    reason = models.TextField(default="", blank=True)
    generation = models.PositiveIntegerField(default=1)
    observed_generation = models.PositiveIntegerField(default=0)
    applied_configuration = models.JSONField(default=dict)
    # Whether the gateway forwards requests to the cluster; closed while its node is being replaced.
    serving = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["account", "-created_at", "id"])]

    def __str__(self) -> str:
        return self.name

    @property
    def wanted_configuration(self) -> dict[str, object]:
        """What the nodes of the current generation run with, and how large and how many they are."""
        return {
            "version": self.version,
            "inference_enabled": self.inference_enabled,
            "package_id": str(self.package_id),
            "number_of_nodes": self.number_of_nodes,
            "additional_disk_gib": self.additional_disk_gib,
        }

    @property
    def restarts_rolling(self) -> bool:
        return restarts_rolling(nodes=self.number_of_nodes, policy=self.extra_configuration.get("restartPolicy"))

    @property
    def inference_applied(self) -> bool:
        return bool(self.applied_configuration.get("inference_enabled"))

    @property
    def host(self) -> str:
        """The host name that routes to this cluster: ``<id>.<region>.<provider>`` plus the cloud's domain."""
        return f"{self.id}.{self.region.code}.{self.region.provider_id}"


class Operation(models.Model):
    """One thing done to a cluster: the outbox, the progress bar and the event timeline in one row."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        SUPERSEDED = "superseded"  # a newer generation does its work

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in OperationKind])
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    configuration = models.JSONField()  # what the nodes of this generation run with
    summary = models.CharField(max_length=128)  # "Switch inference on": what the person asked for
    steps_done = models.PositiveIntegerField(default=0)
    undoing = models.BooleanField(default=False)  # it failed with ``error``, and its steps are being taken back
    step_times = models.JSONField(default=list)  # ISO time at which each done step ended
    error = models.TextField(default="", blank=True)
    attempts = models.PositiveIntegerField(default=0)
    requested_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    fencing_token = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "generation"], name="one_operation_per_generation"),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["pending", "running"]),
                name="unfinished_operations",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.cluster_id} to generation {self.generation}"

    @property
    def unfinished(self) -> bool:
        return self.state in UNFINISHED


UNFINISHED = (Operation.State.PENDING, Operation.State.RUNNING)


class ComputePeriod(models.Model):
    """A time during which a cluster had nodes of one size and number: what cluster-hours are billed from.

    Half-open, ``[started_at, ended_at)``; the periods of a cluster never overlap, and one of them is open
    (``ended_at`` null) while the cluster has compute. Written with the step of an operation that changes it.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="compute_periods")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+")
    nodes = models.PositiveIntegerField()
    additional_disk_gib = models.PositiveIntegerField()  # per node
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cluster"], condition=models.Q(ended_at=None), name="one_open_compute_period"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None) | models.Q(ended_at__gte=models.F("started_at")),
                name="compute_period_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["cluster", "started_at"])]

    def __str__(self) -> str:
        return f"{self.nodes} × {self.package_id} for {self.cluster_id} from {self.started_at}"


class ClusterActivity(models.Model):
    """When a free cluster was last used, written down by the gateway, and which warnings went out since then."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, primary_key=True, related_name="activity")
    last_used_at = models.DateTimeField()
    warned_of_suspension_at = models.DateTimeField(null=True)
    warned_of_deletion_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.cluster_id} last used {self.last_used_at}"


class IdleNotice(models.Model):
    """A warning about an unused free cluster on its way to one e-mail address. What it says is known when it goes."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="idle_notices")
    receiver = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], condition=models.Q(sent_at=None), name="unsent_idle_notices")]

    def __str__(self) -> str:
        return f"to {self.receiver} about {self.cluster_id}"


class AccountQuota(models.Model):
    """What an operator allows one account instead of the usual (``rules/quotas.py``)."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="quota")
    max_clusters = models.PositiveIntegerField()
    max_cluster_nodes = models.PositiveIntegerField()
    max_cluster_database_api_keys = models.PositiveIntegerField()
    max_free_tier_clusters = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"quota of {self.account_id}"


def _everything() -> str:
    return MANAGE


class DatabaseApiKey(models.Model):
    """A key for one cluster's data plane. Of its secret only both ends and a keyed hash are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=128)
    prefix = models.CharField(max_length=16)
    postfix = models.CharField(max_length=16, default="")
    secret_hash = models.CharField(max_length=64, unique=True)
    access = models.JSONField(default=_everything)  # the claim of rules.access
    access_given = models.BooleanField(default=True)  # False: nobody said what it may do, which means everything
    created_by_email = models.EmailField(default="", blank=True)  # empty when made by a management key
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name"], condition=models.Q(revoked_at=None), name="api_key_name_per_cluster"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_ends(self) -> str:
        """What tells the secret from others: tokens all begin alike, so it is their end."""
        return f"{self.prefix}…{self.postfix}" if self.postfix else f"{self.prefix}…"

    @property
    def access_in_words(self) -> str:
        if isinstance(self.access, str):
            return "everything" if self.access == MANAGE else "read everything"
        words = {"r": "read", "rw": "read and write", "prw": "read and write points of"}
        return ", ".join(f"{words[rule['access']]} {rule['collection']}" for rule in self.access)
