"""Runs one operation from where it stands to its end."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from clusters.models import UNFINISHED, Cluster, Operation
from clusters.notifications import announce_cluster_change
from clusters.operations.lease import LeaseLost, claim, kept_lease, update_owned
from clusters.operations.steps import STEPS, StepFailed, Work, work_on
from clusters.provisioners.errors import GenerationRefused, ProvisionerUnavailable
from clusters.rules.lifecycle import TRANSITIONS, OperationKind
from clusters.wakeup import run_operation_soon

RETRY_AFTER = timedelta(seconds=2)
logger = logging.getLogger(__name__)


def run_operation(operation_id: UUID) -> None:
    """Claim the operation and carry it out. Does nothing when somebody else holds it or it is finished."""
    operation = claim(operation_id)
    if operation is None:
        return
    try:
        if _superseded(operation):
            update_owned(operation, state=Operation.State.SUPERSEDED, finished_at=timezone.now())
        else:
            _carry_out(work_on(operation))
    except LeaseLost:
        logger.warning("operation %s was taken over by another worker", operation_id)
        return
    _wake_next(operation)


def _superseded(operation: Operation) -> bool:
    """A restart whose generation is no longer wanted leaves the work to the newer one."""
    return (
        operation.kind == OperationKind.RESTART
        and Operation.objects.filter(
            cluster=operation.cluster_id, generation__gt=operation.generation, state__in=UNFINISHED
        ).exists()
    )


def _carry_out(work: Work) -> None:
    operation = work.operation
    steps = STEPS[OperationKind(operation.kind)]
    try:
        for step in steps[operation.steps_done :]:
            logger.info("cluster %s: %s: %s", work.cluster.pk, operation.summary, step.title)
            with kept_lease(operation):
                step.run(work)
            update_owned(
                operation,
                steps_done=operation.steps_done + 1,
                step_times=[*operation.step_times, timezone.now().isoformat()],
            )
    except (StepFailed, GenerationRefused) as error:
        _fail(work, str(error))
    except ProvisionerUnavailable as error:
        # The row stays ours on paper only: once the short lease is over the sweep hands it to whoever is free.
        logger.warning("cluster %s: %s; trying again", work.cluster.pk, error)
        update_owned(operation, error=str(error), lease_expires_at=timezone.now() + RETRY_AFTER)
    else:
        _succeed(work)


@transaction.atomic
def _succeed(work: Work) -> None:
    """What runs now becomes the cluster's observed state, and its endpoint opens."""
    operation, now = work.operation, timezone.now()
    update_owned(operation, state=Operation.State.SUCCEEDED, error="", finished_at=now)
    cluster = Cluster.objects.select_for_update().get(pk=work.cluster.pk)
    cluster.observed_generation = operation.generation
    cluster.applied_configuration = operation.configuration
    cluster.serving = True
    if operation.kind == OperationKind.RESTART:
        cluster.restarted_at = now
    transition = TRANSITIONS[OperationKind(operation.kind)]
    if cluster.generation == operation.generation:
        if transition.succeeded is not None:
            cluster.phase = transition.succeeded
    else:
        cluster.phase = TRANSITIONS[OperationKind.RESTART].during
    cluster.save()
    announce_cluster_change(cluster.pk)


@transaction.atomic
def _fail(work: Work, sentence: str) -> None:
    operation = work.operation
    transition = TRANSITIONS[OperationKind(operation.kind)]
    update_owned(operation, state=Operation.State.FAILED, error=sentence, finished_at=timezone.now())
    Cluster.objects.filter(pk=work.cluster.pk, generation=operation.generation).update(
        phase=transition.failed, reason=sentence
    )
    announce_cluster_change(work.cluster.pk)


def _wake_next(operation: Operation) -> None:
    following = (
        Operation.objects.filter(cluster=operation.cluster_id, state=Operation.State.PENDING)
        .order_by("generation")
        .first()
    )
    if following:
        run_operation_soon(following.pk)
