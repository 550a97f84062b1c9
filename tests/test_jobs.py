"""Jobs: done once, by one worker, again after a crash, and not for ever."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from billing.reports.models import Export
from cloudconsole.accounts.models import Account
from cloudconsole.jobs import CannotBeDone, Job, TryAgain, carry_out, claimable, pause_after, update_owned

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)


@pytest.fixture
def job(account: Account) -> Export:
    return Export.objects.create(account=account, first=MONTH, last=MONTH, format="csv", requested_by="somebody")


def nothing(job: Export) -> dict:
    return {}


def due() -> int:
    return Export.objects.filter(claimable()).count()


def test_it_is_done_once(job: Export):
    done = []
    for _ in range(3):
        carry_out(Export, job.pk, lambda job: done.append(job) or {"bytes": 7})
    job.refresh_from_db()
    assert (len(done), job.state, job.bytes, job.attempts) == (1, Job.State.SUCCEEDED, 7, 1)
    assert job.finished_at


def test_while_one_works_on_it_nobody_else_does(job: Export):
    def look(mine: Export) -> dict:
        carry_out(Export, job.pk, pytest.fail)
        assert due() == 0
        return {}

    carry_out(Export, job.pk, look)
    assert Export.objects.get().attempts == 1


def test_a_dead_workers_job_is_taken_over_and_the_dead_one_changes_nothing(job: Export):
    def die_and_come_back(mine: Export) -> dict:
        Export.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert due() == 1
        carry_out(Export, job.pk, lambda job: {"sha256": "of the living"})
        update_owned(mine, sha256="of the dead")
        raise AssertionError("the dead one may not write")

    carry_out(Export, job.pk, die_and_come_back)
    job.refresh_from_db()
    assert (job.state, job.sha256, job.fencing_token) == (Job.State.SUCCEEDED, "of the living", 2)


def test_what_fails_is_tried_again_later_each_time_and_then_given_up(job: Export):
    def fail(job: Export) -> dict:
        raise OSError("no space left")

    pauses = []
    for attempt in range(1, Export.ATTEMPTS + 1):
        Export.objects.update(due_at=timezone.now())
        carry_out(Export, job.pk, fail)
        job.refresh_from_db()
        assert job.error == "OSError: no space left"
        if attempt < Export.ATTEMPTS:
            assert (job.state, due()) == (Job.State.PENDING, 0)
            pauses.append(round((job.due_at - timezone.now()) / Export.FIRST_PAUSE))
    assert job.state == Job.State.FAILED
    assert pauses == [1, 2, 4, 8]
    carry_out(Export, job.pk, pytest.fail)


def test_who_asks_to_be_called_again_is_quoted(job: Export):
    def ask(job: Export) -> dict:
        raise TryAgain("The model is being downloaded.")

    carry_out(Export, job.pk, ask)
    job.refresh_from_db()
    assert (job.state, job.error, due()) == (Job.State.PENDING, "The model is being downloaded.", 0)


def test_a_job_may_say_itself_how_it_stands(job: Export):
    carry_out(Export, job.pk, lambda job: {"state": Job.State.PENDING, "attempts": 0, "finished_at": None})
    job.refresh_from_db()
    assert (job.state, job.attempts, job.finished_at, due()) == (Job.State.PENDING, 0, None, 1)


def test_what_cannot_be_done_is_not_tried_again(job: Export):
    def refuse(job: Export) -> dict:
        raise CannotBeDone("There is no such thing.")

    carry_out(Export, job.pk, refuse)
    job.refresh_from_db()
    assert (job.state, job.error, job.attempts) == (Job.State.FAILED, "There is no such thing.", 1)


def test_a_job_that_kills_its_workers_is_given_up(job: Export):
    Export.objects.update(
        state=Job.State.RUNNING, attempts=Export.ATTEMPTS, lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    carry_out(Export, job.pk, pytest.fail)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "again and again" in job.error


def test_pauses_double():
    first = timedelta(seconds=30)
    assert [pause_after(attempt, first) / first for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]
