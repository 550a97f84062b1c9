"""A process that forks, for each line it reads, a worker that dies by kill -9 where the line says.

A line is JSON: ``{"operation", "step", "moment"}`` runs an operation and dies at that step: ``before`` it, ``after``
its effect, or ``recording`` it, inside of the transaction. ``{"restart": cluster}`` is a web process that dies after
its commit and before it wakes anybody. The answer is the child's wait status.
"""

import dataclasses
import json
import os
import signal
import sys
from typing import Any
from uuid import UUID

import django

django.setup()

from cloudconsole.accounts.services import SYSTEM  # noqa: E402
from clusters import wakeup  # noqa: E402
from clusters.models import Cluster, Operation  # noqa: E402
from clusters.operations import runner  # noqa: E402
from clusters.operations.steps import STEPS, Step  # noqa: E402
from clusters.rules.lifecycle import OperationKind  # noqa: E402
from clusters.services import restart_cluster  # noqa: E402


def die(*_args: Any, **_kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(step: Step, moment: str) -> Step:
    """The step with death at a moment of it."""

    def run_and_die(work: Any) -> None:
        if step.run:
            step.run(work)
        die()

    def record_and_die(work: Any, at: Any) -> None:
        if step.record:
            step.record(work, at)
        die()

    def undo_and_die(work: Any) -> None:
        if step.undo:
            step.undo(work)
        die()

    return {
        "before": lambda: dataclasses.replace(step, run=die),
        "after": lambda: dataclasses.replace(step, run=run_and_die),
        "recording": lambda: dataclasses.replace(step, record=record_and_die),
        "undoing": lambda: dataclasses.replace(step, undo=undo_and_die),
    }[moment]()


def run(order: dict[str, Any]) -> None:
    if cluster := order.get("restart"):
        wakeup.run_operation_soon = die
        restart_cluster(cluster=Cluster.objects.get(pk=cluster), requested_by=SYSTEM)
        return
    operation = Operation.objects.get(pk=order["operation"])
    kind, number = OperationKind(operation.kind), order["step"]
    steps = list(STEPS[kind])
    steps[number] = deadly(steps[number], order["moment"])
    STEPS[kind] = tuple(steps)
    runner.run_operation(UUID(order["operation"]))


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # log lines are no answers
        run(json.loads(line))
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
