"""What can be done to clusters: verbs, keyword-only, one transaction each.

Every verb that needs work writes intent, operation and audit row together and wakes a task after commit.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor, lock_account
from cloudconsole.errors import Code, ServiceError
from clusters.admission import check_inference, check_new_cluster, check_scaling, check_upgrade, initial_inference
from clusters.catalogue import DEFAULT_VERSION
from clusters.intents import (
    audit,
    lock_cluster,
    record_operation,
    start_operation,
    supersede_operations,
    wake_after_commit,
)
from clusters.models import Cluster, ClusterActivity, Operation, Package, Region
from clusters.notifications import announce_cluster_change
from clusters.rules.changes import QUIET_FIELDS, RESTARTING_FIELDS, SCALING_FIELDS, kind_of, summary_of
from clusters.rules.lifecycle import TRANSITIONS, OperationKind, Phase, refusal_sentence


@dataclass(frozen=True)
class ClusterSpecification:
    """What somebody wants a new cluster to be. ``inference_enabled=None`` leaves it to the gate's default."""

    name: str
    region: Region
    package: Package
    number_of_nodes: int = 1
    additional_disk_gib: int = 0
    version: str = DEFAULT_VERSION
    labels: list[dict[str, str]] = field(default_factory=list)  # {"key": …, "value": …}
    cost_allocation_label: str | None = None
    extra_configuration: dict[str, Any] = field(default_factory=dict)
    inference_enabled: bool | None = None
    jwt_rbac: bool = True


@transaction.atomic
def create_cluster(
    *,
    account: Account,
    specification: ClusterSpecification,
    requested_by: Actor,
    created_at: datetime | None = None,
    cluster_id: UUID | None = None,
) -> Cluster:
    """A new cluster in phase CREATING and the operation that brings it up.

    Only the demo seed fixes ``created_at`` and ``cluster_id``; they are now and random otherwise.
    Raises ServiceError: quota, no payment method, tier rules, region, package or version not on offer, inference
    refused.
    """
    created_at = created_at or timezone.now()
    spec = specification
    lock_account(account)  # quotas count under it
    check_new_cluster(
        account,
        region=spec.region,
        package=spec.package,
        nodes=spec.number_of_nodes,
        additional_disk_gib=spec.additional_disk_gib,
    )
    cluster = Cluster(
        id=cluster_id or uuid4(),
        account=account,
        name=spec.name,
        region=spec.region,
        package=spec.package,
        number_of_nodes=spec.number_of_nodes,
        additional_disk_gib=spec.additional_disk_gib,
        version=spec.version,
        labels=spec.labels,
        cost_allocation_label=spec.cost_allocation_label,
        extra_configuration=spec.extra_configuration,
        inference_enabled=initial_inference(spec.package, spec.region, spec.inference_enabled, created_at),
        jwt_rbac=spec.jwt_rbac,
        created_at=created_at,
        modified_at=created_at,
        phase=TRANSITIONS[OperationKind.CREATE].during,
    )
    cluster.save(force_insert=True)
    if cluster.package.type == Package.Type.FREE:
        ClusterActivity.objects.create(cluster=cluster, last_used_at=timezone.now())
    record_operation(
        cluster, kind=OperationKind.CREATE, summary="Create cluster", requested_by=requested_by, before=None
    )
    return cluster


@transaction.atomic
def update_cluster(*, cluster: Cluster, changes: dict[str, Any], requested_by: Actor) -> Cluster:
    """Change fields of a cluster: configuration, size (scaling) and version (upgrading), in one operation.

    Nodes restart for another package or version, for inference, and for what Qdrant reads when it starts; for
    nothing else. ``changes`` maps field names of Cluster to wanted values; those that change nothing are dropped,
    and a call that changes nothing does nothing. Raises ServiceError: inference refused by the gate, tier rules,
    quotas, a disk that would shrink, memory that would not suffice, a version that is no upgrade, wrong phase.
    """
    locked = lock_cluster(cluster)
    changes = {name: value for name, value in changes.items() if getattr(locked, name) != value}
    if not changes:
        return locked
    _check_changes(locked, changes)
    before = {name: _as_json(getattr(locked, name)) for name in changes}
    kind = kind_of(changes, extra_before=locked.extra_configuration)
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.modified_at = timezone.now()
    if kind is not None:
        summary = summary_of(changes, package_name=locked.package.name)
        start_operation(locked, kind=kind, summary=summary, requested_by=requested_by, before=before)
        return locked
    if locked.phase == Phase.DELETING:
        raise ServiceError(
            Code.FAILED_PRECONDITION, refusal_sentence(OperationKind.RESTART, locked.name, Phase.DELETING)
        )
    locked.save()
    audit(locked, requested_by, "update", before)
    announce_cluster_change(locked.pk)
    return locked


