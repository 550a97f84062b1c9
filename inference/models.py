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
