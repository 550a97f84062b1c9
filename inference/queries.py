"""Reading the models on offer, with what they cost now."""

from dataclasses import dataclass
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


def offered_models() -> list[OfferedModel]:
    """All models on offer in the catalogue's order. One query."""
    in_force = (
        ModelPrice.objects.filter(effective_from__lte=timezone.now())
        .order_by("model", "-effective_from")
        .distinct("model")
    )
    prices = {price.model_id: price.millicents_per_million for price in in_force}
    return [OfferedModel(spec.id, spec, prices[spec.id]) for spec in CATALOGUE.values()]