def _check_changes(cluster: Cluster, changes: dict[str, Any]) -> None:
    if fixed := set(changes) - RESTARTING_FIELDS - SCALING_FIELDS - QUIET_FIELDS:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"A cluster's {', '.join(sorted(fixed))} cannot be changed after it was created. Create another one.",
        )
    if changes.get("inference_enabled"):
        check_inference(changes.get("package", cluster.package), cluster.region)
    if "version" in changes:
        check_upgrade(cluster, changes["version"])
    if SCALING_FIELDS & set(changes):
        check_scaling(
            cluster,
            package=changes.get("package", cluster.package),
            nodes=changes.get("number_of_nodes", cluster.number_of_nodes),
            additional_disk_gib=changes.get("additional_disk_gib", cluster.additional_disk_gib),
        )


def _as_json(value: Any) -> Any:
    return str(value.pk) if isinstance(value, Package | Region) else value


@transaction.atomic
def restart_cluster(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Queue a restart of the cluster's nodes. Raises ServiceError in phases that have no running nodes."""
    return _operate(cluster, OperationKind.RESTART, "Restart", requested_by)


@transaction.atomic
def suspend_cluster(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Stop the cluster's nodes and keep its data. Raises ServiceError in phases that do not allow it."""
    return _operate(cluster, OperationKind.SUSPEND, "Suspend", requested_by)


@transaction.atomic
def unsuspend_cluster(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Start the nodes of a suspended cluster. A free one counts as used again. Raises ServiceError."""
    resumed = _operate(cluster, OperationKind.UNSUSPEND, "Resume", requested_by)
    if resumed.package.type == Package.Type.FREE:
        ClusterActivity.objects.update_or_create(
            cluster=resumed,
            defaults={
                "last_used_at": timezone.now(),
                "warned_of_suspension_at": None,
                "warned_of_deletion_at": None,
            },
        )
    return resumed


def _operate(cluster: Cluster, kind: OperationKind, summary: str, requested_by: Actor) -> Cluster:
    locked = lock_cluster(cluster)
    start_operation(locked, kind=kind, summary=summary, requested_by=requested_by, before=None)
    return locked


@transaction.atomic
def delete_cluster(*, cluster: Cluster, requested_by: Actor, force: bool = False) -> Cluster:
    """Delete the cluster with its data. Wins over everything: whatever else was asked for is dropped.

    The step that is at work now ends first; with ``force`` its worker loses the operation at once. Asking again is
    no error. Raises ServiceError NOT_FOUND once the cluster is gone.
    """
    locked = lock_cluster(cluster)
    if locked.phase != Phase.DELETING:
        supersede_operations(locked, running_ones_too=force)
        locked.deleted_at = timezone.now()
        start_operation(locked, kind=OperationKind.DELETE, summary="Delete", requested_by=requested_by, before=None)
    elif force:
        locked.operations.filter(state=Operation.State.RUNNING).exclude(kind=OperationKind.DELETE).update(
            state=Operation.State.SUPERSEDED, finished_at=timezone.now()
        )
    return locked


@transaction.atomic
def retry_operation(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Take up the cluster's failed operation at the step that failed, or at the first that was taken back.

    Raises ServiceError when its latest operation did not fail.
    """
    locked = lock_cluster(cluster)
    failed = locked.operations.filter(generation=locked.generation, state=Operation.State.FAILED).first()
    if failed is None:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"Nothing that was last asked of cluster {locked.name} failed, so there is nothing to try again.",
        )
    failed.state, failed.error, failed.finished_at = Operation.State.PENDING, "", None
    failed.save(update_fields=["state", "error", "finished_at"])
    locked.phase, locked.reason = TRANSITIONS[OperationKind(failed.kind)].during, ""
    locked.save(update_fields=["phase", "reason"])
    audit(locked, requested_by, "retry", None)
    wake_after_commit(failed)
    return locked


@transaction.atomic
def enable_jwt_rbac(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Switch granular keys on, for good, which restarts the cluster; opaque keys stay valid.

    Does nothing where they are on. Raises ServiceError in phases that have no running nodes.
    """
    locked = lock_cluster(cluster)
    if not locked.jwt_rbac:
        locked.jwt_rbac = True
        start_operation(
            locked,
            kind=OperationKind.RESTART,
            summary="Enable granular keys",
            requested_by=requested_by,
            before={"jwt_rbac": False},
        )
    return locked
