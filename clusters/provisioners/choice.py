"""Which provisioner runs a cluster: an existing Qdrant server of the operator's, else the node agent."""

from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from clusters.models import Cluster
from clusters.provisioners.existing import ExistingQdrantProvisioner
from clusters.provisioners.node_agent import NodeAgentProvisioner
from clusters.provisioners.owner import Owner


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

    def upstream(self, cluster_id: UUID) -> str:
        """Where the cluster answers: the path of a unix socket or a URL. Asks nobody."""


def provisioner_for(cluster: Cluster) -> Provisioner:
    """The provisioner of the cluster's region."""
    if settings.QDRANT_URL:
        return ExistingQdrantProvisioner(settings.QDRANT_URL, settings.QDRANT_API_KEY)
    return NodeAgentProvisioner(settings.PATHS.run)
