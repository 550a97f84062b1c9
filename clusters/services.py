"""What can be done to clusters: verbs, keyword-only, one transaction each.

Every verb that needs work writes intent, operation and audit row together and wakes a task after commit.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor, record_audit_event
from cloudconsole.errors import Code, ServiceError
from clusters import policies, wakeup
from clusters.catalogue import DEFAULT_VERSION
from clusters.models import Cluster, Operation, Package, Region
from clusters.notifications import announce_cluster_change
from clusters.provisioners.choice import server_of
from clusters.rules.lifecycle import TRANSITIONS, OperationKind, Phase, may_start, refusal_sentence

MOST_NODES = 100
MOST_ADDITIONAL_DISK_GIB = 16_384


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
    Raises ServiceError: no payment method, free-tier limits, region or package not on offer, inference refused.
    """
    created_at = created_at or timezone.now()
    spec = specification
    Account.objects.select_for_update().get(pk=account.pk)  # the free-tier limit counts under this lock
    _check_offer(account, spec)
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
        inference_enabled=_initial_inference(spec, created_at),
        jwt_rbac=spec.jwt_rbac,
        created_at=created_at,
        modified_at=created_at,
        phase=TRANSITIONS[OperationKind.CREATE].during,
    )
    cluster.save(force_insert=True)
    _record(cluster, kind=OperationKind.CREATE, summary="Create cluster", requested_by=requested_by, before=None)
    return cluster


def _check_offer(account: Account, spec: ClusterSpecification) -> None:
    _check_server(spec.region)
    if not (spec.region.available and spec.package.active):
        raise ServiceError(Code.FAILED_PRECONDITION, "This region or package is not on offer; choose another one.")
    if spec.number_of_nodes > MOST_NODES or spec.additional_disk_gib > MOST_ADDITIONAL_DISK_GIB:
        raise ServiceError(
            Code.INVALID_ARGUMENT,
            f"A cluster has at most {MOST_NODES} nodes with {MOST_ADDITIONAL_DISK_GIB} GiB of additional disk each.",
        )
    if spec.package.type == Package.Type.PAID:
        if not account.payment_methods.exists():
            raise ServiceError(
                Code.FAILED_PRECONDITION,
                "A paid cluster needs a payment method. Add one to the account, or choose the free package.",
                "package",
            )
        return
    if not spec.region.free_tier:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"Free clusters are not offered in {spec.region.name}. Choose a region with a free tier.",
            "region",
        )
    if spec.number_of_nodes != 1 or spec.additional_disk_gib:
        raise ServiceError(Code.INVALID_ARGUMENT, "A free cluster has exactly one node and no additional disk.")
    if Cluster.objects.filter(account=account, package__type=Package.Type.FREE).exists():
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            "An account can have one free cluster, and this one has it already.",
            "package",
        )


def _check_server(region: Region) -> None:
    """Nothing separates clusters on a Qdrant server that is not shared: it carries one."""
    server = server_of(region)
    if server is None or server.shared:
        return
    others = Region.objects.filter(clusters__isnull=False).distinct()
    if any((other := server_of(one)) and other.url == server.url for one in others):
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            "This region's Qdrant server carries one cluster, and has it already. QDRANT_SHARED lets it carry more.",
            "region",
        )


def _initial_inference(spec: ClusterSpecification, created_at: datetime) -> bool:
    if spec.inference_enabled is None:
        return policies.inference.enabled_at_creation(package=spec.package, region=spec.region, created_at=created_at)
    if spec.inference_enabled:
        _check_inference_allowed(spec.package, spec.region)
    return spec.inference_enabled


def _check_inference_allowed(package: Package, region: Region) -> None:
    refusal = policies.inference.refusal_to_enable(package=package, region=region)
    if refusal:
        raise ServiceError(Code.FAILED_PRECONDITION, refusal.sentence)


_RESTARTING_FIELDS = {"inference_enabled", "version"}
_QUIET_FIELDS = {"name", "labels", "cost_allocation_label", "extra_configuration"}


