"""What the Inference tab asks about usage.

Inference knows its models, not what they were used for: the billing app, which may import this one but not the
reverse, puts its answer here when Django starts.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from clusters.models import Cluster


@dataclass(frozen=True)
class ModelUsage:
    """Tokens that a model processed and their exact cost in millicents (100,000 = 1 USD)."""

    tokens: int = 0
    cost_millicents: Decimal = Decimal(0)


class UsageSource(Protocol):
    def used_this_month(self, cluster: Cluster) -> dict[UUID, ModelUsage]:
        """The cluster's usage since the first of this month (UTC) by model id; unused models are left out."""


source: UsageSource
