"""How a restart looks from outside: requests to several nodes wait for it, a single node refuses them meanwhile.

Qdrant Cloud restarts several nodes one after the other where collections are replicated, else all at once
(``restart_policy``). Here a cluster's nodes are one process, which is replaced; what users see of a rolling restart
is the same: no request fails.
"""

from clusters.rules.lifecycle import Phase

PARALLEL = "CLUSTER_CONFIGURATION_RESTART_POLICY_PARALLEL"
_RESTARTING = frozenset({Phase.UPDATING, Phase.SCALING, Phase.UPGRADING})


def restarts_rolling(*, nodes: int, policy: str | None) -> bool:
    """Whether requests wait while the nodes restart; ``policy`` is the API's name for it, None if none was chosen."""
    return nodes > 1 and policy != PARALLEL


def requests_wait(*, rolling: bool, phase: Phase) -> bool:
    """Whether an endpoint that is closed in this phase opens again in a moment, so that waiting for it is right."""
    return rolling and phase in _RESTARTING
