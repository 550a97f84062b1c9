"""Operations on a real node: from a click to what runs, whatever happens in between."""

import os
import subprocess
import sys
from datetime import timedelta
from functools import partial

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from cloudconsole.accounts.services import SYSTEM
from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from clusters.models import Operation, Package
from clusters.operations.lease import LeaseLost, claim, update_owned
from clusters.operations.runner import run_operation
from clusters.operations.steps import STEPS
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.node_agent import NodeAgentProvisioner
from clusters.provisioners.owner import Owner
from clusters.rules.lifecycle import OperationKind, Phase
from clusters.services import (
    ClusterSpecification,
    create_cluster,
    delete_cluster,
    restart_cluster,
    suspend_cluster,
    unsuspend_cluster,
    update_cluster,
)
from clusters.tasks import sweep_operations
from inference.services import set_inference
from tests.together import at_once
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
nodes = NodeAgentProvisioner(settings.PATHS.run)


class Agent:
    """The node agent in a process of its own."""

    def start(self) -> None:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}
        command = [sys.executable, "manage.py", "node_agent"]
        self.process = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, preexec_fn=die_with_parent)
        wait_until(agent_answers, seconds=30, what="the node agent answers")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def agent_answers() -> bool:
    try:
        nodes.status("00000000-0000-0000-0000-000000000000")
    except ProvisionerUnavailable:
        return False
    return True


@pytest.fixture(scope="module")
def agent(embedded_servers):
    process = Agent()
    process.start()
    yield process
    process.stop()


@pytest.fixture
def cluster(agent, account, payment_method, make_cluster):
    """A cluster that was really created: its node runs generation 1, inference off."""
    template = make_cluster("template")
    specification = ClusterSpecification(
        name="real", region=template.region, package=template.package, inference_enabled=False
    )
    created = create_cluster(account=account, specification=specification, requested_by=SYSTEM)
    run_operation(created.operations.get().pk)
    created.refresh_from_db()
    yield created
    nodes.delete(created.pk, Owner(1000))


def run_all(cluster) -> None:
    for operation_id in cluster.operations.order_by("generation").values_list("pk", flat=True):
        run_operation(operation_id)
    cluster.refresh_from_db()


def expire_lease(operation) -> None:
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_a_created_cluster_runs_and_serves(cluster):
    assert (cluster.phase, cluster.observed_generation, cluster.serving) == (Phase.HEALTHY, 1, True)
    assert nodes.ready(cluster.pk, generation=1)


def test_the_toggle_replaces_the_node_and_is_applied_only_then(cluster):
    before = nodes.status(cluster.pk)
    set_inference(cluster=cluster, enabled=True, requested_by=SYSTEM)
    cluster.refresh_from_db()
    assert (cluster.inference_enabled, cluster.inference_applied) == (True, False)
    run_all(cluster)
    after = nodes.status(cluster.pk)
    assert (cluster.phase, cluster.inference_applied, cluster.serving) == (Phase.HEALTHY, True, True)
    assert (after.generation, after.pid != before.pid) == (2, True)
    operation = cluster.operations.get(generation=2)
    assert operation.steps_done == len(operation.step_times) == len(STEPS[OperationKind.RESTART])
    assert cluster.restarted_at == operation.finished_at


def test_an_operation_delivered_twice_at_once_restarts_once(cluster):
    operation = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=2)
    at_once(*[partial(run_operation, operation.pk)] * 3)
    operation.refresh_from_db()
    assert (operation.state, operation.attempts) == (Operation.State.SUCCEEDED, 1)
    pid = nodes.status(cluster.pk).pid
    run_operation(operation.pk)
    assert nodes.status(cluster.pk).pid == pid


@pytest.mark.parametrize("steps_done", range(len(STEPS[OperationKind.RESTART]) + 1))
def test_a_worker_that_died_at_any_step_is_replaced(cluster, steps_done, monkeypatch):
    """The first worker does some steps and is gone; once its lease is over the sweep finds the row."""
    operation = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=2)
    dead = claim(operation.pk)
    from clusters.operations.steps import work_on

    for step in STEPS[OperationKind.RESTART][:steps_done]:
        if step.run:
            step.run(work_on(dead))
    update_owned(dead, steps_done=max(0, steps_done - 1))  # it may have died before it wrote the last one down
    run_operation(operation.pk)
    operation.refresh_from_db()
    assert operation.state == Operation.State.RUNNING  # its lease still holds

    expire_lease(operation)
    woken = []
    monkeypatch.setattr("clusters.tasks.run_operation_soon", woken.append)
    sweep_operations()
    assert woken == [operation.pk]
    run_operation(operation.pk)
    operation.refresh_from_db()
    cluster.refresh_from_db()
    assert (operation.state, operation.attempts, cluster.phase) == (Operation.State.SUCCEEDED, 2, Phase.HEALTHY)
    assert nodes.status(cluster.pk).restarts == 0


