"""Reading the models on offer, with what they cost now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from inference.catalogue import CATALOGUE, ModelSpec
from inference.models import ModelDownload, ModelPrice


@dataclass(frozen=True)
class OfferedModel:
    """A model of the catalogue with its price in force: integer millicents per 1,000,000 tokens."""

    id: UUID
    spec: ModelSpec
    price_millicents_per_million: int


def latest_downloads() -> dict[UUID, ModelDownload]:
    """The download of each model that was asked for last. One query."""
    latest = ModelDownload.objects.order_by("model", "-requested_at").distinct("model")
    return {download.model_id: download for download in latest}


def price_at(model_id: UUID, moment: datetime) -> int:
    """The list price of a model at a moment, in millicents per 1,000,000 tokens."""
    in_force = ModelPrice.objects.filter(model=model_id, effective_from__lte=moment)
    return in_force.order_by("-effective_from").values_list("millicents_per_million", flat=True)[0]


def offered_models() -> list[OfferedModel]:
    """All models on offer in the catalogue's order. One query."""
    in_force = (
        ModelPrice.objects.filter(effective_from__lte=timezone.now())
        .order_by("model", "-effective_from")
        .distinct("model")
    )
    prices = {price.model_id: price.millicents_per_million for price in in_force}
    return [OfferedModel(spec.id, spec, prices[spec.id]) for spec in CATALOGUE.values()]
