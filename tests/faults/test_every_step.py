"""Every step of every operation, with something going wrong at it."""

import dataclasses
import random
import threading
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
from django.db import connection

from cloudconsole.accounts.services import SYSTEM
from clusters.models import Operation
from clusters.operations import runner
from clusters.operations import steps as steps_module
from clusters.operations.runner import run_operation
from clusters.operations.steps import STEPS, Step, StepFailed
from clusters.rules.lifecycle import TRANSITIONS, OperationKind, Phase
from clusters.services import delete_cluster, retry_operation
from tests.faults.world import (
    KINDS,
    ROUNDS,
    SEED,
    STARTS_A_NODE,
    World,
    asked_for,
    check,
    check_done_once,
    expire_leases,
    settle,
    swept,
)
from tests.together import at_once

STEP_NUMBERS = [(kind, number) for kind in KINDS for number in range(len(STEPS[kind]))]
MOMENTS = ["before", "after", "recording"]


@contextmanager
def altered(kind: OperationKind, number: int, change: Callable[[Step], Step]):
    """One step of one kind is another one for a while."""
    genuine = STEPS[kind]
    steps = list(genuine)
    steps[number] = change(steps[number])
    STEPS[kind] = tuple(steps)
    try:
        yield
    finally:
        STEPS[kind] = genuine


def failing(step: Step) -> Step:
    """Does its work, which turns out to be no good."""

    def run(work):
        if step.run:
            step.run(work)
        raise StepFailed("It did not work. Try again.")

    return dataclasses.replace(step, run=run)


def test_a_worker_killed_anywhere_is_replaced_and_nothing_happens_twice(world: World, account):
    """At every step, at one moment of it in the short form and at all of them in the long one."""
    chance = random.Random(SEED)
    for kind, number in STEP_NUMBERS:
        for moment in MOMENTS if ROUNDS > 1 else chance.sample(MOMENTS, 1):
            operation = asked_for(kind, account)
            world.killed_at(operation, number, moment)
            assert swept() == [], f"{kind}: the dead worker's lease holds"
            expire_leases()
            assert swept() == [str(operation.pk)], f"{kind}, killed {moment} step {number}"
            settle()
            check_done_once(world, operation)
    check(world)


@pytest.mark.parametrize(("kind", "number"), STEP_NUMBERS)
def test_after_a_failure_at_any_step_nothing_half_done_stays(world: World, account, kind, number):
    operation = asked_for(kind, account)
    if kind == OperationKind.DELETE:
        return _a_deletion_is_tried_until_it_succeeds(world, operation, number)
    with altered(kind, number, failing):
        run_operation(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.error) == (Operation.State.FAILED, "It did not work. Try again.")
    cluster = operation.cluster
    cluster.refresh_from_db()
    assert cluster.reason == "It did not work. Try again."
    if went_back := cluster.operations.filter(summary="Go back to what ran before").first():
        settle()
        cluster.refresh_from_db()
        assert (cluster.phase, cluster.generation) == (Phase.HEALTHY, went_back.generation)
        assert cluster.package.name == "mx1"
        return check(world)
    assert cluster.phase == TRANSITIONS[kind].failed
    if kind in {OperationKind.CREATE, OperationKind.SUSPEND, OperationKind.UNSUSPEND}:
        check(world)
    retry_operation(cluster=cluster, requested_by=SYSTEM)
    settle()
    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED
    return check(world)


def _a_deletion_is_tried_until_it_succeeds(world: World, operation: Operation, number: int) -> None:
    with altered(OperationKind.DELETE, number, failing):
        for _ in range(2):
            run_operation(operation.pk)
            expire_leases()
    operation.refresh_from_db()
    assert (operation.state, operation.attempts) == (Operation.State.RUNNING, 2)
    settle()
    check(world)
    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED


