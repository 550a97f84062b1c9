"""The gate's rules put to the database's rows: facts of clusters, packages and models."""

from datetime import datetime

from cloudconsole.errors import Refusal
from clusters.models import Cluster, Package, Region
from inference.rules import Available, ClusterFacts, inference_eligibility, starts_with_inference


def cluster_facts(cluster: Cluster) -> ClusterFacts:
    """The facts the gate looks at. Needs ``package`` and ``region`` loaded."""
    return ClusterFacts(
        name=cluster.name,
        paid=cluster.package.type == Package.Type.PAID,
        region_has_inference=cluster.region.inference_available,
        inference_wanted=cluster.inference_enabled,
        inference_applied=cluster.inference_applied,
    )


def eligibility(*, package: Package, region: Region) -> Available | Refusal:
    """Whether inference can be on with this package in this region."""
    return inference_eligibility(
        paid=package.type == Package.Type.PAID, region_has_inference=region.inference_available
    )


class ConfigurationPolicy:
    """What the clusters app asks when a configuration is made or changed (``clusters.policies``)."""

    def refusal_to_enable(self, *, package: Package, region: Region) -> Refusal | None:
        answer = eligibility(package=package, region=region)
        return answer if isinstance(answer, Refusal) else None

    def enabled_at_creation(self, *, package: Package, region: Region, created_at: datetime) -> bool:
        return starts_with_inference(
            paid=package.type == Package.Type.PAID,
            region_has_inference=region.inference_available,
            created_at=created_at,
        )
