"""The gate, over every combination of what it looks at."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from cloudconsole.errors import Refusal
from inference.rules import (
    AVAILABLE,
    NOT_ELIGIBLE_SENTENCE,
    ClusterFacts,
    GateCode,
    ModelFacts,
    inference_availability,
    inference_eligibility,
    starts_with_inference,
)

BOOLS = (False, True)
EVERY_CLUSTER = [ClusterFacts("c", *facts) for facts in product(BOOLS, repeat=4)]
ORDINARY = ModelFacts(runs_everywhere=False, free=False)


@pytest.mark.parametrize("cluster", EVERY_CLUSTER)
def test_a_model_is_available_exactly_when_the_cluster_is_paid_in_the_us_and_inference_is_wanted_and_applied(cluster):
    answer = inference_availability(cluster, ORDINARY)
    expected = cluster.paid and cluster.region_has_inference and cluster.inference_wanted and cluster.inference_applied
    assert (answer is AVAILABLE) == expected
    if not expected:
        assert isinstance(answer, Refusal)


@pytest.mark.parametrize("cluster", EVERY_CLUSTER)
def test_a_model_that_runs_everywhere_is_available_on_every_cluster(cluster):
    assert inference_availability(cluster, ModelFacts(runs_everywhere=True, free=True)) is AVAILABLE


@pytest.mark.parametrize(("cluster", "free"), list(product(EVERY_CLUSTER, BOOLS)))
def test_free_models_open_to_every_cluster_only_by_the_operators_choice(cluster, free):
    model = ModelFacts(runs_everywhere=False, free=free)
    closed = inference_availability(cluster, model)
    opened = inference_availability(cluster, model, free_models_everywhere=True)
    assert closed == inference_availability(cluster, ORDINARY)
    assert opened == (AVAILABLE if free else closed)


@pytest.mark.parametrize(
    ("cluster", "code"),
    [
        (ClusterFacts("c", True, False, True, True), GateCode.REGION),
        (ClusterFacts("c", False, False, False, False), GateCode.REGION),
        (ClusterFacts("c", False, True, True, True), GateCode.TIER),
        (ClusterFacts("c", True, True, False, True), GateCode.DISABLED),
        (ClusterFacts("c", True, True, False, False), GateCode.DISABLED),
        (ClusterFacts("c", True, True, True, False), GateCode.RESTARTING),
    ],
)
def test_a_refusal_names_what_a_person_can_change_first(cluster, code):
    answer = inference_availability(cluster, ORDINARY)
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_the_refusals_of_region_and_tier_are_one_sentence():
    assert inference_eligibility(paid=True, region_has_inference=False).sentence == NOT_ELIGIBLE_SENTENCE
    assert inference_eligibility(paid=False, region_has_inference=True).sentence == NOT_ELIGIBLE_SENTENCE


MIDNIGHT = datetime(2025, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        (datetime(2025, 6, 15, tzinfo=UTC), False),
        (datetime(2025, 7, 7, tzinfo=UTC), False),
        (MIDNIGHT - timedelta(microseconds=1), False),
        (MIDNIGHT, True),
        (datetime.fromisoformat("2025-07-08T01:59:59+02:00"), False),
        (datetime.fromisoformat("2025-07-07T20:00:00-04:00"), True),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
    ],
)
def test_clusters_created_after_july_7th_2025_utc_start_with_inference(created_at, expected):
    assert starts_with_inference(paid=True, region_has_inference=True, created_at=created_at) is expected


@pytest.mark.parametrize(("paid", "region"), [(False, False), (False, True), (True, False)])
def test_a_cluster_that_is_not_eligible_never_starts_with_inference(paid, region):
    for created_at in (MIDNIGHT - timedelta(days=1), MIDNIGHT):
        assert not starts_with_inference(paid=paid, region_has_inference=region, created_at=created_at)
