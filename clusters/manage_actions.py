"""What a cluster's Manage page offers: operations with their consequences, and why one cannot start now."""

from dataclasses import dataclass
from typing import Any, Protocol

from cloudconsole.accounts.services import Actor
from clusters import services
from clusters.models import Cluster
from clusters.rules.lifecycle import OperationKind, Phase, may_start, refusal_sentence


class Verb(Protocol):
    def __call__(self, *, cluster: Cluster, requested_by: Actor) -> Cluster: ...


@dataclass(frozen=True)
class Action:
    """One button of the page: what it is called, what it does to the cluster, and the verb behind it."""

    slug: str
    kind: OperationKind
    title: str
    button: str
    icon: str
    consequence: str
    perform: Verb

    def refusal(self, cluster: Cluster) -> str | None:
        """Why it cannot be asked for now; None when it can."""
        phase = Phase(cluster.phase)
        return None if may_start(self.kind, phase) else refusal_sentence(self.kind, cluster.name, phase)


_DOWN_FOR_SECONDS = (
    "While it restarts, usually for a few seconds, its endpoint answers 503 with Retry-After; requests in flight "
    "finish first, and your data stays."
)

ACTIONS: dict[str, Action] = {
    action.slug: action
    for action in (
        Action(
            "restart",
            OperationKind.RESTART,
            "Restart",
            "Restart the cluster",
            "rotate-cw",
            f"The nodes stop and start again. {_DOWN_FOR_SECONDS}",
            services.restart_cluster,
        ),
        Action(
            "suspend",
            OperationKind.SUSPEND,
            "Suspend",
            "Suspend the cluster",
            "circle-pause",
            "The nodes stop, and with them the bill for them; requests are refused until you resume the cluster. "
            "Your data and keys stay.",
            services.suspend_cluster,
        ),
        Action(
            "resume",
            OperationKind.UNSUSPEND,
            "Resume",
            "Resume the cluster",
            "power",
            "The nodes start with the data that was there when they stopped, and are billed again.",
            services.unsuspend_cluster,
        ),
    )
}

RESTART_SENTENCE = f"This restarts the nodes. {_DOWN_FOR_SECONDS}"
DELETE_SENTENCE = (
    "The nodes stop, the keys are revoked and all data is deleted. Nobody can bring it back. "
    "Whatever else was asked of the cluster is dropped."
)


def size_changes(cluster: Cluster, cleaned: dict[str, Any]) -> dict[str, Any]:
    """What the valid scale form changes."""
    return {name: value for name, value in cleaned.items() if getattr(cluster, name) != value}
