"""Who works on an operation: a conditional UPDATE decides, a lease ends it, a fencing token tells owners apart."""

from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from cloudconsole.leases import renewed_lease
from clusters.models import UNFINISHED, Cluster, Operation
from clusters.rules.lifecycle import OperationKind

LEASE = timedelta(seconds=10)
RENEW_EVERY_SECONDS = 3.0


class LeaseLost(Exception):
    """Somebody else owns the operation now; whoever sees this stops without touching anything."""


class Superseded(Exception):
    """Nobody wants the operation any more: its cluster is to be deleted."""


def claimable() -> Q:
    """Operations nobody works on: never started, or their owner's lease ran out."""
    return Q(state=Operation.State.PENDING) | Q(state=Operation.State.RUNNING, lease_expires_at__lt=Now())


def claim(operation_id: UUID) -> Operation | None:
    """Take the operation if nobody holds it and all earlier generations of its cluster are done with."""
    earlier = Operation.objects.filter(
        cluster=OuterRef("cluster"), generation__lt=OuterRef("generation"), state__in=UNFINISHED
    )
    won = Operation.objects.filter(claimable(), ~Exists(earlier), pk=operation_id).update(
        state=Operation.State.RUNNING,
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
        lease_expires_at=Now() + LEASE,  # the database's clock: those of the workers may differ
        started_at=Coalesce("started_at", Now()),
    )
    if not won:
        return None
    return Operation.objects.select_related("cluster").get(pk=operation_id)


def update_owned(operation: Operation, **changes: object) -> None:
    """Change the row as its owner and renew the lease. Raises LeaseLost when somebody else took it over."""
    if not _owned(operation).update(lease_expires_at=Now() + LEASE, **changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(operation, name, value)


def retry_later(operation: Operation, *, after: timedelta, **changes: object) -> None:
    """Let go of the operation: the lease ends after this time, and the sweep hands the row to whoever is free."""
    if not _owned(operation).update(lease_expires_at=Now() + after, **changes):
        raise LeaseLost


def check_wanted(operation: Operation) -> None:
    """Deleting wins over everything. Raises Superseded once somebody asked for it."""
    if operation.kind != OperationKind.DELETE and Cluster.objects.filter(
        pk=operation.cluster_id, deleted_at__isnull=False
    ):
        raise Superseded


def kept_lease(operation: Operation) -> AbstractContextManager[None]:
    """Renew the lease while a step takes its time."""
    return renewed_lease(_owned(operation), lease=LEASE, every_seconds=RENEW_EVERY_SECONDS, of=str(operation.pk))


def _owned(operation: Operation) -> QuerySet[Operation]:
    return Operation.objects.filter(
        pk=operation.pk, state=Operation.State.RUNNING, fencing_token=operation.fencing_token
    )
