"""ClusterService of the admin API: translates between messages and services."""

from copy import copy
from typing import Any
from uuid import UUID

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import cluster_pb2
from cloudconsole.api.paging import page_of
from cloudconsole.api.registry import serves
from clusters import services
from clusters.catalogue import LATEST, resolve_version
from clusters.messages import cluster_message, extra_configuration, labels_of
from clusters.models import Cluster
from clusters.queries import cluster_of, clusters_of, locked_cluster_of, package_with, region_of
from clusters.rules.names import suggest_name

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
    if configuration.HasField("version"):
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
