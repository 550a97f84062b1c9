"""The lifecycle table, over every kind of operation and every phase."""

import re
from itertools import product

import pytest

from clusters.rules.lifecycle import TRANSITIONS, OperationKind, Phase, may_start, refusal_sentence

WORKING = {"HEALTHY", "NOT_READY", "FAILED_TO_UPDATE", "FAILED_TO_SUSPEND"}
MAY_START = {
    OperationKind.CREATE: set(),
    OperationKind.RESTART: WORKING | {"CREATING", "UPDATING", "SCALING", "UPGRADING"},
    OperationKind.SCALE: WORKING,
    OperationKind.SCALE_OUT: WORKING,
    OperationKind.UPGRADE: WORKING,
    OperationKind.SUSPEND: WORKING,
    OperationKind.UNSUSPEND: {"SUSPENDED", "FAILED_TO_RESUME"},
    OperationKind.DELETE: {phase.value for phase in Phase} - {"DELETING", "NOT_FOUND"},
}


@pytest.mark.parametrize(("kind", "phase"), list(product(OperationKind, Phase)))
def test_an_operation_starts_only_from_the_phases_of_the_table(kind, phase):
    assert may_start(kind, phase) == (phase.value in MAY_START[kind])


@pytest.mark.parametrize("kind", list(OperationKind))
def test_every_operation_leads_out_of_its_own_phase(kind):
    transition = TRANSITIONS[kind]
    assert transition.succeeded != transition.during
    if kind != OperationKind.DELETE:  # a deletion that fails is tried until it succeeds
        assert transition.failed != transition.during


def test_from_every_phase_some_operation_can_be_started_until_it_is_deleted():
    for phase in Phase:
        startable = [kind for kind in OperationKind if may_start(kind, phase)]
        assert bool(startable) == (phase not in {Phase.DELETING, Phase.DELETED})


def test_a_refusal_says_what_the_cluster_does_and_what_to_do():
    sentence = refusal_sentence(OperationKind.RESTART, "new-us", Phase.SUSPENDED)
    assert sentence == "Cluster new-us is suspended and cannot be restarted now. Resume it and try again."


def test_every_refusal_names_the_state_and_a_way_out():
    for kind, phase in product(OperationKind, Phase):
        if not may_start(kind, phase):
            said, way_out, rest = refusal_sentence(kind, "new-us", phase).split(".")
            assert "unsuspend" not in said
            assert re.fullmatch(r"Cluster new-us (is|could not be) [a-z ]+ and cannot be [a-z]+ed now", said)
            assert way_out.split()[0] in {"Wait", "Resume", "Try", "Create", "There", "It"}
            assert not rest


@pytest.mark.parametrize(
    ("kind", "phase", "way_out"),
    [
        (OperationKind.UNSUSPEND, Phase.HEALTHY, "It is not suspended, so there is nothing to resume."),
        (OperationKind.UNSUSPEND, Phase.SUSPENDING, "Wait until it is suspended, then resume it."),
        (OperationKind.SUSPEND, Phase.SUSPENDED, "There is nothing left to do."),
        (OperationKind.SCALE, Phase.UPGRADING, "Wait until it is healthy and try again."),
        (OperationKind.UPGRADE, Phase.DELETED, "Create a new one."),
    ],
)
def test_a_refusal_fits_what_was_asked(kind, phase, way_out):
    assert refusal_sentence(kind, "new-us", phase).endswith(way_out)