@transaction.atomic
def update_cluster(*, cluster: Cluster, changes: dict[str, Any], requested_by: Actor) -> Cluster:
    """Change fields of a cluster; what its nodes run with (inference, version) starts a restart.

    ``changes`` maps field names of Cluster to wanted values; those that change nothing are dropped, and a call that
    changes nothing does nothing. Raises ServiceError: inference refused by the gate, wrong phase, fields that only
    scaling may change.
    """
    locked = Cluster.objects.select_for_update(of=("self",)).select_related("region", "package").get(pk=cluster.pk)
    changes = {name: value for name, value in changes.items() if getattr(locked, name) != value}
    if not changes:
        return locked
    if unsupported := set(changes) - _RESTARTING_FIELDS - _QUIET_FIELDS:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"A cluster's {', '.join(sorted(unsupported))} cannot be changed after it was created.",
        )
    if changes.get("inference_enabled"):
        _check_inference_allowed(locked.package, locked.region)
    before = {name: getattr(locked, name) for name in changes}
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.modified_at = timezone.now()
    if restarting := set(changes) & _RESTARTING_FIELDS:
        _start_next_generation(
            locked, summary=_update_summary(changes, restarting), requested_by=requested_by, before=before
        )
    else:
        locked.save()
        _audit(locked, requested_by, "update", before)
        announce_cluster_change(locked.pk)
    return locked


def _update_summary(changes: dict[str, Any], restarting: set[str]) -> str:
    if "inference_enabled" in restarting:
        return f"Switch inference {'on' if changes['inference_enabled'] else 'off'}"
    return f"Change version to {changes['version']}"


@transaction.atomic
def restart_cluster(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Queue a restart of the cluster's nodes. Raises ServiceError in phases that have no running nodes."""
    locked = Cluster.objects.select_for_update(of=("self",)).select_related("region", "package").get(pk=cluster.pk)
    _start_next_generation(locked, summary="Restart", requested_by=requested_by, before=None)
    return locked


def _start_next_generation(
    cluster: Cluster, *, summary: str, requested_by: Actor, before: dict[str, Any] | None
) -> None:
    phase = Phase(cluster.phase)
    if not may_start(OperationKind.RESTART, phase):
        raise ServiceError(Code.FAILED_PRECONDITION, refusal_sentence(OperationKind.RESTART, cluster.name, phase))
    cluster.generation += 1
    if phase != Phase.CREATING:  # a cluster that is still being created applies this generation right afterwards
        cluster.phase = TRANSITIONS[OperationKind.RESTART].during
    cluster.reason = ""
    cluster.save()
    _record(cluster, kind=OperationKind.RESTART, summary=summary, requested_by=requested_by, before=before)


def _record(
    cluster: Cluster, *, kind: OperationKind, summary: str, requested_by: Actor, before: dict[str, Any] | None
) -> None:
    operation = Operation.objects.create(
        cluster=cluster,
        kind=kind,
        generation=cluster.generation,
        configuration=cluster.wanted_configuration,
        summary=summary,
        requested_by=requested_by.name,
    )
    _audit(cluster, requested_by, kind, before)
    announce_cluster_change(cluster.pk)
    transaction.on_commit(partial(wakeup.run_operation_soon, operation.pk))


def _audit(cluster: Cluster, actor: Actor, action: str, before: dict[str, Any] | None) -> None:
    record_audit_event(
        account=cluster.account,
        actor=actor,
        action=action,
        resource_type="cluster",
        resource_id=str(cluster.pk),
        before=before,
        after={
            "name": cluster.name,
            "generation": cluster.generation,
            "configuration": cluster.wanted_configuration,
        },
    )


@transaction.atomic
def enable_jwt_rbac(*, cluster: Cluster, requested_by: Actor) -> Cluster:
    """Switch granular keys on, for good, which restarts the cluster; opaque keys stay valid.

    Does nothing where they are on. Raises ServiceError in phases that have no running nodes.
    """
    locked = Cluster.objects.select_for_update(of=("self",)).select_related("region", "package").get(pk=cluster.pk)
    if not locked.jwt_rbac:
        locked.jwt_rbac = True
        before = {"jwt_rbac": False}
        _start_next_generation(locked, summary="Enable granular keys", requested_by=requested_by, before=before)
    return locked
