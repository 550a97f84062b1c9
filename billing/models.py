"""The usage ledger. Append-only: nothing updates or deletes a row, and the database refuses it."""

import uuid

from django.db import models
from django.utils import timezone

from cloudconsole.accounts.models import Account
from clusters.models import Cluster, DatabaseApiKey
from inference.models import InferenceModel


def _reference(model: type[models.Model]) -> models.ForeignKey:
    # No constraint in the database: a bill outlives what it was for, and the check would cost every insert.
    return models.ForeignKey(model, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")


class UsageEvent(models.Model):
    """Tokens that one model processed for one request. ``id`` is made by the gateway and is the idempotency key.

    A correction is a new row with negative amounts that points at the original.
    """

    class Kind(models.TextChoices):
        UPDATE = "update"
        SEARCH = "search"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField()
    account = _reference(Account)
    cluster = _reference(Cluster)
    model = _reference(InferenceModel)
    api_key = _reference(DatabaseApiKey)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    tokens = models.BigIntegerField()
    inputs = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    corrects = models.OneToOneField(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="correction"
    )

    class Meta:
        indexes = [
            models.Index(fields=["account", "occurred_at"]),
            models.Index(fields=["cluster", "occurred_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.tokens} tokens of {self.model_id} for {self.cluster_id}"
