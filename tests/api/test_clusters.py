"""Clusters through the admin API."""

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from cloudconsole.accounts.models import AuditEvent
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import GetClusterResponse
from cloudconsole.api.transcoding import to_json
from cloudconsole.api.validation import violations
from clusters.messages import cluster_message
from clusters.models import Cluster, Operation, Package
from clusters.queries import cluster_of
from clusters.rules.lifecycle import Phase
from inference.rules import NOT_ELIGIBLE_SENTENCE
from tests.api.conftest import CLUSTERS, client_of
from tests.together import at_once

pytestmark = pytest.mark.django_db


def toggle(enabled):
    return {
        "cluster": {"configuration": {"databaseConfiguration": {"inference": {"enabled": enabled}}}},
        "updateMask": "configuration.databaseConfiguration.inference.enabled",
    }


def path_to(cluster):
    return f"{CLUSTERS}/{cluster.pk}"


def test_a_new_cluster_comes_back_with_what_the_server_filled_in(api, wish, payment_method):
    answer = api.post(CLUSTERS, wish())
    assert answer.status_code == 200
    created = answer.json()["cluster"]
    row = Cluster.objects.get()
    assert created["id"] == str(row.pk)
    assert created["accountId"] == str(api.account.pk)
    assert created["configuration"]["version"] == "v1.19.0"
    assert created["configuration"]["databaseConfiguration"] == {"inference": {"enabled": True}}
    assert created["state"]["phase"] == "CLUSTER_PHASE_CREATING"
    assert created["state"]["nodesUp"] == 0
    assert [node["state"] for node in created["state"]["nodes"]] == ["CLUSTER_NODE_STATE_STARTING"]
    assert api.get(path_to(row)).json() == {"cluster": created}


def test_the_key_stands_in_the_audit_log(api, wish, payment_method):
    api.post(CLUSTERS, wish())
    event = AuditEvent.objects.get(resource_type="cluster")
    assert (event.actor_type, event.action) == ("management_key", "create")
    assert event.actor_name.startswith("management key ccm_")


def test_a_healthy_cluster_says_where_and_what_it_is(api, make_cluster, settings):
    settings.PUBLIC_HOST = "cloud.example.com"
    cluster = make_cluster(number_of_nodes=2, additional_disk_gib=5, restarted_at=datetime(2026, 1, 2, tzinfo=UTC))
    state = api.get(path_to(cluster)).json()["cluster"]["state"]
    assert state["endpoint"] == {"url": "http://cloud.example.com", "restPort": 6333, "grpcPort": 6334}
    assert state["resources"]["disk"] == {
        "base": 8.0,
        "complimentary": 0.0,
        "additional": 5.0,
        "reserved": 0.0,
        "available": 13.0,
    }
    assert (state["resources"]["cpu"]["base"], state["resources"]["ram"]["base"]) == (500.0, 2.0)
    assert (state["phase"], state["nodesUp"], state["jwtRbac"]) == ("CLUSTER_PHASE_HEALTHY", 2, True)
    assert (state["version"], state["restartedAt"]) == ("v1.19.0", "2026-01-02T00:00:00Z")
    assert [node["state"] for node in state["nodes"]] == ["CLUSTER_NODE_STATE_HEALTHY"] * 2


def test_a_cloud_with_a_domain_gives_every_cluster_a_host(api, make_cluster, settings):
    settings.CLUSTER_DOMAIN = "cloud.example.com"
    cluster = make_cluster()
    endpoint = api.get(path_to(cluster)).json()["cluster"]["state"]["endpoint"]
    assert endpoint["url"] == f"http://{cluster.pk}.us-east-1.aws.cloud.example.com"


