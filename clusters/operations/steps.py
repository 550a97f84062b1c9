"""The named steps of each kind of operation.

Every step may be repeated without a second effect. What it does outside of the database is ``run``; what it
changes inside is ``record``, written in the transaction that marks the step as done. ``undo`` takes a step back that
was begun or done, where half of an operation must not stay; it may be repeated as well.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clusters.models import Cluster, ComputePeriod, Operation
from clusters.notifications import announce_cluster_change
from clusters.operations.compute import end_compute, start_compute
from clusters.operations.lease import check_wanted
from clusters.provisioners.choice import Provisioner, provisioner_for
from clusters.provisioners.owner import Owner
from clusters.rules.lifecycle import OperationKind

READY_DEADLINE_SECONDS = 60
POLL_SECONDS = 0.05


class StepFailed(Exception):
    """The step cannot succeed by trying again; the sentence becomes the cluster's reason."""


@dataclass(frozen=True)
class Work:
    """What a step works on: the operation it belongs to, its cluster, and where the cluster runs."""

    operation: Operation
    cluster: Cluster
    provisioner: Provisioner

    @property
    def owner(self) -> Owner:
        return Owner(self.operation.generation, self.operation.fencing_token)


@dataclass(frozen=True)
class Step:
    title: str
    run: Callable[[Work], None] | None = None
    record: Callable[[Work, datetime], None] | None = None
    undo: Callable[[Work], None] | None = None
    record_undo: Callable[[Work, datetime], None] | None = None
    rolling_title: str = ""  # what it is where requests wait for several nodes; "{nodes}" is their number

    def title_for(self, cluster: Cluster) -> str:
        """What the step is called when it is done to this cluster."""
        if self.rolling_title and cluster.restarts_rolling:
            return self.rolling_title.format(nodes=cluster.number_of_nodes)
        return self.title


def close_endpoint(work: Work, _at: datetime) -> None:
    """From here on the gateway answers 503 with Retry-After for this cluster, or has its requests wait."""
    Cluster.objects.filter(pk=work.cluster.pk).update(serving=False)
    announce_cluster_change(work.cluster.pk)


def open_endpoint(work: Work, _at: datetime) -> None:
    """The nodes that ran before still do: let requests in again, unless there never were any."""
    running = ComputePeriod.objects.filter(cluster=work.cluster, ended_at=None).exists()
    Cluster.objects.filter(pk=work.cluster.pk).update(serving=running)
    announce_cluster_change(work.cluster.pk)


def stop_node(work: Work) -> None:
    """In-flight requests finish, then the process ends. A node of this or a later generation is left alone."""
    work.provisioner.stop(work.cluster.pk, owner=work.owner)


def start_node(work: Work) -> None:
    work.provisioner.start(work.cluster.pk, owner=work.owner, configuration=work.operation.configuration)


def replace_node(work: Work) -> None:
    """A node that may have stopped runs again, in this operation's name."""
    stop_node(work)
    start_node(work)


def stop_this_generation(work: Work) -> None:
    """Stop what ran before and what this operation started; the data stays."""
    work.provisioner.stop(work.cluster.pk, owner=work.owner, including_own=True)


def remove_node(work: Work) -> None:
    """Stop the process and delete the data; earlier owners never start it again."""
    work.provisioner.delete(work.cluster.pk, owner=work.owner)


def begin_compute(work: Work, at: datetime) -> None:
    start_compute(work.cluster, work.operation.configuration, at)


def finish_compute(work: Work, at: datetime) -> None:
    end_compute(work.cluster, at)


def revoke_keys(work: Work, at: datetime) -> None:
    work.cluster.api_keys.filter(revoked_at=None).update(revoked_at=at)
    announce_cluster_change(work.cluster.pk)


def await_ready(work: Work) -> None:
    """Wait until the node of this generation answers, or until the cluster is to be deleted."""
    deadline = time.monotonic() + READY_DEADLINE_SECONDS
    while True:
        if work.provisioner.ready(work.cluster.pk, generation=work.operation.generation):
            return
        if time.monotonic() > deadline:
            raise StepFailed(
                f"The node did not become ready within {READY_DEADLINE_SECONDS} seconds. "
                "Look at the cluster's log lines and restart it."
            )
        check_wanted(work.operation)
        time.sleep(POLL_SECONDS)


_CLOSE = Step("Close the endpoint", record=close_endpoint)
_HOLD = Step("Close the endpoint", record=close_endpoint, rolling_title="Have requests wait until the nodes are back")
_STOP = Step(
    "Stop the node, after its running requests",
    stop_node,
    rolling_title="Stop the {nodes} nodes, which are one process here, after their running requests",
)
_AWAIT = Step(
    "Wait until the node is ready",
    await_ready,
    rolling_title="Wait until the {nodes} nodes are ready, then let requests in",
)


def _starting(how: str) -> Step:
    return Step(f"Start the node {how}", start_node, begin_compute, rolling_title=f"Start the {{nodes}} nodes {how}")


STEPS: dict[OperationKind, tuple[Step, ...]] = {
    OperationKind.CREATE: (
        Step("Start the node", start_node, begin_compute, undo=remove_node, record_undo=finish_compute),
        _AWAIT,
    ),
    OperationKind.RESTART: (_HOLD, _STOP, _starting("with the new configuration"), _AWAIT),
    OperationKind.SCALE: (_HOLD, _STOP, _starting("in the new size"), _AWAIT),
    OperationKind.SCALE_OUT: (Step("Count the nodes and their disks anew", record=begin_compute),),
    OperationKind.UPGRADE: (_HOLD, _STOP, _starting("with the new version"), _AWAIT),
    OperationKind.SUSPEND: (
        Step("Close the endpoint", record=close_endpoint, record_undo=open_endpoint),
        Step("Stop the node, after its running requests", stop_this_generation, finish_compute, undo=replace_node),
    ),
    OperationKind.UNSUSPEND: (
        Step("Start the node", start_node, begin_compute, undo=stop_this_generation, record_undo=finish_compute),
        _AWAIT,
    ),
    OperationKind.DELETE: (
        _CLOSE,
        Step("Revoke the API keys", record=revoke_keys),
        Step("Stop the node and delete the data", remove_node, finish_compute),
    ),
}


def work_on(operation: Operation) -> Work:
    """Load what the steps need."""
    cluster = Cluster.objects.select_related("region__provider", "package").get(pk=operation.cluster_id)
    return Work(operation=operation, cluster=cluster, provisioner=provisioner_for(cluster))
