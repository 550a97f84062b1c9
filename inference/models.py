"""Models on offer and what they cost. What a model is comes from the catalogue file; rows carry what is sold."""

import uuid

from django.db import models


class InferenceModel(models.Model):
    """A model on offer. Its facts (dimensions, context window, …) are in the catalogue, under the same name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=128, unique=True)

    def __str__(self) -> str:
        return self.name


class ModelPrice(models.Model):
    """The price of a model from a moment on: integer millicents per 1,000,000 tokens. Never changed, only followed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model = models.ForeignKey(InferenceModel, on_delete=models.PROTECT, related_name="prices")
    effective_from = models.DateTimeField()
    millicents_per_million = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "effective_from"], name="one_price_per_model_and_moment")
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.millicents_per_million} from {self.effective_from}"


class ModelDownload(models.Model):
    """Somebody asked for a model's weights. One is fetched at a time; the task only works on the row."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model = models.ForeignKey(InferenceModel, on_delete=models.PROTECT, related_name="downloads")
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    progress = models.FloatField(null=True)  # 0 to 1, None while it is unknown
    reason = models.TextField(blank=True)  # why it failed
    requested_by = models.CharField(max_length=254)
    requested_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)  # its worker's last sign of life
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model"], condition=models.Q(state__in=["queued", "running"]), name="one_download_per_model"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="running"), name="one_download_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.state}"
