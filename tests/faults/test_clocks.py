"""Clocks that jump, and months that end, while operations run: leases hold, and compute adds up."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from cloudconsole.accounts.services import SYSTEM
from clusters.models import Operation
from clusters.operations.lease import claim
from clusters.operations.runner import run_operation
from clusters.rules.lifecycle import OperationKind
from clusters.services import suspend_cluster, unsuspend_cluster, update_cluster
from tests.faults.world import KINDS, World, asked_for, check, check_done_once, settle


class Clock:
    """What workers read as the time; the database has its own."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(datetime(2026, 2, 28, 23, 59, 30, tzinfo=UTC))
    monkeypatch.setattr(timezone, "now", clock)
    return clock


def test_a_workers_clock_that_jumps_takes_no_lease_away(world: World, account, clock):
    operation = asked_for(OperationKind.RESTART, account)
    assert claim(operation.pk)
    for jump in (timedelta(days=400), timedelta(days=-800)):
        clock.now += jump
        assert claim(operation.pk) is None
    settle()
    check(world)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=-40), timedelta(days=40)])
def test_every_operation_ends_and_adds_up_though_the_clock_jumps(world: World, account, clock, jump):
    for kind in KINDS:
        operation = asked_for(kind, account)
        clock.now += jump
        run_operation(operation.pk)
        check_done_once(world, operation)
        clock.now += timedelta(minutes=1) - jump
    check(world)


def test_compute_over_a_months_end_is_counted_to_the_second(world: World, account, clock):
    """From the last half minute of February into March: up, larger, suspended, up again, gone."""
    start = clock.now
    cluster = asked_for(OperationKind.CREATE, account).cluster
    settle()
    clock.now = start + timedelta(minutes=1)
    update_cluster(cluster=cluster, changes={"number_of_nodes": 3}, requested_by=SYSTEM)
    settle()
    clock.now = start + timedelta(minutes=2)
    suspend_cluster(cluster=cluster, requested_by=SYSTEM)
    settle()
    clock.now = start + timedelta(days=31)
    unsuspend_cluster(cluster=cluster, requested_by=SYSTEM)
    settle()
    periods = cluster.compute_periods.order_by("started_at").values_list("nodes", "started_at", "ended_at")
    assert list(periods) == [
        (1, start, start + timedelta(minutes=1)),
        (3, start + timedelta(minutes=1), start + timedelta(minutes=2)),
        (3, start + timedelta(days=31), None),
    ]
    assert not Operation.objects.exclude(state=Operation.State.SUCCEEDED).exists()
    check(world)
