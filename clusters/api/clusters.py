"""ClusterService of the admin API: translates between messages and services."""

from copy import copy
from typing import Any
from uuid import UUID

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import cluster_pb2
from cloudconsole.api.paging import page_of
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError
from clusters import services
from clusters.admission import downscale_risks
from clusters.catalogue import LATEST, RELEASES, Release, releases_from, resolve_version
from clusters.messages import cluster_message, extra_configuration, labels_of
from clusters.models import Cluster
from clusters.queries import cluster_of, clusters_of, locked_cluster_of, package_with, region_of
from clusters.rules.names import suggest_name
from clusters.rules.sizes import DownscaleRisk

_SERVICE = "qdrant.cloud.cluster.v1.ClusterService"


@serves(f"{_SERVICE}.ListClusters")
def list_clusters(request: cluster_pb2.ListClustersRequest, caller: Caller) -> cluster_pb2.ListClustersResponse:
    rows = clusters_of(caller.account)
    if request.HasField("cloud_provider_id"):
        rows = rows.filter(region__provider_id=request.cloud_provider_id)
    if request.HasField("cloud_provider_region_id"):
        rows = rows.filter(region__code=request.cloud_provider_region_id)
    page = page_of(
        rows,
        page_size=request.page_size if request.HasField("page_size") else None,
        page_token=request.page_token if request.HasField("page_token") else None,
    )
    return cluster_pb2.ListClustersResponse(
        items=[cluster_message(cluster) for cluster in page.items],
        total_size=page.total_size,
        next_page_token=page.next_page_token,
    )


@serves(f"{_SERVICE}.GetCluster")
def get_cluster(request: cluster_pb2.GetClusterRequest, caller: Caller) -> cluster_pb2.GetClusterResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    return cluster_pb2.GetClusterResponse(cluster=cluster_message(cluster))


@serves(f"{_SERVICE}.CreateCluster")
def create_cluster(request: cluster_pb2.CreateClusterRequest, caller: Caller) -> cluster_pb2.CreateClusterResponse:
    wanted = request.cluster
    configuration = wanted.configuration
    inference = configuration.database_configuration.inference
    specification = services.ClusterSpecification(
        name=wanted.name,
        region=region_of(wanted.cloud_provider_id, wanted.cloud_provider_region_id),
        package=package_with(UUID(configuration.package_id)),
        number_of_nodes=configuration.number_of_nodes,
        additional_disk_gib=configuration.additional_resources.disk,
        version=resolve_version(configuration.version or LATEST),
        labels=labels_of(wanted),
        cost_allocation_label=_cost_allocation_label(wanted),
        extra_configuration=extra_configuration(configuration),
        inference_enabled=inference.enabled if configuration.database_configuration.HasField("inference") else None,
    )
    cluster = services.create_cluster(account=caller.account, specification=specification, requested_by=caller.actor)
    return cluster_pb2.CreateClusterResponse(cluster=cluster_message(cluster))


def _locked_cluster(request: cluster_pb2.UpdateClusterRequest, caller: Caller) -> cluster_pb2.Cluster:
    return cluster_message(locked_cluster_of(caller.account, UUID(request.cluster.id)))


@serves(f"{_SERVICE}.UpdateCluster", current=_locked_cluster)
def update_cluster(request: cluster_pb2.UpdateClusterRequest, caller: Caller) -> cluster_pb2.UpdateClusterResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster.id))
    changed = services.update_cluster(
        cluster=cluster, changes=_changes(cluster, request.cluster), requested_by=caller.actor
    )
    return cluster_pb2.UpdateClusterResponse(cluster=cluster_message(changed))


def _changes(cluster: Cluster, wanted: cluster_pb2.Cluster) -> dict[str, Any]:
    """Fields of the row with the values that the message asks for.

    Version and inference keep their value when the message does not mention them: the server chose it.
    """
    configuration = wanted.configuration
    changes: dict[str, Any] = {
        "name": wanted.name,
        "region": region_of(wanted.cloud_provider_id, wanted.cloud_provider_region_id),
        "package": package_with(UUID(configuration.package_id)),
        "labels": labels_of(wanted),
        "cost_allocation_label": _cost_allocation_label(wanted),
        "number_of_nodes": configuration.number_of_nodes,
        "additional_disk_gib": configuration.additional_resources.disk,
    }
    if configuration.HasField("version") and configuration.version != cluster.version:
        changes["version"] = resolve_version(configuration.version)
    if configuration.database_configuration.HasField("inference"):
        changes["inference_enabled"] = configuration.database_configuration.inference.enabled
    # What the server fills in is not kept, so that sending it back is no change: only what would not come back is.
    changed = copy(cluster)
    for name, value in changes.items():
        setattr(changed, name, value)
    extra = extra_configuration(configuration)
    if extra != extra_configuration(cluster_message(changed).configuration):
        changes["extra_configuration"] = extra
    return changes


