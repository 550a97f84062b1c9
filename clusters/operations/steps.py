"""The named steps of each kind of operation. Every step may be repeated without a second effect."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from clusters.models import Cluster, Operation
from clusters.notifications import announce_cluster_change
from clusters.provisioners.choice import Provisioner, provisioner_for
from clusters.rules.lifecycle import OperationKind

READY_DEADLINE_SECONDS = 60
POLL_SECONDS = 0.1


class StepFailed(Exception):
    """The step cannot succeed by trying again; the sentence becomes the cluster's reason."""


@dataclass(frozen=True)
class Work:
    """What a step works on: the operation it belongs to, its cluster, and where the cluster runs."""

    operation: Operation
    cluster: Cluster
    provisioner: Provisioner


@dataclass(frozen=True)
class Step:
    title: str
    run: Callable[[Work], None]


def close_endpoint(work: Work) -> None:
    """From here on the gateway answers 503 with Retry-After for this cluster."""
    Cluster.objects.filter(pk=work.cluster.pk).update(serving=False)
    announce_cluster_change(work.cluster.pk)


def stop_node(work: Work) -> None:
    """In-flight requests finish, then the process ends. A node of this or a later generation is left alone."""
    work.provisioner.stop(work.cluster.pk, generation=work.operation.generation)


def start_node(work: Work) -> None:
    work.provisioner.start(
        work.cluster.pk,
        generation=work.operation.generation,
        configuration=work.operation.configuration,
    )


def await_ready(work: Work) -> None:
    """Wait until the node of this generation answers."""
    deadline = time.monotonic() + READY_DEADLINE_SECONDS
    while True:
        if work.provisioner.ready(work.cluster.pk, generation=work.operation.generation):
            return
        if time.monotonic() > deadline:
            raise StepFailed(
                f"The node did not become ready within {READY_DEADLINE_SECONDS} seconds. "
                "Look at the cluster's log lines and restart it."
            )
        time.sleep(POLL_SECONDS)


STEPS: dict[OperationKind, tuple[Step, ...]] = {
    OperationKind.CREATE: (
        Step("Start the node", start_node),
        Step("Wait until the node is ready", await_ready),
    ),
    OperationKind.RESTART: (
        Step("Close the endpoint", close_endpoint),
        Step("Stop the node, after its running requests", stop_node),
        Step("Start the node with the new configuration", start_node),
        Step("Wait until the node is ready", await_ready),
    ),
}


def work_on(operation: Operation) -> Work:
    """Load what the steps need."""
    cluster = Cluster.objects.select_related("region__provider", "package").get(pk=operation.cluster_id)
    return Work(operation=operation, cluster=cluster, provisioner=provisioner_for(cluster))
