"""A control plane whose engines are light, the workers that die in it, and what must hold when it is quiet again."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import SYSTEM
from cloudconsole.accounts.verification import verify_audit_log
from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from clusters.models import UNFINISHED, Cluster, Operation, Package, Region
from clusters.operations.runner import run_operation
from clusters.operations.steps import STEPS, start_node
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
from tests.waiting import wait_until

SEED = int(os.environ.get("CLOUDCONSOLE_FAULT_SEED", "20261122"))
ROUNDS = int(os.environ.get("CLOUDCONSOLE_FAULT_ROUNDS", "1"))
KINDS = list(OperationKind)
STARTS_A_NODE = {kind for kind in KINDS if any(step.run is start_node for step in STEPS[kind])}
MOST_SWEEPS = 20


@dataclass
class World:
    """The light agent's folder, and the process that forks dying workers."""

    data: Path
    workers: "subprocess.Popen[str]"

    def engines(self) -> dict[str, dict[str, Any]]:
        """What the agent knows, by cluster id."""
        transport = httpx.HTTPTransport(uds=str(settings.PATHS.run / "agent.sock"))
        with httpx.Client(transport=transport, base_url="http://agent") as agent:
            return {node["cluster_id"]: node for node in agent.get("/nodes").json()["nodes"]}

    def effects(self, what: str) -> Counter[tuple[str, int]]:
        """How often an engine of each cluster and generation was started or stopped."""
        lines = (self.data / "engines.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return Counter((line["cluster"], line["generation"]) for line in found if line["what"] == what)

    def order(self, **order: Any) -> int:
        """Let a process do this and die; the signal that ended it."""
        assert self.workers.stdin
        assert self.workers.stdout
        self.workers.stdin.write(json.dumps(order) + "\n")
        self.workers.stdin.flush()
        return os.WTERMSIG(int(self.workers.stdout.readline()))

    def killed_at(self, operation: Operation, step: int, moment: str) -> None:
        """A worker takes the operation and is killed there."""
        assert self.order(operation=str(operation.pk), step=step, moment=moment) == signal.SIGKILL

    def forget_engines(self) -> None:
        """Delete what the agent still has."""
        for cluster_id in self.engines():
            NodeAgentProvisioner(settings.PATHS.run).delete(cluster_id, Owner(1_000_000))

    def unready(self, is_so: bool) -> None:
        """Engines that start do not, or do again, become ready."""
        (self.data / "unready").touch() if is_so else (self.data / "unready").unlink(missing_ok=True)


def light_agent(data: Path) -> "subprocess.Popen[bytes]":
    """The agent's process, once it answers."""
    socket = settings.PATHS.run / "agent.sock"
    command = [sys.executable, "-m", "tests.faults.light_agent", str(data), str(settings.PATHS.run)]
    (data / "engines.jsonl").touch()
    process = subprocess.Popen(command, cwd=PROJECT_DIR, preexec_fn=die_with_parent)

    def answers() -> bool:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
                return client.get("http://agent/nodes").is_success
        except httpx.HTTPError:
            return False

    wait_until(answers, seconds=60, what="the light agent answers")
    return process


def dying_workers() -> "subprocess.Popen[str]":
    """The process that forks them, on the test's own database."""
    host = str(connection.settings_dict["HOST"]).replace("/", "%2F")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cloudconsole.settings",
        "DATABASE_URL": f"postgresql://postgres@{host}/{connection.settings_dict['NAME']}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.dying_worker"],
        cwd=PROJECT_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )


def asked_for(kind: OperationKind, account: Account) -> Operation:
    """An operation of this kind that somebody asked for a moment ago, on a cluster that is ready for it."""
    before_last = "v1.18.0" if kind == OperationKind.UPGRADE else "v1.19.0"
    specification = ClusterSpecification(
        name=f"{kind}-me",
        region=Region.objects.get(provider_id="aws", code="us-east-1"),
        package=Package.objects.get(name="mx1"),
        version=before_last,
        inference_enabled=False,
    )
    cluster = create_cluster(account=account, specification=specification, requested_by=SYSTEM)
    if kind != OperationKind.CREATE:
        settle()
    changes = {
        OperationKind.SCALE: {"package": Package.objects.get(name="mx2")},
        OperationKind.SCALE_OUT: {"number_of_nodes": 3},
        OperationKind.UPGRADE: {"version": "v1.19.0"},
    }
    if kind in changes:
        update_cluster(cluster=cluster, changes=changes[kind], requested_by=SYSTEM)
    elif kind == OperationKind.RESTART:
        restart_cluster(cluster=cluster, requested_by=SYSTEM)
    elif kind == OperationKind.DELETE:
        delete_cluster(cluster=cluster, requested_by=SYSTEM)
    elif kind in {OperationKind.SUSPEND, OperationKind.UNSUSPEND}:
        suspend_cluster(cluster=cluster, requested_by=SYSTEM)
        if kind == OperationKind.UNSUSPEND:
            settle()
            unsuspend_cluster(cluster=cluster, requested_by=SYSTEM)
    return cluster.operations.order_by("generation").last()


