"""Cluster hours: an event for every started hour in which a cluster had compute, and one for its additional disk.

An hour's event has an id made of cluster and hour, so metering again, by many at once, or after a year away, adds
nothing twice. An hour is metered once it is over, with the largest configuration that the cluster had in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from billing.event_ids import compute_event_id
from billing.models import Kind, MeteredCluster, UsageEvent
from billing.partitions import make_partitions
from billing.rules import Month
from clusters.models import Cluster, ComputePeriod, Package

HOUR = timedelta(hours=1)
SETTLING = timedelta(minutes=5)  # transactions that began within an hour are over by then
_CLUSTERS_AT_A_TIME = 500


@dataclass(frozen=True)
class Period:
    """What a cluster ran on in ``[started_at, ended_at)``; ``ended_at`` None means: still. Disk is per node."""

    started_at: datetime
    ended_at: datetime | None
    package_id: UUID
    ram_gib: int
    nodes: int
    disk_gib: int

    @property
    def size(self) -> tuple[int, int]:
        return self.nodes * self.ram_gib, self.nodes * self.disk_gib


def started_hours(periods: Iterable[Period], since: datetime, until: datetime) -> Iterator[tuple[datetime, Period]]:
    """Every hour in ``[since, until)`` in which there was compute, with the largest configuration in it.

    ``since`` and ``until`` are full hours. An empty period is no compute.
    """
    hours: dict[datetime, Period] = {}
    for period in periods:
        ended_at = period.ended_at or until
        hour = max(since, hour_of(period.started_at))
        while hour < min(until, ended_at) and period.started_at < ended_at:
            if hour not in hours or period.size > hours[hour].size:
                hours[hour] = period
            hour += HOUR
    yield from sorted(hours.items(), key=lambda one: one[0])


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def meter_cluster_hours(*, now: datetime) -> int:
    """Put the hours that are over by ``now`` into the ledger, of every cluster; return how many events were due.

    Any number may run at once, as often and as late as they like.
    """
    until = hour_of(now - SETTLING)
    due = 0
    clusters = list(_clusters_with_hours(until))
    for start in range(0, len(clusters), _CLUSTERS_AT_A_TIME):
        due += _meter(clusters[start : start + _CLUSTERS_AT_A_TIME], until)
    return due


def _clusters_with_hours(until: datetime) -> Iterable[UUID]:
    """Those with compute after the hours that they are metered for, or with periods nobody has looked at."""
    progress = {one.cluster_id: one for one in MeteredCluster.objects.all()}
    paid = ComputePeriod.objects.filter(package__type=Package.Type.PAID, started_at__lt=until)
    latest = paid.values("cluster_id").annotate(ended=Max(Coalesce(F("ended_at"), until)), last_period=Max("pk"))
    for one in latest:
        metered = progress.get(one["cluster_id"])
        if metered is None or metered.through < min(one["ended"], until) or metered.last_period < one["last_period"]:
            yield one["cluster_id"]


@transaction.atomic
def _meter(cluster_ids: Sequence[UUID], until: datetime) -> int:
    accounts = dict(Cluster.objects.filter(pk__in=cluster_ids).values_list("pk", "account_id"))
    progress = MeteredCluster.objects.in_bulk(cluster_ids)
    events: list[UsageEvent] = []
    metered = []
    for cluster_id in cluster_ids:
        periods = ComputePeriod.objects.filter(cluster_id=cluster_id, package__type=Package.Type.PAID)
        since = _since(periods, progress.get(cluster_id))
        overlapping = periods.filter(Q(ended_at=None) | Q(ended_at__gt=since), started_at__lt=until)
        found = [
            Period(
                one.started_at, one.ended_at, one.package_id, one.package.ram_gib, one.nodes, one.additional_disk_gib
            )
            for one in overlapping.select_related("package")
        ]
        for hour, period in started_hours(found, since, until):
            events += _events(accounts[cluster_id], cluster_id, hour, period)
        last = periods.aggregate(last=Max("pk"))["last"]
        metered.append(MeteredCluster(cluster_id=cluster_id, through=until, last_period=last))
    make_partitions({Month.of(event.occurred_at) for event in events})
    UsageEvent.objects.bulk_create(events, ignore_conflicts=True, batch_size=1_000)
    MeteredCluster.objects.bulk_create(
        metered, update_conflicts=True, unique_fields=["cluster"], update_fields=["through", "last_period"]
    )
    return len(events)


def _since(periods: QuerySet[ComputePeriod], metered: MeteredCluster | None) -> datetime:
    """The first hour to look at: where metering ended, or earlier if a period was written late."""
    unseen = periods.filter(pk__gt=metered.last_period) if metered else periods
    earliest = unseen.aggregate(earliest=Min("started_at"))["earliest"]
    starts = [hour_of(earliest)] if earliest else []
    return min([*starts, metered.through] if metered else starts)


def _events(account_id: UUID, cluster_id: UUID, hour: datetime, period: Period) -> Iterator[UsageEvent]:
    for kind, hours in ((Kind.COMPUTE, period.nodes), (Kind.DISK, period.nodes * period.disk_gib)):
        if hours:
            yield UsageEvent(
                id=compute_event_id(cluster_id, hour, kind.value),
                account_id=account_id,
                cluster_id=cluster_id,
                package_id=period.package_id,
                kind=kind.value,
                hours=hours,
                occurred_at=hour,
            )
