"""Clusters in the admin API's form: what a row says as a message, and what a message says about a row."""

from typing import Any

from django.conf import settings
from google.protobuf import json_format

from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import cluster_pb2, configuration_pb2, state_pb2
from cloudconsole.api.gen.qdrant.cloud.common.v1.common_pb2 import KeyValue
from clusters.endpoints import endpoint_url
from clusters.models import Cluster, Package
from clusters.rules.lifecycle import Phase

_FREE_SIZE = "A free cluster has one size. Choose a paid package to scale it."
_NO_BACKUPS = "Backups are not part of this release."


def cluster_message(cluster: Cluster) -> cluster_pb2.Cluster:
    """The whole cluster with configuration and state. Needs ``region`` and ``package`` loaded."""
    return cluster_pb2.Cluster(
        id=str(cluster.pk),
        created_at=cluster.created_at,
        deleted_at=cluster.deleted_at,
        account_id=str(cluster.account_id),
        name=cluster.name,
        cloud_provider_id=cluster.region.provider_id,
        cloud_provider_region_id=cluster.region.code,
        labels=[KeyValue(**label) for label in cluster.labels],
        cost_allocation_label=cluster.cost_allocation_label,
        configuration=_configuration(cluster),
        state=_state(cluster),
    )


def labels_of(message: cluster_pb2.Cluster) -> list[dict[str, str]]:
    """The labels as a row keeps them."""
    return [{"key": label.key, "value": label.value} for label in message.labels]


def extra_configuration(configuration: configuration_pb2.ClusterConfiguration) -> dict[str, Any]:
    """What a row keeps in ``extra_configuration``: the JSON form of everything that has no column.

    Messages that hold nothing but such a column's value stay in it as empty ones, because an empty message that a
    client sent must come back.
    """
    rest = configuration_pb2.ClusterConfiguration()
    rest.CopyFrom(configuration)
    for name in ("last_modified_at", "number_of_nodes", "version", "package_id"):
        rest.ClearField(name)
    if rest.HasField("additional_resources"):
        rest.additional_resources.ClearField("disk")
    if rest.database_configuration.HasField("inference"):
        rest.database_configuration.inference.ClearField("enabled")
    return json_format.MessageToDict(rest)


def _configuration(cluster: Cluster) -> configuration_pb2.ClusterConfiguration:
    configuration = json_format.ParseDict(cluster.extra_configuration, configuration_pb2.ClusterConfiguration())
    configuration.MergeFrom(
        configuration_pb2.ClusterConfiguration(
            last_modified_at=cluster.modified_at,
            number_of_nodes=cluster.number_of_nodes,
            version=cluster.version,
            package_id=str(cluster.package_id),
        )
    )
    # Where nobody sent these messages, their absence says what the columns say, unless there is something to say.
    if cluster.additional_disk_gib:
        configuration.additional_resources.disk = cluster.additional_disk_gib
    if cluster.inference_enabled:
        configuration.database_configuration.inference.enabled = True
    return configuration


def _state(cluster: Cluster) -> state_pb2.ClusterState:
    fixed = cluster.package.type == Package.Type.FREE
    scalability = state_pb2.ClusterScalabilityInfo(status=state_pb2.CLUSTER_SCALABILITY_STATUS_SCALABLE)
    return state_pb2.ClusterState(
        version=_running_version(cluster),
        nodes_up=cluster.number_of_nodes if cluster.serving else 0,
        restarted_at=cluster.restarted_at,
        phase=f"CLUSTER_PHASE_{cluster.phase}",
        reason=cluster.reason,
        endpoint=state_pb2.ClusterEndpoint(
            url=endpoint_url(cluster), rest_port=settings.GATEWAY_REST_PORT, grpc_port=settings.GATEWAY_GRPC_PORT
        ),
        resources=_resources(cluster.package, cluster.additional_disk_gib),
        scalability_info=scalability,
        nodes=[_node(cluster, index) for index in range(cluster.number_of_nodes)],
        jwt_rbac=cluster.jwt_rbac,
        capabilities=state_pb2.ClusterCapabilities(
            disk_expansion=state_pb2.ClusterDiskExpansionSupportInfo(
                status=state_pb2.CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_NOT_SUPPORTED
                if fixed
                else state_pb2.CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_SUPPORTED,
                reason=_FREE_SIZE if fixed else None,
            ),
            backup=state_pb2.ClusterBackupSupportInfo(
                status=state_pb2.CLUSTER_BACKUP_SUPPORT_STATUS_NOT_SUPPORTED, reason=_NO_BACKUPS
            ),
            scalability_info=scalability,
        ),
    )


def _running_version(cluster: Cluster) -> str:
    return str(cluster.applied_configuration.get("version") or cluster.version)


def _resources(package: Package, additional_disk_gib: int) -> state_pb2.ClusterNodeResourcesSummary:
    """Per node: disk and memory in GiB, processor in millicores."""

    def resources(base: int, additional: int = 0) -> state_pb2.ClusterNodeResources:
        return state_pb2.ClusterNodeResources(base=base, additional=additional, available=base + additional)

    return state_pb2.ClusterNodeResourcesSummary(
        disk=resources(package.disk_gib, additional_disk_gib),
        ram=resources(package.ram_gib),
        cpu=resources(package.cpu_millicores),
    )


def node_name(cluster: Cluster, index: int) -> str:
    return f"qdrant-{cluster.pk}-{index}"


def _node(cluster: Cluster, index: int) -> state_pb2.ClusterNodeInfo:
    if cluster.serving:
        state = state_pb2.CLUSTER_NODE_STATE_HEALTHY
    elif cluster.phase == Phase.SUSPENDED:
        state = state_pb2.CLUSTER_NODE_STATE_SUSPENDED
    else:
        state = state_pb2.CLUSTER_NODE_STATE_STARTING
    return state_pb2.ClusterNodeInfo(
        name=node_name(cluster, index),
        started_at=(cluster.restarted_at or cluster.created_at) if cluster.serving else None,
        version=_running_version(cluster),
        state=state,
    )