def test_an_owner_that_was_paused_past_its_lease_writes_nothing_any_more(cluster):
    operation = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=2)
    paused = claim(operation.pk)
    expire_lease(operation)
    run_operation(operation.pk)
    with pytest.raises(LeaseLost):
        update_owned(paused, state=Operation.State.FAILED)
    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED


def test_of_many_toggles_in_a_row_the_last_one_counts_and_restarts_once(cluster):
    for enabled in (True, False, True):
        set_inference(cluster=cluster, enabled=enabled, requested_by=SYSTEM)
    run_all(cluster)
    states = list(cluster.operations.order_by("generation").values_list("state", flat=True))
    assert states == ["succeeded", "superseded", "superseded", "succeeded"]
    assert (cluster.phase, cluster.inference_applied, cluster.observed_generation) == (Phase.HEALTHY, True, 4)
    assert nodes.status(cluster.pk).generation == 4


def test_a_later_generation_waits_for_the_earlier_one(cluster):
    first = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=2)
    assert claim(first.pk)
    second = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=3)
    assert claim(second.pk) is None


def test_while_the_node_agent_is_away_the_operation_waits_and_says_why(cluster, agent):
    operation = restart_cluster(cluster=cluster, requested_by=SYSTEM).operations.get(generation=2)
    agent.stop()
    run_operation(operation.pk)
    operation.refresh_from_db()
    assert operation.state == Operation.State.RUNNING
    assert "node agent cannot be reached" in operation.error

    agent.start()
    expire_lease(operation)
    run_all(cluster)
    assert (cluster.phase, cluster.operations.get(generation=2).error) == (Phase.HEALTHY, "")


def on_the_node(cluster, method, path, **options):
    with httpx.Client(transport=httpx.HTTPTransport(uds=nodes.upstream(cluster.pk)), base_url="http://node") as node:
        return node.request(method, path, timeout=30, **options).raise_for_status().json()["result"]


def test_a_whole_life_on_a_real_node_keeps_its_data_to_the_end(cluster, payment_method):
    on_the_node(cluster, "PUT", "/collections/c", json={"vectors": {"size": 2, "distance": "Dot"}})
    point = {"id": 1, "vector": [1.0, 2.0], "payload": {"a": "b"}}
    on_the_node(cluster, "PUT", "/collections/c/points?wait=true", json={"points": [point]})

    changes = {"package": Package.objects.get(name="mx3"), "number_of_nodes": 2}
    update_cluster(cluster=cluster, changes=changes, requested_by=SYSTEM)
    run_all(cluster)
    assert (cluster.phase, cluster.applied_configuration["number_of_nodes"]) == (Phase.HEALTHY, 2)
    update_cluster(cluster=cluster, changes={"number_of_nodes": 1}, requested_by=SYSTEM)
    run_all(cluster)
    assert nodes.status(cluster.pk).generation == 2  # nothing restarts for it
    assert on_the_node(cluster, "GET", "/collections/c/points/1")["payload"] == {"a": "b"}

    suspend_cluster(cluster=cluster, requested_by=SYSTEM)
    run_all(cluster)
    assert (cluster.phase, cluster.serving, nodes.status(cluster.pk).pid) == (Phase.SUSPENDED, False, None)
    unsuspend_cluster(cluster=cluster, requested_by=SYSTEM)
    run_all(cluster)
    assert (cluster.phase, cluster.serving) == (Phase.HEALTHY, True)
    assert on_the_node(cluster, "GET", "/collections/c/points/1")["vector"] == [1.0, 2.0]
    assert list(cluster.compute_periods.order_by("started_at").values_list("package__name", "nodes")) == [
        ("mx1", 1),
        ("mx3", 2),
        ("mx3", 1),
        ("mx3", 1),
    ]

    delete_cluster(cluster=cluster, requested_by=SYSTEM)
    run_all(cluster)
    assert (cluster.phase, nodes.status(cluster.pk)) == (Phase.DELETED, None)
    assert not (settings.PATHS.data / "clusters" / str(cluster.pk)).exists()
    assert not cluster.compute_periods.filter(ended_at=None).exists()
