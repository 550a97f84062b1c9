"""The answer to what the Inference tab asks about usage (``inference.usage``)."""

from uuid import UUID

from django.utils import timezone

from billing.queries import by_model, inference_lines
from billing.rules import Month
from clusters.models import Cluster
from inference.usage import ModelUsage


class LedgerUsage:
    """Usage as the ledger has it."""

    def used_this_month(self, cluster: Cluster) -> dict[UUID, ModelUsage]:
        lines = inference_lines(month=Month.of(timezone.now()), cluster=cluster)
        used = by_model(line for line in lines if not line.correction)
        return {one.model_id: ModelUsage(one.tokens, one.cost_millicents) for one in used}
