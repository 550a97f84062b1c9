"""Numbers that are read when Prometheus asks: clusters by phase, operations by state."""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clusters.models import UNFINISHED, Cluster, Operation

logger = logging.getLogger(__name__)


class ControlPlane(Collector):
    """Two small queries; nothing while the database is away."""

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that nobody asks the database before Prometheus does."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Clusters by phase and unfinished operations by state."""
        clusters = GaugeMetricFamily("cloudconsole_clusters", "Clusters by phase", labels=["phase"])
        operations = GaugeMetricFamily("cloudconsole_operations", "Unfinished operations by state", labels=["state"])
        try:
            for phase, count in _counts(Cluster.objects.all(), "phase"):
                clusters.add_metric([phase], count)
            for state, count in _counts(Operation.objects.filter(state__in=UNFINISHED), "state"):
                operations.add_metric([state], count)
        except DatabaseError as error:
            logger.warning("clusters and operations not counted: %s", error)
            return []
        finally:
            connection.close()  # the thread that asks is gone afterwards
        return [clusters, operations]


def _counts(rows: Any, field: str) -> Iterable[tuple[str, int]]:
    found: Iterable[tuple[str, int]] = rows.order_by().values_list(field).annotate(Count("pk"))
    return found
