"""Who works on an operation: a conditional UPDATE decides, a lease ends it, a fencing token tells owners apart."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from clusters.models import UNFINISHED, Operation

LEASE = timedelta(seconds=10)


class LeaseLost(Exception):
    """Somebody else owns the operation now; whoever sees this stops without touching anything."""


def claimable() -> Q:
    """Operations nobody works on: never started, or their owner's lease ran out."""
    return Q(state=Operation.State.PENDING) | Q(state=Operation.State.RUNNING, lease_expires_at__lt=Now())


def claim(operation_id: UUID) -> Operation | None:
    """Take the operation if nobody holds it and all earlier generations of its cluster are done with."""
    earlier = Operation.objects.filter(
        cluster=OuterRef("cluster"), generation__lt=OuterRef("generation"), state__in=UNFINISHED
    )
    won = (
        Operation.objects.filter(claimable(), ~Exists(earlier), pk=operation_id)
        .update(
            state=Operation.State.RUNNING,
            fencing_token=F("fencing_token") + 1,
            attempts=F("attempts") + 1,
            lease_expires_at=timezone.now() + LEASE,
            started_at=Coalesce("started_at", Now()),
        )
    )
    if not won:
        return None
    return Operation.objects.select_related("cluster").get(pk=operation_id)


def update_owned(operation: Operation, **changes: object) -> None:
    """Change the row as its owner and renew the lease. Raises LeaseLost when somebody else took it over."""
    changes.setdefault("lease_expires_at", timezone.now() + LEASE)
    owned = Operation.objects.filter(
        pk=operation.pk, state=Operation.State.RUNNING, fencing_token=operation.fencing_token
    )
    if not owned.update(**changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(operation, name, value)
