"""The gate's rules put to the database's rows: facts of clusters, packages and models."""

from datetime import datetime

from django.conf import settings

from cloudconsole.errors import Refusal
from clusters.models import Cluster, Package, Region
from inference.catalogue import ModelSpec
from inference.rules import (
    Available,
    ClusterFacts,
    ModelFacts,
    inference_availability,
    inference_eligibility,
    starts_with_inference,
)


def cluster_facts(cluster: Cluster) -> ClusterFacts:
    """The facts the gate looks at. Needs ``package`` and ``region`` loaded."""
    return ClusterFacts(
        name=cluster.name,
        paid=cluster.package.type == Package.Type.PAID,
        region_has_inference=cluster.region.inference_available,
        inference_wanted=cluster.inference_enabled,
        inference_applied=cluster.inference_applied,
    )


def model_facts(spec: ModelSpec | None) -> ModelFacts:
    """The facts the gate looks at. None is a model nobody knows: it is neither free nor available everywhere."""
    return ModelFacts(
        runs_everywhere=spec is not None and spec.weights is not None and spec.weights.family == "bm25",
        free=spec is not None and not spec.is_external and spec.price_millicents_per_million == 0,
    )


def availability(facts: ClusterFacts, spec: ModelSpec | None) -> Available | Refusal:
    """Whether a cluster with these facts may use this model right now, under the operator's settings."""
    return inference_availability(
        facts, model_facts(spec), free_models_everywhere=settings.INFERENCE_FREE_MODELS_EVERYWHERE
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
