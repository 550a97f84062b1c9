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
    DELETED = "NOT_FOUND"  # gone, for everybody; the row stays for the bills


class OperationKind(StrEnum):
    CREATE = "create"
    RESTART = "restart"
    SCALE = "scale"  # another size of nodes, which restarts them
    SCALE_OUT = "scale-out"  # more or fewer nodes, larger disks: no restart
    UPGRADE = "upgrade"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    DELETE = "delete"


@dataclass(frozen=True)
class Transition:
    """``allowed_from`` → ``during`` while the operation runs → ``succeeded`` or ``failed``."""

    allowed_from: frozenset[Phase]
    during: Phase
    succeeded: Phase
    failed: Phase


_WORKING = frozenset({Phase.HEALTHY, Phase.NOT_READY, Phase.FAILED_TO_UPDATE, Phase.FAILED_TO_SUSPEND})
# Intents may pile up: what is asked while an update runs is applied by a later generation of the same cluster.
_UPDATABLE = _WORKING | {Phase.CREATING, Phase.UPDATING, Phase.SCALING, Phase.UPGRADING}

TRANSITIONS: dict[OperationKind, Transition] = {
    OperationKind.CREATE: Transition(frozenset(), Phase.CREATING, Phase.HEALTHY, Phase.FAILED_TO_CREATE),
    OperationKind.RESTART: Transition(_UPDATABLE, Phase.UPDATING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.SCALE: Transition(_WORKING, Phase.SCALING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.SCALE_OUT: Transition(_WORKING, Phase.SCALING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.UPGRADE: Transition(_WORKING, Phase.UPGRADING, Phase.HEALTHY, Phase.FAILED_TO_UPDATE),
    OperationKind.SUSPEND: Transition(_WORKING, Phase.SUSPENDING, Phase.SUSPENDED, Phase.FAILED_TO_SUSPEND),
    OperationKind.UNSUSPEND: Transition(
        frozenset({Phase.SUSPENDED, Phase.FAILED_TO_RESUME}),
        Phase.RESUMING,
        Phase.HEALTHY,
        Phase.FAILED_TO_RESUME,
    ),
    OperationKind.DELETE: Transition(
        frozenset(Phase) - {Phase.DELETING, Phase.DELETED}, Phase.DELETING, Phase.DELETED, Phase.DELETING
    ),
}
# After these a cluster has nodes that serve; the others end with none.
SERVING_AFTER = frozenset(kind for kind, transition in TRANSITIONS.items() if transition.succeeded == Phase.HEALTHY)


def may_start(kind: OperationKind, phase: Phase) -> bool:
    """Whether an operation of this kind may be asked for while the cluster is in this phase."""
    return phase in TRANSITIONS[kind].allowed_from


def refusal_sentence(kind: OperationKind, name: str, phase: Phase) -> str:
    """Why ``kind`` cannot start now and what to do about it."""
    what_to_do = _ALREADY.get((kind, phase)) or _WHAT_TO_DO.get(phase, _WAIT)
    if kind == OperationKind.UNSUSPEND and phase in _UPDATABLE:
        what_to_do = "It is not suspended, so there is nothing to resume."
    return f"Cluster {name} {_STATES[phase]} and cannot be {_ASKED[kind]} now. {what_to_do}"


_STATES = {
    Phase.CREATING: "is being created",
    Phase.FAILED_TO_CREATE: "could not be created",
    Phase.UPDATING: "is being updated",
    Phase.FAILED_TO_UPDATE: "could not be updated",
    Phase.SCALING: "is being scaled",
    Phase.UPGRADING: "is being upgraded",
    Phase.SUSPENDING: "is being suspended",
    Phase.SUSPENDED: "is suspended",
    Phase.FAILED_TO_SUSPEND: "could not be suspended",
    Phase.RESUMING: "is being resumed",
    Phase.FAILED_TO_RESUME: "could not be resumed",
    Phase.HEALTHY: "is healthy",
    Phase.NOT_READY: "is not ready",
    Phase.DELETING: "is being deleted",
    Phase.DELETED: "is deleted",
}
_ASKED = {
    OperationKind.CREATE: "created",
    OperationKind.RESTART: "restarted",
    OperationKind.SCALE: "scaled",
    OperationKind.SCALE_OUT: "scaled",
    OperationKind.UPGRADE: "upgraded",
    OperationKind.SUSPEND: "suspended",
    OperationKind.UNSUSPEND: "resumed",
    OperationKind.DELETE: "deleted",
}
_WAIT = "Wait until it is healthy and try again."
_WHAT_TO_DO = {
    Phase.SUSPENDING: "Wait until it is suspended, then resume it.",
    Phase.SUSPENDED: "Resume it and try again.",
    Phase.FAILED_TO_RESUME: "Resume it and try again.",
    Phase.FAILED_TO_CREATE: "Try its creation again, or delete it.",
    Phase.DELETING: "Create a new one.",
    Phase.DELETED: "Create a new one.",
}
_ALREADY = {
    (OperationKind.SUSPEND, Phase.SUSPENDING): "Wait until that is done.",
    (OperationKind.SUSPEND, Phase.SUSPENDED): "There is nothing left to do.",
    (OperationKind.UNSUSPEND, Phase.RESUMING): "Wait until that is done.",
    (OperationKind.DELETE, Phase.DELETING): "Wait until that is done.",
    (OperationKind.DELETE, Phase.DELETED): "There is nothing left to do.",
}
