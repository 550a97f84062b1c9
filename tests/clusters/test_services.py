"""What people may do to clusters, and what is written down when they do it."""

from datetime import UTC, datetime
from functools import partial

import pytest

from cloudconsole.accounts.models import AuditEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster, Operation, Package, Region
from clusters.rules.lifecycle import OperationKind, Phase
from clusters.services import (
    ClusterSpecification,
    create_cluster,
    restart_cluster,
    update_cluster,
)
from inference.rules import NOT_ELIGIBLE_SENTENCE
from inference.services import set_inference
from tests.together import at_once

pytestmark = pytest.mark.django_db
ALICE = Actor("user", "1", "alice@acme.example")
JUNE_2025 = datetime(2025, 6, 15, tzinfo=UTC)


def wish(name="mine", *, provider="aws", region="us-east-1", package="mx1", **fields):
    return ClusterSpecification(
        name=name,
        region=Region.objects.get(provider_id=provider, code=region),
        package=Package.objects.get(name=package),
        **fields,
    )


def test_a_new_paid_cluster_in_the_us_starts_with_inference(account, payment_method):
    cluster = create_cluster(account=account, specification=wish(), requested_by=ALICE)
    assert (cluster.phase, cluster.inference_enabled) == (Phase.CREATING, True)
    operation = cluster.operations.get()
    assert (operation.kind, operation.generation, operation.requested_by) == ("create", 1, ALICE.name)
    assert operation.configuration == {
        "version": "v1.19.0",
        "inference_enabled": True,
        "package_id": str(cluster.package_id),
        "number_of_nodes": 1,
        "additional_disk_gib": 0,
    }
    assert AuditEvent.objects.get(resource_id=str(cluster.pk)).action == "create"


@pytest.mark.parametrize(
    "fields",
    [
        {"region": "eu-central-1"},
        {"package": "free2"},
    ],
)
def test_clusters_elsewhere_start_without_inference_and_cannot_ask_for_it(account, payment_method, fields):
    assert not create_cluster(account=account, specification=wish(**fields), requested_by=ALICE).inference_enabled
    Cluster.objects.all().delete()
    with pytest.raises(ServiceError) as refused:
        create_cluster(account=account, specification=wish(**fields, inference_enabled=True), requested_by=ALICE)
    assert refused.value.sentence == NOT_ELIGIBLE_SENTENCE
    assert not Cluster.objects.exists()


def test_a_cluster_from_before_july_2025_starts_without_inference(account, payment_method):
    cluster = create_cluster(account=account, specification=wish(), requested_by=ALICE, created_at=JUNE_2025)
    assert not cluster.inference_enabled


def test_a_paid_cluster_needs_a_payment_method(account):
    with pytest.raises(ServiceError, match="payment method"):
        create_cluster(account=account, specification=wish(), requested_by=ALICE)
    assert not Operation.objects.exists()


def test_an_account_has_one_free_cluster(account):
    create_cluster(account=account, specification=wish(package="free2"), requested_by=ALICE)
    with pytest.raises(ServiceError) as refused:
        create_cluster(account=account, specification=wish("second", package="free2"), requested_by=ALICE)
    assert refused.value.code == Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"region": "us-west-2"}, "not offered in"), ({"number_of_nodes": 2}, "exactly one node")],
)
def test_free_clusters_keep_to_their_regions_and_size(account, fields, words):
    with pytest.raises(ServiceError, match=words):
        create_cluster(account=account, specification=wish(package="free2", **fields), requested_by=ALICE)


def test_the_toggle_asks_for_a_new_generation_and_says_what_it_does(make_cluster):
    cluster = set_inference(cluster=make_cluster(), enabled=True, requested_by=ALICE)
    assert (cluster.phase, cluster.generation, cluster.observed_generation) == (Phase.UPDATING, 2, 1)
    operation = cluster.operations.get()
    assert (operation.kind, operation.summary) == (OperationKind.RESTART, "Switch inference on")
    audit = AuditEvent.objects.get(resource_id=str(cluster.pk))
    assert audit.before == {"inference_enabled": False}
    assert audit.after["configuration"]["inference_enabled"] is True


def test_the_toggle_to_what_is_there_already_does_nothing(make_cluster):
    cluster = set_inference(cluster=make_cluster(inference=True), enabled=True, requested_by=ALICE)
    assert cluster.generation == 1
    assert not Operation.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_toggle_is_refused_with_the_gates_sentence(make_cluster):
    for cluster in (make_cluster("eu", region="eu-central-1"), make_cluster("free", paid=False)):
        with pytest.raises(ServiceError) as refused:
            set_inference(cluster=cluster, enabled=True, requested_by=ALICE)
        assert refused.value.sentence == NOT_ELIGIBLE_SENTENCE
    assert not Operation.objects.exists()


def test_names_and_labels_change_without_a_restart(make_cluster):
    changed = update_cluster(
        cluster=make_cluster(),
        changes={"name": "renamed", "labels": [{"key": "team", "value": "search"}]},
        requested_by=ALICE,
    )
    assert (changed.name, changed.generation, changed.phase) == ("renamed", 1, Phase.HEALTHY)
    assert not Operation.objects.exists()


def test_a_cluster_stays_in_its_region(make_cluster):
    elsewhere = Region.objects.get(code="us-west-2")
    with pytest.raises(ServiceError, match="region cannot be changed"):
        update_cluster(cluster=make_cluster(), changes={"region": elsewhere}, requested_by=ALICE)


@pytest.mark.parametrize("phase", [Phase.SUSPENDED, Phase.DELETING, Phase.FAILED_TO_CREATE])
def test_a_cluster_without_running_nodes_cannot_restart(make_cluster, phase):
    with pytest.raises(ServiceError, match="cannot be restarted now"):
        restart_cluster(cluster=make_cluster(phase=phase), requested_by=ALICE)


def test_restarts_asked_for_while_one_runs_pile_up_as_generations(make_cluster):
    cluster = make_cluster()
    for _ in range(3):
        restart_cluster(cluster=cluster, requested_by=ALICE)
    assert list(cluster.operations.order_by("generation").values_list("generation", flat=True)) == [2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_two_people_toggling_at_once_make_one_change(make_cluster):
    cluster = make_cluster()
    at_once(*[partial(set_inference, cluster=cluster, enabled=True, requested_by=ALICE)] * 2)
    cluster.refresh_from_db()
    assert (cluster.generation, cluster.operations.count()) == (2, 1)
