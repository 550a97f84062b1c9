"""Writing down what somebody wants of a cluster: intent, operation and audit event, for the verbs in ``services``.

Everything here belongs inside the verb's transaction, with the cluster's row locked.
"""

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.services import Actor, record_audit_event
from cloudconsole.errors import Code, ServiceError
from clusters import wakeup
from clusters.models import UNFINISHED, Cluster, Operation
from clusters.notifications import announce_cluster_change
from clusters.rules.lifecycle import TRANSITIONS, OperationKind, Phase, may_start, refusal_sentence


def lock_cluster(cluster: Cluster) -> Cluster:
    """The cluster's row as it is now, locked until the transaction ends. Raises ServiceError once it is deleted."""
    locked = (
        Cluster.objects.select_for_update(of=("self",), no_key=True)
        .select_related("region", "package")
        .get(pk=cluster.pk)
    )
    if locked.phase == Phase.DELETED:
        raise ServiceError(Code.NOT_FOUND, f"There is no cluster {cluster.pk} in account {cluster.account_id}.")
    return locked


def start_operation(
    cluster: Cluster,
    *,
    kind: OperationKind,
    summary: str,
    requested_by: Actor,
    before: dict[str, Any] | None,
    reason: str = "",
) -> None:
    """The cluster's next generation, and the operation that brings it about.

    Raises ServiceError when the phase does not allow it.
    """
    phase = Phase(cluster.phase)
    if not may_start(kind, phase):
        raise ServiceError(Code.FAILED_PRECONDITION, refusal_sentence(kind, cluster.name, phase))
    cluster.generation += 1
    # A cluster that is still being created applies the generation right afterwards.
    if phase != Phase.CREATING or kind == OperationKind.DELETE:
        cluster.phase = TRANSITIONS[kind].during
    cluster.reason = reason
    cluster.save()
    record_operation(cluster, kind=kind, summary=summary, requested_by=requested_by, before=before)


def record_operation(
    cluster: Cluster, *, kind: OperationKind, summary: str, requested_by: Actor, before: dict[str, Any] | None
) -> None:
    """The operation of the cluster's generation with its audit event; somebody is woken for it after commit."""
    operation = Operation.objects.create(
        cluster=cluster,
        kind=kind,
        generation=cluster.generation,
        configuration=cluster.wanted_configuration,
        summary=summary,
        requested_by=requested_by.name,
    )
    audit(cluster, requested_by, kind, before)
    wake_after_commit(operation)


def wake_after_commit(operation: Operation) -> None:
    """Tell everybody about the cluster's change and wake a worker for the operation, once both are committed."""
    announce_cluster_change(operation.cluster_id)
    transaction.on_commit(partial(wakeup.run_operation_soon, operation.pk))


def supersede_operations(cluster: Cluster, *, running_ones_too: bool) -> None:
    """Nobody wants the cluster's unfinished operations any more. Owners of running ones lose them."""
    states = UNFINISHED if running_ones_too else (Operation.State.PENDING,)
    cluster.operations.filter(state__in=states).update(state=Operation.State.SUPERSEDED, finished_at=timezone.now())


def audit(cluster: Cluster, actor: Actor, action: str, before: dict[str, Any] | None) -> None:
    """Who did what to the cluster, and what it was and is."""
    record_audit_event(
        account=cluster.account,
        actor=actor,
        action=action,
        resource_type="cluster",
        resource_id=str(cluster.pk),
        before=before,
        after={
            "name": cluster.name,
            "generation": cluster.generation,
            "configuration": cluster.wanted_configuration,
        },
    )