@pytest.mark.parametrize("phase", list(Phase))
def test_a_cluster_in_any_phase_obeys_the_rules_of_its_own_message(make_cluster, phase):
    cluster = make_cluster(healthy=phase == Phase.HEALTHY, phase=phase)
    message = cluster_message(cluster)
    assert violations(GetClusterResponse(cluster=message)) == []
    assert to_json(message.state)["phase"] == f"CLUSTER_PHASE_{phase}"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cloudProviderRegionId": "mars-1"}, "There is no region mars-1 of the provider aws. Choose another one."),
        ({"configuration": {"packageId": str(uuid4())}}, "There is no package "),
        ({"configuration": {"version": "v0.1.0"}}, "Qdrant v0.1.0 is not on offer. Use latest or one of v1.16.0,"),
        ({"configuration": {"additionalResources": {"disk": 4_000_000_000}}}, "A node has at most 16384 GiB"),
        ({"id": str(uuid4())}, "cluster.id is set by the server and must not be sent"),
        ({"state": {}}, "cluster.state is set by the server and must not be sent"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(api, wish, payment_method, changed, sentence):
    answer = api.post(CLUSTERS, wish(**changed))
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert sentence in answer.json()["message"]
    assert not Cluster.objects.exists()


def test_more_nodes_than_the_quota_are_refused(api, wish, payment_method):
    answer = api.post(CLUSTERS, wish(configuration={"numberOfNodes": 51}))
    assert (answer.status_code, answer.json()["code"]) == (429, 8)
    assert answer.json()["message"] == "A cluster of this account has at most 50 nodes. Ask for fewer."


def test_a_paid_cluster_needs_a_payment_method(api, wish):
    answer = api.post(CLUSTERS, wish())
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert answer.json()["message"].startswith("A paid cluster needs a payment method.")


@pytest.mark.parametrize(
    "changed", [{"cloudProviderRegionId": "eu-central-1"}, {"package": "free2"}], ids=["europe", "free"]
)
def test_a_new_cluster_that_may_not_have_inference_is_refused_it(api, wish, payment_method, changed):
    asked = wish(configuration={"databaseConfiguration": {"inference": {"enabled": True}}}, **changed)
    answer = api.post(CLUSTERS, asked)
    assert (answer.status_code, answer.json()["message"]) == (400, NOT_ELIGIBLE_SENTENCE)
    assert api.post(CLUSTERS, wish(**changed)).status_code == 200
    assert not Cluster.objects.get().inference_enabled


def test_the_latest_version_is_resolved(api, wish, payment_method):
    answer = api.post(CLUSTERS, wish(configuration={"version": "latest"}))
    assert answer.json()["cluster"]["configuration"]["version"] == "v1.19.0"


@pytest.mark.parametrize("enabled", [True, False])
def test_the_toggle_queues_a_restart(api, make_cluster, enabled):
    cluster = make_cluster(inference=not enabled)
    answer = api.put(path_to(cluster), toggle(enabled))
    assert answer.status_code == 200
    changed = answer.json()["cluster"]
    assert changed["configuration"]["databaseConfiguration"]["inference"]["enabled"] is enabled
    assert changed["state"]["phase"] == "CLUSTER_PHASE_UPDATING"
    operation = Operation.objects.get()
    assert operation.summary == f"Switch inference {'on' if enabled else 'off'}"
    assert operation.configuration["inference_enabled"] is enabled
    assert operation.requested_by.startswith("management key ccm_")


@pytest.mark.parametrize("where", [{"region": "eu-central-1"}, {"paid": False}], ids=["europe", "free"])
def test_the_toggle_is_refused_with_the_gates_sentence(api, make_cluster, where):
    cluster = make_cluster(**where)
    answer = api.put(path_to(cluster), toggle(True))
    assert answer.status_code == 400
    assert answer.json() == {"code": 9, "message": NOT_ELIGIBLE_SENTENCE, "details": []}
    assert not Operation.objects.exists()
    assert api.put(path_to(cluster), toggle(False)).status_code == 200


def test_switching_on_what_is_on_does_nothing(api, make_cluster):
    cluster = make_cluster(inference=True)
    assert api.put(path_to(cluster), toggle(True)).status_code == 200
    assert not Operation.objects.exists()
    assert not AuditEvent.objects.filter(resource_type="cluster").exists()


def test_a_mask_is_merged_before_the_cluster_is_validated(api, make_cluster):
    cluster = make_cluster()
    answer = api.put(path_to(cluster), {"cluster": {"name": "renamed"}, "updateMask": "name"})
    assert answer.status_code == 200
    assert Cluster.objects.get().name == "renamed"
    answer = api.put(path_to(cluster), {"cluster": {"name": "x"}, "updateMask": "name"})
    assert (answer.status_code, answer.json()["message"]) == (400, "cluster.name must have at least 2 characters")
    assert Cluster.objects.get().name == "renamed"


def test_without_a_mask_the_whole_cluster_must_be_sent(api, make_cluster):
    answer = api.put(path_to(make_cluster()), {"cluster": {"name": "renamed"}})
    assert answer.status_code == 400
    assert "cluster.configuration is missing" in answer.json()["message"]
    assert Cluster.objects.get().name == "new-us"


@pytest.mark.parametrize("inference", [True, False])
def test_sending_back_what_was_read_does_nothing(api, make_cluster, inference):
    cluster = make_cluster(inference=inference, additional_disk_gib=7, labels=[{"key": "team", "value": "search"}])
    read = api.get(path_to(cluster)).json()
    answer = api.put(path_to(cluster), read)
    assert answer.json() == read
    assert not Operation.objects.exists()
    assert not AuditEvent.objects.filter(resource_type="cluster").exists()


def test_leaving_out_inference_and_version_keeps_them(api, make_cluster):
    cluster = make_cluster(inference=True)
    read = api.get(path_to(cluster)).json()
    del read["cluster"]["configuration"]["databaseConfiguration"], read["cluster"]["configuration"]["version"]
    assert api.put(path_to(cluster), read).status_code == 200
    assert Cluster.objects.get().inference_enabled
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cloudProviderRegionId": "us-west-2"}, "region"),
        ({"cloudProviderId": "gcp", "cloudProviderRegionId": "us-east4"}, "region"),
    ],
)
def test_what_cannot_be_changed_is_refused(api, make_cluster, change, field):
    mask = "cloudProviderId,cloudProviderRegionId"
    change.setdefault("cloudProviderId", "aws")
    answer = api.put(path_to(make_cluster()), {"cluster": change, "updateMask": mask})
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert field in answer.json()["message"]


