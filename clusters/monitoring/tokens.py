"""Inference tokens over time, from somebody who knows the ledger.

Billing may import this app but not the reverse: it puts its source here when Django starts.
"""

from datetime import datetime
from typing import Protocol

from clusters.models import Cluster
from clusters.monitoring.queries import Window


class TokenSource(Protocol):
    def tokens_by_point(self, cluster: Cluster, window: Window) -> dict[datetime, int]:
        """Tokens that the cluster's requests used, by the start of each of the window's points; without any: none."""


source: TokenSource
