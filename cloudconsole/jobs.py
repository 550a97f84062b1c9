"""Work that outlives its worker: a row says what is to be done, a conditional UPDATE who does it.

A lease ends the work of a dead worker and a fencing token tells a late one that it is no longer asked. The queue
only wakes somebody: a sweep finds every row that nobody works on.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from cloudconsole.celery import app
from cloudconsole.leases import renewed_lease

LEASE = timedelta(seconds=30)
RENEW_EVERY_SECONDS = 10.0
STOPPED_SENTENCE = "The worker stopped in the middle of it, again and again. Its log says why."
logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Somebody else works on it now; whoever sees this stops and leaves no trace."""


class CannotBeDone(Exception):
    """Trying again would not help. Its text is a sentence for people."""


class TryAgain(Exception):
    """It cannot be done now. Its text is a sentence for people."""


class Job(models.Model):
    """``due_at`` is when it may be (re)tried; ``error`` what went wrong last, for people."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    ATTEMPTS: ClassVar[int]  # before it is given up
    FIRST_PAUSE: ClassVar[timedelta]  # before the second attempt; each later one waits twice as long

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    fencing_token = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def unfinished(self) -> bool:
        return self.state in (Job.State.PENDING, Job.State.RUNNING)


Work = TypeVar("Work", bound=Job)


def claimable() -> Q:
    """Jobs that are due and that nobody works on."""
    return Q(state=Job.State.PENDING, due_at__lte=Now()) | Q(state=Job.State.RUNNING, lease_expires_at__lt=Now())


def wake(task: str, job_id: UUID) -> None:
    """Enqueue the job's task; when the broker is away the sweep does it later."""
    try:
        app.send_task(task, args=[str(job_id)], retry=False)
    except OperationalError as error:
        logger.warning("%s of %s not enqueued, the sweep will: %s", task, job_id, error)


def carry_out(kind: type[Work], job_id: UUID, do: Callable[[Work], dict[str, Any]]) -> None:
    """Do the job unless somebody else does. ``do`` returns what else is to be written into the finished row.

    That may be another ``state``, of a job that is not done yet. ``CannotBeDone`` ends it; whatever else ``do``
    raises is tried again, later each time, until the job's attempts are used up.
    """
    job = _claim(kind, job_id)
    if job is None:
        return
    try:
        if job.attempts > kind.ATTEMPTS:  # nobody lived long enough to say so
            raise CannotBeDone(STOPPED_SENTENCE)
        with renewed_lease(_owned(job), lease=LEASE, every_seconds=RENEW_EVERY_SECONDS, of=str(job.pk)):
            changes = do(job)
        done = {"state": Job.State.SUCCEEDED, "finished_at": timezone.now(), "error": ""}
        update_owned(job, **(done | changes))
    except LeaseLost:
        logger.warning("%s %s is somebody else's now", kind.__name__, job_id)
    except CannotBeDone as error:
        _fail(job, str(error))
    except TryAgain as error:
        _try_again(job, str(error))
    except Exception as error:
        logger.warning("%s %s did not succeed in attempt %s", kind.__name__, job_id, job.attempts, exc_info=error)
        _try_again(job, f"{type(error).__name__}: {error}")


def update_owned(job: Job, **changes: Any) -> None:
    """Change the row as its owner. Raises LeaseLost when somebody else took it over."""
    if not _owned(job).update(**changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(job, name, value)


def pause_after(attempts: int, first: timedelta) -> timedelta:
    """How long to wait after so many attempts (1 or more)."""
    return first * 2 ** (attempts - 1)


def _claim(kind: type[Work], job_id: UUID) -> Work | None:
    won = kind._default_manager.filter(claimable(), pk=job_id).update(
        state=Job.State.RUNNING,
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
        lease_expires_at=Now() + LEASE,
        started_at=Coalesce("started_at", Now()),
    )
    return kind._default_manager.get(pk=job_id) if won else None


def _fail(job: Job, sentence: str) -> None:
    _owned(job).update(state=Job.State.FAILED, finished_at=timezone.now(), error=sentence)


def _try_again(job: Job, sentence: str) -> None:
    if job.attempts >= job.ATTEMPTS:
        return _fail(job, sentence)
    due_at = Now() + pause_after(job.attempts, job.FIRST_PAUSE)
    _owned(job).update(state=Job.State.PENDING, due_at=due_at, error=sentence)
    return None


def _owned(job: Job) -> models.QuerySet[Any]:
    return type(job)._default_manager.filter(pk=job.pk, state=Job.State.RUNNING, fencing_token=job.fencing_token)