def test_a_worker_killed_while_it_takes_back_is_replaced_too(world: World, account):
    for kind in (OperationKind.CREATE, OperationKind.SUSPEND, OperationKind.UNSUSPEND):
        operation = asked_for(kind, account)
        Operation.objects.filter(pk=operation.pk).update(undoing=True, error="It did not work.")
        started = {OperationKind.SUSPEND: 0}.get(kind, 1)
        Operation.objects.filter(pk=operation.pk).update(steps_done=started, step_times=["2026-01-01"] * started)
        world.killed_at(operation, 0, "undoing")
        settle()
        operation.refresh_from_db()
        assert (operation.state, operation.steps_done) == (Operation.State.FAILED, 0)
    check(world)


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_done_twice_has_the_result_of_once(world: World, account, kind):
    def twice(step: Step) -> Step:
        def run(work):
            for _ in range(2):
                if step.run:
                    step.run(work)

        def record(work, at):
            for _ in range(2):
                if step.record:
                    step.record(work, at)

        return dataclasses.replace(step, run=run, record=record)

    operation = asked_for(kind, account)
    genuine = STEPS[kind]
    STEPS[kind] = tuple(twice(step) for step in genuine)
    try:
        run_operation(operation.pk)
    finally:
        STEPS[kind] = genuine
    check_done_once(world, operation)
    check(world)


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_delivered_twice_and_thrice_at_once(world: World, account, kind):
    operation = asked_for(kind, account)
    at_once(*[partial(run_operation, operation.pk)] * 3)
    operation.refresh_from_db()
    assert operation.attempts == 1
    run_operation(operation.pk)
    check_done_once(world, operation)
    check(world)


@pytest.mark.parametrize("force", [False, True])
def test_a_deletion_wins_at_every_step_of_everything(world: World, account, force):
    for kind, number in STEP_NUMBERS:
        if kind == OperationKind.DELETE:
            continue
        operation = asked_for(kind, account)

        def ask_for_deletion(work, cluster=operation.cluster):
            delete_cluster(cluster=cluster, requested_by=SYSTEM, force=force)

        def interrupted(step: Step, ask=ask_for_deletion) -> Step:
            def run(work):
                ask(work)
                if step.run:
                    step.run(work)

            return dataclasses.replace(step, run=run)

        with altered(kind, number, interrupted):
            run_operation(operation.pk)
        settle()
        operation.refresh_from_db()
        operation.cluster.refresh_from_db()
        assert operation.cluster.phase == Phase.DELETED, f"{kind}, step {number}"
        last = number == len(STEPS[kind]) - 1
        assert operation.state in ({"succeeded", "superseded"} if last and not force else {"superseded"})
    check(world)


@pytest.mark.parametrize(("kind", "number"), STEP_NUMBERS)
def test_an_owner_that_was_paused_past_its_lease_comes_too_late(world: World, account, kind, number):
    operation = asked_for(kind, account)
    at_the_step, go_on, quiet = threading.Event(), threading.Event(), threading.Event()
    first = threading.local()

    def paused(step: Step) -> Step:
        def run(work):
            if getattr(first, "one", False):
                at_the_step.set()
                assert go_on.wait(60)
            if step.run:
                step.run(work)

        return dataclasses.replace(step, run=run)

    def be_paused():
        first.one = True
        try:
            run_operation(operation.pk)
            quiet.set()
        finally:
            connection.close()

    with altered(kind, number, paused), _no_renewal():
        thread = threading.Thread(target=be_paused)
        thread.start()
        assert at_the_step.wait(60)
        settle()
        check_done_once(world, operation)
        check(world)
        if kind != OperationKind.DELETE:
            delete_cluster(cluster=operation.cluster, requested_by=SYSTEM)
            settle()
        go_on.set()
        thread.join()
    assert quiet.is_set()  # it gave up without an error
    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED
    check(world)


@contextmanager
def _no_renewal():
    """A paused process renews no lease."""
    kept, runner.kept_lease = runner.kept_lease, lambda _operation: nullcontext()
    try:
        yield
    finally:
        runner.kept_lease = kept


def test_a_node_that_never_becomes_ready_leaves_nothing_half_done(world: World, account, monkeypatch):
    monkeypatch.setattr(steps_module, "READY_DEADLINE_SECONDS", 0.2)
    for kind in sorted(STARTS_A_NODE):
        operation = asked_for(kind, account)
        world.unready(True)
        run_operation(operation.pk)
        operation.refresh_from_db()
        assert (operation.state, operation.undoing) == (Operation.State.FAILED, False)
        assert "did not become ready" in operation.error
        world.unready(False)
        if operation.cluster.operations.filter(state=Operation.State.PENDING).exists():
            settle()
        else:
            retry_operation(cluster=operation.cluster, requested_by=SYSTEM)
            settle()
    check(world)


def test_a_web_process_killed_between_commit_and_wake_up_loses_nothing(world: World, account):
    operation = asked_for(OperationKind.CREATE, account)
    settle()
    assert world.order(restart=str(operation.cluster_id)) == 9
    left = operation.cluster.operations.get(generation=2)
    assert swept() == [str(left.pk)]
    settle()
    check_done_once(world, left)
    check(world)
