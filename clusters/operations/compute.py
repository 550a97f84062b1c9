"""The periods in which a cluster has compute. Called in the transaction that ends a step, by its owner only."""

from datetime import datetime
from uuid import UUID

from clusters.models import Cluster, ComputePeriod


def start_compute(cluster: Cluster, configuration: dict[str, object], at: datetime) -> None:
    """From ``at`` on the cluster has the nodes of this configuration. The shape that it has already goes on.

    A clock that was set back starts the new period where the one before ended: they touch and never overlap.
    """
    shape = {
        "package_id": UUID(str(configuration["package_id"])),
        "nodes": configuration["number_of_nodes"],
        "additional_disk_gib": configuration["additional_disk_gib"],
    }
    latest = _latest(cluster)
    if latest and latest.ended_at is None:
        if all(getattr(latest, name) == value for name, value in shape.items()):
            return
        _end(latest, at)
    if latest and latest.ended_at:
        at = max(at, latest.ended_at)
    ComputePeriod.objects.create(cluster=cluster, started_at=at, **shape)


def end_compute(cluster: Cluster, at: datetime) -> None:
    """From ``at`` on the cluster has no nodes."""
    latest = _latest(cluster)
    if latest and latest.ended_at is None:
        _end(latest, at)


def _latest(cluster: Cluster) -> ComputePeriod | None:
    return ComputePeriod.objects.select_for_update().filter(cluster=cluster).order_by("-started_at", "-pk").first()


def _end(period: ComputePeriod, at: datetime) -> None:
    period.ended_at = max(at, period.started_at)
    period.save(update_fields=["ended_at"])
