"""The inference gate: the only place that knows when a cluster may use a model.

Facts (documentation of Qdrant Cloud Inference): paid clusters in US regions only; on by default for clusters
created after July 7th, 2025; switching on or off restarts the cluster. ``qdrant/bm25`` is computed by the engine
itself and works on every cluster.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cloudconsole.errors import Refusal

ON_BY_DEFAULT_FROM = datetime(2025, 7, 8, tzinfo=UTC)

NOT_ELIGIBLE_SENTENCE = (
    "Inference is available for paid clusters in US regions only. Create a paid cluster in a US region to use it."
)


class GateCode(StrEnum):
    TIER = "inference_tier"
    REGION = "inference_region"
    DISABLED = "inference_disabled"
    RESTARTING = "inference_restarting"


@dataclass(frozen=True)
class ClusterFacts:
    """What the gate needs to know of a cluster."""

    name: str
    paid: bool
    region_has_inference: bool
    inference_wanted: bool
    inference_applied: bool


@dataclass(frozen=True)
class ModelFacts:
    """What the gate needs to know of a model."""

    runs_everywhere: bool
    free: bool


class Available:
    """The gate is open."""


AVAILABLE = Available()


def inference_eligibility(*, paid: bool, region_has_inference: bool) -> Available | Refusal:
    """Whether inference can be switched on at all for a cluster of this tier in this region."""
    if not region_has_inference:
        return Refusal(GateCode.REGION, NOT_ELIGIBLE_SENTENCE)
    if not paid:
        return Refusal(GateCode.TIER, NOT_ELIGIBLE_SENTENCE)
    return AVAILABLE


def inference_availability(
    cluster: ClusterFacts, model: ModelFacts, *, free_models_everywhere: bool = False
) -> Available | Refusal:
    """Whether this cluster may use this model right now.

    ``free_models_everywhere`` is the operator's choice to open free models to every cluster
    (``INFERENCE_FREE_MODELS_EVERYWHERE``).
    """
    if model.runs_everywhere or (model.free and free_models_everywhere):
        return AVAILABLE
    eligibility = inference_eligibility(paid=cluster.paid, region_has_inference=cluster.region_has_inference)
    if isinstance(eligibility, Refusal):
        return eligibility
    if not cluster.inference_wanted:
        return Refusal(
            GateCode.DISABLED,
            f"Inference is switched off for cluster {cluster.name}. "
            "Switch it on in the cluster's Inference tab; this restarts the cluster.",
        )
    if not cluster.inference_applied:
        return Refusal(
            GateCode.RESTARTING,
            f"Cluster {cluster.name} is restarting to switch inference on. Try again in a few seconds.",
        )
    return AVAILABLE


def starts_with_inference(*, paid: bool, region_has_inference: bool, created_at: datetime) -> bool:
    """Whether a cluster created at this time has inference on without anybody asking for it."""
    eligible = inference_eligibility(paid=paid, region_has_inference=region_has_inference) is AVAILABLE
    return eligible and created_at >= ON_BY_DEFAULT_FROM
