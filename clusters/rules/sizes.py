"""What a cluster's size may become: disks never shrink, and memory must hold what is in it."""

from dataclasses import dataclass
from enum import StrEnum

GIB = 1024**3


class RiskStatus(StrEnum):
    """Named as in Qdrant Cloud's ``ClusterDownscaleRiskStatus``."""

    NO_RISK = "NO_RISK"
    USAGE_EXCEEDS_TARGET = "USAGE_EXCEEDS_TARGET"
    USAGE_UNKNOWN = "USAGE_UNKNOWN"


@dataclass(frozen=True)
class DownscaleRisk:
    """Whether ``resource`` of a smaller package would suffice; ``reason`` says why not."""

    resource: str  # "MEMORY", the only one that Qdrant Cloud tells
    status: RiskStatus
    reason: str | None


def memory_risk(*, used_bytes: int | None, ram_gib: int) -> DownscaleRisk:
    """Whether the memory that the busiest node uses fits into ``ram_gib``."""
    if used_bytes is None:
        return DownscaleRisk(
            "MEMORY",
            RiskStatus.USAGE_UNKNOWN,
            "How much memory the cluster uses is not known right now. Try again when its nodes are up.",
        )
    if used_bytes > ram_gib * GIB:
        return DownscaleRisk(
            "MEMORY",
            RiskStatus.USAGE_EXCEEDS_TARGET,
            f"The cluster uses {used_bytes / GIB:.1f} GiB of memory per node, and the package has {ram_gib} GiB. "
            "Choose a larger package, or delete data first.",
        )
    return DownscaleRisk("MEMORY", RiskStatus.NO_RISK, None)


def missing_disk_gib(*, present_gib: int, wanted_gib: int) -> int:
    """How many GiB a wanted disk lacks to be no smaller than the present one."""
    return max(0, present_gib - wanted_gib)
