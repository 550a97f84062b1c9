"""Celery tasks of the clusters app: they only translate."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from clusters import idleness
from clusters.idle_notices import send_idle_notices
from clusters.models import Operation
from clusters.operations.lease import claimable
from clusters.operations.runner import run_operation as carry_out
from clusters.wakeup import run_operation_soon


@shared_task(name="clusters.run_operation")
def run_operation(operation_id: str) -> None:
    """Carry out one operation, unless somebody else does."""
    carry_out(UUID(operation_id))


@shared_task(name="clusters.enforce_idleness")
def enforce_idleness() -> None:
    """Warn of, suspend and delete free clusters that nobody uses."""
    idleness.enforce_idleness(now=timezone.now())
    send_idle_notices(now=timezone.now())


@shared_task(name="clusters.sweep_operations")
def sweep_operations() -> None:
    """Wake somebody for every operation that nobody works on: lost messages, dead workers, retries."""
    for operation_id in (
        Operation.objects.filter(claimable())
        .order_by("cluster", "generation")
        .distinct("cluster")
        .values_list("pk", flat=True)
    ):
        run_operation_soon(operation_id)