def _cost_allocation_label(wanted: cluster_pb2.Cluster) -> str | None:
    return wanted.cost_allocation_label if wanted.HasField("cost_allocation_label") else None


@serves(f"{_SERVICE}.RestartCluster")
def restart_cluster(request: cluster_pb2.RestartClusterRequest, caller: Caller) -> cluster_pb2.RestartClusterResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    services.restart_cluster(cluster=cluster, requested_by=caller.actor)
    return cluster_pb2.RestartClusterResponse()


@serves(f"{_SERVICE}.SuspendCluster")
def suspend_cluster(request: cluster_pb2.SuspendClusterRequest, caller: Caller) -> cluster_pb2.SuspendClusterResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    services.suspend_cluster(cluster=cluster, requested_by=caller.actor)
    return cluster_pb2.SuspendClusterResponse()


@serves(f"{_SERVICE}.UnsuspendCluster")
def unsuspend_cluster(
    request: cluster_pb2.UnsuspendClusterRequest, caller: Caller
) -> cluster_pb2.UnsuspendClusterResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    services.unsuspend_cluster(cluster=cluster, requested_by=caller.actor)
    return cluster_pb2.UnsuspendClusterResponse()


@serves(f"{_SERVICE}.DeleteCluster")
def delete_cluster(request: cluster_pb2.DeleteClusterRequest, caller: Caller) -> cluster_pb2.DeleteClusterResponse:
    """There are no backups yet, so there are none to delete with it."""
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    services.delete_cluster(cluster=cluster, requested_by=caller.actor, force=request.force)
    return cluster_pb2.DeleteClusterResponse()


@serves(f"{_SERVICE}.GetClusterDownscaleRisk")
def get_cluster_downscale_risk(
    request: cluster_pb2.GetClusterDownscaleRiskRequest, caller: Caller
) -> cluster_pb2.GetClusterDownscaleRiskResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    risks = downscale_risks(cluster, package_with(UUID(request.package_id)))
    return cluster_pb2.GetClusterDownscaleRiskResponse(downscale_risks=[_risk(risk) for risk in risks])


def _risk(risk: DownscaleRisk) -> cluster_pb2.ClusterDownscaleRiskInfo:
    return cluster_pb2.ClusterDownscaleRiskInfo(
        resource=f"CLUSTER_DOWNSCALE_RISK_RESOURCE_{risk.resource}",
        status=f"CLUSTER_DOWNSCALE_RISK_STATUS_{risk.status}",
        reason=risk.reason or None,
    )


@serves(f"{_SERVICE}.EnableClusterJwtRbac")
def enable_cluster_jwt_rbac(
    request: cluster_pb2.EnableClusterJwtRbacRequest, caller: Caller
) -> cluster_pb2.EnableClusterJwtRbacResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    services.enable_jwt_rbac(cluster=cluster, requested_by=caller.actor)
    return cluster_pb2.EnableClusterJwtRbacResponse()


@serves(f"{_SERVICE}.SuggestClusterName")
def suggest_cluster_name(
    request: cluster_pb2.SuggestClusterNameRequest, caller: Caller
) -> cluster_pb2.SuggestClusterNameResponse:
    taken = set(clusters_of(caller.account).values_list("name", flat=True))
    return cluster_pb2.SuggestClusterNameResponse(name=suggest_name(taken))


@serves(f"{_SERVICE}.ListQdrantReleases")
def list_qdrant_releases(
    request: cluster_pb2.ListQdrantReleasesRequest, caller: Caller
) -> cluster_pb2.ListQdrantReleasesResponse:
    version = cluster_of(caller.account, UUID(request.cluster_id)).version if request.HasField("cluster_id") else None
    return cluster_pb2.ListQdrantReleasesResponse(items=[_release(release) for release in releases_from(version)])


@serves(f"{_SERVICE}.GetQdrantRelease")
def get_qdrant_release(
    request: cluster_pb2.GetQdrantReleaseRequest, caller: Caller
) -> cluster_pb2.GetQdrantReleaseResponse:
    found = [release for release in RELEASES if release.version == request.version]
    if not found:
        raise ServiceError(Code.NOT_FOUND, f"There is no Qdrant release {request.version}.")
    return cluster_pb2.GetQdrantReleaseResponse(release=_release(found[0]))


def _release(release: Release) -> cluster_pb2.QdrantRelease:
    return cluster_pb2.QdrantRelease(
        version=release.version,
        default=release.default,
        release_notes_url=release.release_notes_url,
        end_of_life=release.end_of_life,
    )
