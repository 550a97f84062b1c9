"""The cluster lifecycle as one table: which operation may start in which phase, and where it leads.

Phase names and meanings are those of Qdrant Cloud's ``ClusterPhase``. There is no restarting phase: a restart
is phase UPDATING with a running operation.
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    CREATING = "CREATING"
    FAILED_TO_CREATE = "FAILED_TO_CREATE"
    UPDATING = "UPDATING"
    FAILED_TO_UPDATE = "FAILED_TO_UPDATE"
    SCALING = "SCALING"
    UPGRADING = "UPGRADING"
    SUSPENDING = "SUSPENDING"
    SUSPENDED = "SUSPENDED"
    FAILED_TO_SUSPEND = "FAILED_TO_SUSPEND"
    RESUMING = "RESUMING"
    FAILED_TO_RESUME = "FAILED_TO_RESUME"
    HEALTHY = "HEALTHY"
    NOT_READY = "NOT_READY"
    DELETING = "DELETING"


class OperationKind(StrEnum):
    CREATE = "create"
    RESTART = "restart"
    SCALE = "scale"
    UPGRADE = "upgrade"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    DELETE = "delete"


@dataclass(frozen=True)
class Transition:
    """``allowed_from`` → ``during`` while the operation runs → ``succeeded`` or ``failed``."""

    allowed_from: frozenset[Phase]
    during: Phase
    succeeded: Phase | None  # None: the cluster is gone
    failed: Phase


_WORKING = frozenset({Phase.HEALTHY, Phase.NOT_READY, Phase.FAILED_TO_UPDATE})
# Intents may pile up: what is asked while an update runs is applied by a later generation of the same cluster.
_UPDATABLE = _WORKING | {Phase.CREATING, Phase.UPDATING, Phase.SCALING, Phase.UPGRADING}

TRANSITIONS: dict[OperationKind, Transition] = {
    OperationKind.CREATE: Transition(frozenset(), Phase.CREATING, Phase.HEALTHY, Phase.FAILED_TO_CREATE),
    OperationKind.RESTART: Transition(_UPDATABLE, Phase.UPDATING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.SCALE: Transition(_WORKING, Phase.SCALING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.UPGRADE: Transition(_WORKING, Phase.UPGRADING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.SUSPEND: Transition(
        _WORKING | {Phase.FAILED_TO_SUSPEND}, Phase.SUSPENDING, Phase.SUSPENDED, Phase.FAILED_TO_SUSPEND
    ),
    OperationKind.UNSUSPEND: Transition(
        frozenset({Phase.SUSPENDED, Phase.FAILED_TO_RESUME}),
        Phase.RESUMING,
        Phase.HEALTHY,
        Phase.FAILED_TO_RESUME,
    ),
    OperationKind.DELETE: Transition(frozenset(Phase) - {Phase.DELETING}, Phase.DELETING, None, Phase.DELETING),
}


def may_start(kind: OperationKind, phase: Phase) -> bool:
    """Whether an operation of this kind may be asked for while the cluster is in this phase."""
    return phase in TRANSITIONS[kind].allowed_from


def refusal_sentence(kind: OperationKind, name: str, phase: Phase) -> str:
    """Why ``kind`` cannot start now and what to do about it."""
    return (
        f"Cluster {name} is {phase.replace('_', ' ').lower()}, so it cannot {kind} now. "
        "Wait until it is healthy and try again."
    )
