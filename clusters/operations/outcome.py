"""How an operation ends: what its cluster is from then on."""

from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.services import SYSTEM
from clusters.intents import start_operation
from clusters.models import UNFINISHED, Cluster, Operation
from clusters.notifications import announce_cluster_change
from clusters.operations.lease import update_owned
from clusters.operations.steps import Work
from clusters.rules.lifecycle import SERVING_AFTER, TRANSITIONS, OperationKind, Phase

_RESTARTS = {OperationKind.RESTART, OperationKind.SCALE, OperationKind.UPGRADE}


def lock_row(cluster: Cluster) -> Cluster:
    """The cluster's row before its operation's, in the order in which the verbs lock them."""
    return Cluster.objects.select_for_update(no_key=True).get(pk=cluster.pk)


@transaction.atomic
def write_success(work: Work) -> None:
    """What runs now becomes the cluster's observed state, and its endpoint opens if there is something behind it."""
    operation, now = work.operation, timezone.now()
    kind = OperationKind(operation.kind)
    cluster = lock_row(work.cluster)
    update_owned(operation, state=Operation.State.SUCCEEDED, error="", finished_at=now)
    cluster.observed_generation = operation.generation
    if kind in SERVING_AFTER:
        cluster.applied_configuration = operation.configuration
    cluster.serving = kind in SERVING_AFTER and cluster.deleted_at is None
    if kind in _RESTARTS:
        cluster.restarted_at = now
    cluster.phase = _phase_after(cluster, operation)
    cluster.save()
    announce_cluster_change(cluster.pk)


def _phase_after(cluster: Cluster, operation: Operation) -> Phase:
    """Where the operation leads, or what the next one that waits is about to do."""
    following = cluster.operations.filter(generation__gt=operation.generation, state__in=UNFINISHED)
    if next_one := following.order_by("generation").first():
        return TRANSITIONS[OperationKind(next_one.kind)].during
    return TRANSITIONS[OperationKind(operation.kind)].succeeded


@transaction.atomic
def write_failure(work: Work) -> None:
    """The operation failed and its cluster says why; what could not be applied gives way to what ran before."""
    operation = work.operation
    cluster = lock_row(work.cluster)
    update_owned(operation, state=Operation.State.FAILED, undoing=False, finished_at=timezone.now())
    announce_cluster_change(cluster.pk)
    if cluster.generation != operation.generation:
        return  # a later operation waits and decides what becomes of the cluster
    cluster.phase = TRANSITIONS[OperationKind(operation.kind)].failed
    cluster.reason = operation.error
    cluster.save(update_fields=["phase", "reason"])
    before = cluster.applied_configuration
    if operation.kind in _RESTARTS and before and before != operation.configuration:
        _go_back(cluster, before)


def _go_back(cluster: Cluster, before: dict[str, object]) -> None:
    """Half a change must not stay: the cluster wants what it ran with before, in a generation of its own."""
    wanted = cluster.wanted_configuration
    for name, value in before.items():
        setattr(cluster, name, value)
    start_operation(
        cluster,
        kind=OperationKind.RESTART,
        summary="Go back to what ran before",
        requested_by=SYSTEM,
        before=wanted,
        reason=cluster.reason,
    )