def expire_leases() -> None:
    """Time passes: whoever died or was paused holds nothing any more."""
    Operation.objects.filter(state=Operation.State.RUNNING).update(lease_expires_at=Now() - timedelta(seconds=1))


def settle() -> None:
    """Let time pass and sweep, as the beat does, until nothing is left to do."""
    for _ in range(MOST_SWEEPS):
        left = Operation.objects.filter(state__in=UNFINISHED).order_by("cluster", "generation")
        if not left:
            return
        expire_leases()
        for operation in left:
            run_operation(operation.pk)
    raise AssertionError(f"stuck: {[str(one) for one in left]}")


def swept() -> list[str]:
    """What a sweep would wake somebody for, once leases of the dead are over."""
    import clusters.tasks as tasks

    woken: list[str] = []
    wake, tasks.run_operation_soon = tasks.run_operation_soon, lambda one: woken.append(str(one))
    try:
        sweep_operations()
    finally:
        tasks.run_operation_soon = wake
    return woken


def check(world: World) -> None:
    """What always holds when everything is quiet: nothing stuck, nothing orphaned, nothing half-done, all recorded."""
    assert not Operation.objects.filter(state__in=UNFINISHED).exists(), "a stuck operation"
    engines = world.engines()
    assert set(engines) <= {str(pk) for pk in Cluster.objects.values_list("pk", flat=True)}, "an orphan engine"
    for cluster in Cluster.objects.all():
        _check_cluster(world, cluster, engines.get(str(cluster.pk)))
    for account in Account.objects.all():
        verdict = verify_audit_log(account)
        assert not verdict.problems, f"the audit chain is broken: {verdict}"


def _check_cluster(world: World, cluster: Cluster, engine: dict[str, Any] | None) -> None:
    running = engine is not None and engine["state"] == "running"
    folder = (world.data / "clusters" / str(cluster.pk)).exists()
    if cluster.phase in {Phase.DELETED, Phase.FAILED_TO_CREATE}:
        assert (engine, folder) == (None, False), f"{cluster} left something behind"
    elif cluster.phase in {Phase.SUSPENDED, Phase.FAILED_TO_RESUME}:
        assert (running, folder) == (False, True), f"{cluster} should rest with its data"
    else:
        assert running, f"{cluster} is {cluster.phase} and runs nothing"
    healthy = cluster.phase in {Phase.HEALTHY, Phase.FAILED_TO_SUSPEND}
    assert cluster.serving == healthy, f"{cluster} is {cluster.phase} and serving is {cluster.serving}"
    periods = list(cluster.compute_periods.order_by("started_at", "pk"))
    assert [period for period in periods if period.ended_at is None] == (periods[-1:] if running else [])
    for earlier, later in itertools.pairwise(periods):
        assert earlier.ended_at <= later.started_at, f"{cluster} is billed twice at once"
    if running:
        shape = (periods[-1].package_id, periods[-1].nodes, periods[-1].additional_disk_gib)
        assert shape == (cluster.package_id, cluster.number_of_nodes, cluster.additional_disk_gib)
    if cluster.phase == Phase.HEALTHY:
        assert cluster.observed_generation == cluster.generation
        assert cluster.applied_configuration == cluster.wanted_configuration


def check_done_once(world: World, operation: Operation) -> None:
    """The operation had its effect, once."""
    operation.refresh_from_db()
    assert operation.state == Operation.State.SUCCEEDED, operation.error
    assert operation.steps_done == len(operation.step_times) == len(STEPS[OperationKind(operation.kind)])
    started = world.effects("start")[str(operation.cluster_id), operation.generation]
    assert started == (1 if operation.kind in STARTS_A_NODE else 0)
