"""Which restarts have requests wait, and what their steps are called then."""

import pytest

from clusters.models import Cluster
from clusters.operations.steps import STEPS
from clusters.rules.lifecycle import OperationKind, Phase
from clusters.rules.restarts import PARALLEL, requests_wait, restarts_rolling

ROLLING = PARALLEL.replace("PARALLEL", "ROLLING")
AUTOMATIC = PARALLEL.replace("PARALLEL", "AUTOMATIC")


@pytest.mark.parametrize(
    ("nodes", "policy", "rolling"),
    [
        (1, None, False),
        (1, ROLLING, False),
        (2, None, True),
        (2, ROLLING, True),
        (3, AUTOMATIC, True),
        (3, PARALLEL, False),
    ],
)
def test_several_nodes_restart_rolling_unless_told_otherwise(nodes, policy, rolling):
    assert restarts_rolling(nodes=nodes, policy=policy) == rolling


@pytest.mark.parametrize("phase", list(Phase))
def test_requests_wait_only_for_what_comes_back_by_itself(phase):
    assert requests_wait(rolling=True, phase=phase) == (phase in {"UPDATING", "SCALING", "UPGRADING"})
    assert not requests_wait(rolling=False, phase=phase)


def titles(kind: OperationKind, **fields: object) -> list[str]:
    cluster = Cluster(**fields)
    return [step.title_for(cluster) for step in STEPS[kind]]


def test_the_steps_of_a_rolling_restart_say_what_becomes_of_the_nodes():
    assert titles(OperationKind.RESTART, number_of_nodes=3) == [
        "Have requests wait until the nodes are back",
        "Stop the 3 nodes, which are one process here, after their running requests",
        "Start the 3 nodes with the new configuration",
        "Wait until the 3 nodes are ready, then let requests in",
    ]
    parallel = titles(OperationKind.RESTART, number_of_nodes=3, extra_configuration={"restartPolicy": PARALLEL})
    assert parallel == titles(OperationKind.RESTART, number_of_nodes=1)
    assert parallel[0] == "Close the endpoint"
