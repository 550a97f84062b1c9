"""What can be done about inference: the toggle, and the rows that follow the catalogue."""

from datetime import UTC, datetime

from django.db import transaction

from cloudconsole.accounts.services import Actor
from clusters.models import Cluster
from clusters.services import update_cluster
from inference.catalogue import CATALOGUE
from inference.models import InferenceModel, ModelPrice

FIRST_PRICE_FROM = datetime(2025, 1, 1, tzinfo=UTC)


def set_inference(*, cluster: Cluster, enabled: bool, requested_by: Actor) -> Cluster:
    """Switch inference on or off, which restarts the cluster. Raises ServiceError with the gate's sentence."""
    return update_cluster(cluster=cluster, changes={"inference_enabled": enabled}, requested_by=requested_by)


@transaction.atomic
def sync_catalogue() -> None:
    """A row for every model of the catalogue, and its first price. Repeating it changes nothing.

    Later prices are rows of their own: a changed number in the catalogue never rewrites what was billed.
    """
    for spec in CATALOGUE.values():
        model, _ = InferenceModel.objects.update_or_create(id=spec.id, defaults={"name": spec.name})
        ModelPrice.objects.get_or_create(
            model=model,
            effective_from=FIRST_PRICE_FROM,
            defaults={"millicents_per_million": spec.price_millicents_per_million},
        )
