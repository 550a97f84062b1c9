"""Runs one operation from where it stands to its end, forwards or, once a step has failed, backwards."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from clusters.models import UNFINISHED, Operation
from clusters.operations.lease import LeaseLost, Superseded, check_wanted, claim, kept_lease, retry_later, update_owned
from clusters.operations.outcome import lock_row, write_failure, write_success
from clusters.operations.steps import STEPS, Step, StepFailed, Work, work_on
from clusters.provisioners.errors import GenerationRefused, ProvisionerUnavailable
from clusters.rules.lifecycle import OperationKind
from clusters.wakeup import run_operation_soon

RETRY_AFTER = timedelta(seconds=2)
logger = logging.getLogger(__name__)


def run_operation(operation_id: UUID) -> None:
    """Claim the operation and carry it out. Does nothing when somebody else holds it or it is finished."""
    operation = claim(operation_id)
    if operation is None:
        return
    try:
        _work_unless_superseded(operation)
    except LeaseLost:
        logger.warning("operation %s was taken over by another worker", operation_id)
        return
    _wake_next(operation)


def _work_unless_superseded(operation: Operation) -> None:
    try:
        if _left_to_a_newer_one(operation):
            raise Superseded
        _work(work_on(operation))
    except Superseded:
        update_owned(operation, state=Operation.State.SUPERSEDED, finished_at=timezone.now())


def _left_to_a_newer_one(operation: Operation) -> bool:
    """A restart whose generation is no longer wanted leaves the work to the newer one."""
    return (
        operation.kind == OperationKind.RESTART
        and Operation.objects.filter(
            cluster=operation.cluster_id, generation__gt=operation.generation, state__in=UNFINISHED
        ).exists()
    )


def _work(work: Work) -> None:
    """Carry out or take back. What runs the nodes may be away: then the row is let go, and tried again soon."""
    operation = work.operation
    try:
        if not operation.undoing:
            _carry_out(work)
        if operation.undoing:
            _take_back(work)
    except ProvisionerUnavailable as error:
        logger.warning("cluster %s: %s; trying again", work.cluster.pk, error)
        retry_later(operation, after=RETRY_AFTER, **({} if operation.undoing else {"error": str(error)}))


def _carry_out(work: Work) -> None:
    """Run the steps from where the operation stands. On one that fails for good the operation turns to undoing."""
    operation = work.operation
    try:
        for step in _steps(work)[operation.steps_done :]:
            logger.info("cluster %s: %s: %s", work.cluster.pk, operation.summary, step.title_for(work.cluster))
            check_wanted(operation)
            if step.run:
                with kept_lease(operation):
                    step.run(work)
            _mark_done(work, step)
    except (LeaseLost, Superseded, DatabaseError):
        raise
    except (StepFailed, GenerationRefused) as error:
        _turn_back(operation, str(error))
    except ProvisionerUnavailable:
        raise
    except Exception as error:
        logger.exception("cluster %s: %s failed", work.cluster.pk, operation.summary)
        _turn_back(operation, f"Something unexpected went wrong ({error}). The log has the details; try again.")
    else:
        write_success(work)


def _turn_back(operation: Operation, sentence: str) -> None:
    if operation.kind == OperationKind.DELETE:  # there is no way back: it is tried until it succeeds
        raise ProvisionerUnavailable(sentence)
    update_owned(operation, undoing=True, error=sentence)


def _take_back(work: Work) -> None:
    """Undo the step that failed, which may be half done, and those before it, then write the failure down."""
    operation, steps = work.operation, _steps(work)
    for number in range(min(operation.steps_done, len(steps) - 1), -1, -1):
        step = steps[number]
        check_wanted(operation)
        if step.undo:
            with kept_lease(operation):
                step.undo(work)
        if step.undo or step.record_undo:
            _mark_undone(work, step, number)
    write_failure(work)


@transaction.atomic
def _mark_done(work: Work, step: Step) -> None:
    operation, now = work.operation, timezone.now()
    lock_row(work.cluster)
    update_owned(
        operation,
        steps_done=operation.steps_done + 1,
        step_times=[*operation.step_times, now.isoformat()],
    )
    if step.record:
        step.record(work, now)


@transaction.atomic
def _mark_undone(work: Work, step: Step, number: int) -> None:
    lock_row(work.cluster)
    update_owned(work.operation, steps_done=number, step_times=work.operation.step_times[:number])
    if step.record_undo:
        step.record_undo(work, timezone.now())


def _steps(work: Work) -> tuple[Step, ...]:
    return STEPS[OperationKind(work.operation.kind)]


def _wake_next(operation: Operation) -> None:
    following = (
        Operation.objects.filter(cluster=operation.cluster_id, state=Operation.State.PENDING)
        .order_by("generation")
        .first()
    )
    if following:
        run_operation_soon(following.pk)
