"""Which provisioner runs a cluster: an existing Qdrant server of the operator's, else the node agent."""

from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from cloudconsole.qdrant_servers import QdrantServer
from clusters.models import Cluster, Region
from clusters.provisioners.existing import ExistingQdrantProvisioner, collection_prefix
from clusters.provisioners.node_agent import NodeAgentProvisioner
from clusters.provisioners.owner import Owner
from clusters.provisioners.upstream import Upstream


class Provisioner(Protocol):
    """What runs a cluster's nodes. Every call names its owner, so repeating it changes nothing.

    Every method raises ``ProvisionerUnavailable`` when what runs the nodes does not answer, and ``GenerationRefused``
    when a later owner had the say meanwhile.
    """

    def start(self, cluster_id: UUID, *, owner: Owner, configuration: dict[str, Any]) -> None:
        """Start the nodes of the owner's generation; returns before they are ready."""

    def stop(self, cluster_id: UUID, *, owner: Owner, including_own: bool = False) -> None:
        """Drain and stop nodes of earlier generations, and the owner's if so told; returns when they are gone."""

    def delete(self, cluster_id: UUID, *, owner: Owner) -> None:
        """Stop the nodes and delete the cluster's data."""

    def ready(self, cluster_id: UUID, *, generation: int) -> bool:
        """Whether the nodes of this generation answer requests."""

    def memory_bytes(self, cluster_id: UUID) -> int | None:
        """The memory that the busiest of the cluster's nodes uses; None when it is not known."""


def provisioner_for(cluster: Cluster) -> Provisioner:
    """The provisioner of the cluster's region. Needs ``region`` loaded."""
    if server := server_of(cluster.region):
        return ExistingQdrantProvisioner(server)
    return NodeAgentProvisioner(settings.PATHS.run)


def server_of(region: Region) -> QdrantServer | None:
    """The operator's Qdrant server that carries the clusters of a region; None where they have embedded nodes."""
    server: QdrantServer | None = settings.QDRANT_SERVERS.of_region(region.provider_id, region.code)
    return server


def upstream_of(cluster: Cluster) -> Upstream:
    """Where the cluster answers. Asks nobody. Needs ``region`` loaded."""
    server = server_of(cluster.region)
    if server is None:
        return Upstream(socket=NodeAgentProvisioner(settings.PATHS.run).upstream(cluster.pk))
    return Upstream(server=server, prefix=collection_prefix(cluster.pk) if server.shared else "")
