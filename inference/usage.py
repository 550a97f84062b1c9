"""What the Inference tab asks about usage.

Inference knows its models, not what they were used for: the billing app, which may import this one but not the
reverse, puts its answer here when Django starts.
"""

from dataclasses import dataclass
from datetime import date, datetime
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

    def daily_tokens(self, cluster: Cluster, since: datetime, until: datetime) -> dict[UUID, dict[date, int]]:
        """Tokens by model id and day (UTC) in ``[since, until)``; days without any are left out."""

    def newest(self, cluster: Cluster) -> str:
        """Changes whenever usage of the cluster's account was recorded that one of the others tells."""


source: UsageSource
