"""Free clusters that nobody uses, on a clock of the test's."""

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest

from cloudconsole.accounts.models import AuditEvent, Membership, User
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.services import SYSTEM
from clusters import idle_notices
from clusters.idle_notices import send_idle_notices
from clusters.idleness import enforce_idleness
from clusters.models import ClusterActivity, IdleNotice
from clusters.queries import idle_warning
from clusters.rules.idle import Idleness, IdleStep
from clusters.rules.lifecycle import Phase
from clusters.services import unsuspend_cluster
from gateway.activity import _written, note_use

T0 = datetime(2026, 1, 29, 12, 0, tzinfo=UTC)  # February is four weeks long


def day(number: float) -> datetime:
    return T0 + timedelta(days=number)


def idle(*, warned_of_suspension=None, warned_of_deletion=None, suspended=False) -> Idleness:
    return Idleness(
        T0,
        None if warned_of_suspension is None else day(warned_of_suspension),
        None if warned_of_deletion is None else day(warned_of_deletion),
        suspended,
    )


@pytest.mark.parametrize(
    ("idleness", "at", "step"),
    [
        (idle(), 4.9, IdleStep.NOTHING),
        (idle(), 5, IdleStep.WARN_OF_SUSPENSION),
        (idle(warned_of_suspension=5), 6.9, IdleStep.NOTHING),
        (idle(warned_of_suspension=5), 7, IdleStep.SUSPEND),
        (idle(warned_of_suspension=5, suspended=True), 20.9, IdleStep.NOTHING),
        (idle(suspended=True), 21, IdleStep.WARN_OF_DELETION),
        (idle(warned_of_deletion=21, suspended=True), 27.9, IdleStep.NOTHING),
        (idle(warned_of_deletion=21, suspended=True), 28, IdleStep.DELETE),
        # The cloud was away: its warnings come late, and so does what they announce.
        (idle(), 300, IdleStep.WARN_OF_DELETION),
        (idle(warned_of_deletion=300, warned_of_suspension=300), 306.9, IdleStep.SUSPEND),
        (idle(warned_of_deletion=300, suspended=True), 307, IdleStep.DELETE),
        # A clock that went back, and warnings from before the last use, mean nothing.
        (idle(), -3, IdleStep.NOTHING),
        (idle(warned_of_suspension=-1), 6.9, IdleStep.WARN_OF_SUSPENSION),
        (idle(warned_of_deletion=-1, suspended=True), 28, IdleStep.WARN_OF_DELETION),
    ],
)
def test_what_is_due(idleness, at, step):
    assert idleness.step(day(at)) == step


@pytest.fixture
def free(make_cluster):
    cluster = make_cluster("free", paid=False)
    ClusterActivity.objects.create(cluster=cluster, last_used_at=T0)
    return cluster


def enforced(cluster, number: float):
    for _ in range(2):  # two sweeps change no more than one
        enforce_idleness(now=day(number))
    cluster.refresh_from_db()
    return cluster


@pytest.mark.django_db
def test_four_weeks_without_use(free, make_cluster):
    paid = make_cluster("paid")
    enforced(free, 5)
    assert "is suspended on February 5, 2026. Send it a request" in idle_warning(free)
    assert enforced(free, 7).phase == Phase.SUSPENDING
    free.phase = Phase.SUSPENDED
    free.save()
    enforced(free, 21)
    assert "deleted with its data on February 26, 2026. Resume it" in idle_warning(free)
    assert enforced(free, 28).phase == Phase.DELETING
    actions = AuditEvent.objects.filter(resource_id=str(free.pk)).order_by("created_at")
    assert [event.action for event in actions] == ["warn-of-suspension", "suspend", "warn-of-deletion", "delete"]
    assert {event.actor_name for event in actions} == {SYSTEM.name}
    paid.refresh_from_db()
    assert paid.phase == Phase.HEALTHY


@pytest.mark.django_db
def test_use_takes_the_warning_back(free):
    enforced(free, 5)
    _written.clear()
    note_use(free)
    assert idle_warning(free) is None
    assert free.activity.last_used_at > day(5)


@pytest.mark.django_db
def test_resuming_counts_as_use(free):
    enforced(free, 21)
    free.phase = Phase.SUSPENDED
    free.save()
    unsuspend_cluster(cluster=free, requested_by=SYSTEM)
    assert idle_warning(free) is None


@pytest.mark.django_db
def test_use_is_written_down_rarely_and_not_while_the_cluster_refuses_requests(free, django_assert_num_queries):
    _written.clear()
    with django_assert_num_queries(1):
        for _ in range(5):
            note_use(free)
    _written.clear()
    free.serving = False
    with django_assert_num_queries(0):
        note_use(free)


@pytest.mark.django_db
def test_a_cluster_that_was_there_before_starts_counting_now(make_cluster):
    cluster = make_cluster("old", paid=False, created_at=day(-300))
    assert enforced(cluster, 0).phase == Phase.HEALTHY
    assert cluster.activity.last_used_at == T0


@pytest.fixture
def told(free):
    """Who may do something about the cluster, and who may not."""
    for email, role in (("owner", Role.OWNER), ("admin", Role.ADMIN), ("base", Role.BASE)):
        user = User.objects.create_user(email=f"{email}@acme.example", password="correct horse battery")
        Membership.objects.create(account=free.account, user=user, role=role)


@pytest.mark.django_db
def test_those_who_can_do_something_are_told_by_e_mail_once(free, told, mailoutbox):
    for number in (5, 6):
        enforced(free, number)
        send_idle_notices(now=day(number))
    assert [mail.to for mail in mailoutbox] == [["owner@acme.example"], ["admin@acme.example"]]
    assert mailoutbox[0].subject == "Free cluster free is not used"
    assert "is suspended on February 5, 2026. Send it a request" in mailoutbox[0].body
    assert f"/clusters/{free.pk}/" in mailoutbox[0].body
    enforced(free, 21)
    send_idle_notices(now=day(21))
    assert "deleted with its data on February 26, 2026" in mailoutbox[-1].body
    assert len(mailoutbox) == 4


@pytest.mark.django_db
def test_nobody_is_told_of_what_does_not_happen_any_more(free, told, mailoutbox):
    enforced(free, 5)
    _written.clear()
    note_use(free)
    send_idle_notices(now=day(5))
    assert mailoutbox == []
    assert not IdleNotice.objects.exists()


@pytest.mark.django_db
def test_a_mail_server_that_is_away_gets_the_rest_later(free, told, mailoutbox, monkeypatch):
    enforced(free, 5)
    taken = []

    def one_and_no_more(*message):
        if taken:
            raise SMTPServerDisconnected("gone")
        taken.append(message)

    monkeypatch.setattr(idle_notices, "send_mail", one_and_no_more)
    send_idle_notices(now=day(5))
    monkeypatch.undo()
    send_idle_notices(now=day(5.1))
    assert [taken[0][3], *(mail.to for mail in mailoutbox)] == [["owner@acme.example"], ["admin@acme.example"]]