def test_a_masked_update_scales_and_changes_nothing_else(api, make_cluster, payment_method):
    other = str(Package.objects.get(name="mx3").pk)
    cluster = make_cluster(inference=True)
    body = {
        "cluster": {"configuration": {"packageId": other, "numberOfNodes": 3}},
        "updateMask": "configuration.packageId,configuration.numberOfNodes",
    }
    answer = api.put(path_to(cluster), body)
    assert answer.json()["cluster"]["state"]["phase"] == "CLUSTER_PHASE_SCALING"
    operation = Operation.objects.get()
    assert (operation.kind, operation.summary) == ("scale", "Scale to mx3, scale to 3 nodes")
    assert operation.configuration["inference_enabled"] is True


def test_an_update_of_a_cluster_id_that_is_none_is_an_invalid_argument(api):
    answer = api.put(f"{CLUSTERS}/new-us", toggle(True))
    assert (answer.status_code, answer.json()["message"]) == (400, "cluster.id must be a UUID")


@pytest.mark.django_db(transaction=True)
def test_partial_updates_at_once_do_not_undo_each_other(api, make_cluster):
    cluster = make_cluster()
    updates = {
        "collection.replicationFactor": {"collection": {"replicationFactor": 2}},
        "storage.performance.asyncScorer": {"storage": {"performance": {"asyncScorer": True}}},
        "logLevel": {"logLevel": "DATABASE_CONFIGURATION_LOG_LEVEL_WARN"},
        "service": {"service": {}},
    }

    def update(path, configuration):
        body = {
            "cluster": {"configuration": {"databaseConfiguration": configuration}},
            "updateMask": f"configuration.databaseConfiguration.{path}",
        }
        assert client_of(api.account).put(path_to(cluster), body).status_code == 200

    at_once(*(partial(update, *item) for item in updates.items()))
    assert api.get(path_to(cluster)).json()["cluster"]["configuration"]["databaseConfiguration"] == {
        "collection": {"replicationFactor": 2},
        "storage": {"performance": {"asyncScorer": True}},
        "logLevel": "DATABASE_CONFIGURATION_LOG_LEVEL_WARN",
        "service": {},
    }


def test_a_restart_is_queued(api, make_cluster):
    cluster = make_cluster()
    answer = api.post(f"{path_to(cluster)}/restart")
    assert (answer.status_code, answer.json()) == (200, {})
    assert Operation.objects.get().summary == "Restart"
    assert cluster_of(api.account, cluster.pk).phase == Phase.UPDATING


def test_a_suspended_cluster_does_not_restart(api, make_cluster):
    answer = api.post(f"{path_to(make_cluster(healthy=False, phase=Phase.SUSPENDED))}/restart")
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert "is suspended" in answer.json()["message"]
