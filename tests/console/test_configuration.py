"""The Configuration tab: what changes without a restart, and everything else to read."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from cloudconsole.accounts.models import AuditEvent
from clusters.models import Cluster, Operation
from clusters.rules.lifecycle import Phase
from tests.console.html import parse

SENT = {
    "name": "renamed",
    "labels": "team=search\n\n  stage = production ",
    "cost_allocation_label": "team",
    "restart_policy": "CLUSTER_CONFIGURATION_RESTART_POLICY_PARALLEL",
}


def path_of(cluster: Cluster) -> str:
    return f"/clusters/{cluster.pk}/configuration"


def test_it_is_saved_at_once_and_restarts_nothing(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster(
        extra_configuration={"databaseConfiguration": {"logLevel": "DATABASE_CONFIGURATION_LOG_LEVEL_WARN"}}
    )
    assert console.post(path_of(cluster), SENT).headers["Location"] == path_of(cluster)
    cluster.refresh_from_db()
    assert (cluster.name, cluster.cost_allocation_label) == ("renamed", "team")
    assert cluster.labels == [{"key": "team", "value": "search"}, {"key": "stage", "value": "production"}]
    assert cluster.extra_configuration == {
        "restartPolicy": SENT["restart_policy"],
        "databaseConfiguration": {"logLevel": "DATABASE_CONFIGURATION_LOG_LEVEL_WARN"},
    }
    assert cluster.phase == Phase.HEALTHY
    assert not Operation.objects.exists()
    assert AuditEvent.objects.get().before["name"] == "new-us"
    page = parse(console.get(path_of(cluster)))
    assert page.one("textarea", id="id_labels").text == "team=search stage=production"
    assert json.loads(page.one("pre").text)["restartPolicy"] == SENT["restart_policy"]
    assert "nothing here acts on it: databaseConfiguration.logLevel." in page.one("p", class_="notice busy").text

    console.post(path_of(cluster), {"name": "renamed"})
    cluster.refresh_from_db()
    assert (cluster.labels, cluster.cost_allocation_label) == ([], None)
    assert "restartPolicy" not in cluster.extra_configuration


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("name", "", "required"),
        ("name", "two words", "Use letters, digits, hyphens and underscores only."),
        ("name", "x", "characters"),
        ("labels", "team", "Write team as key=value."),
        ("labels", "\n".join(f"key{n}=value" for n in range(11)), "10"),
        ("cost_allocation_label", "not a name!", "name"),
        ("restart_policy", "sometimes", "Select a valid choice"),
    ],
)
def test_what_the_api_refuses_is_refused_at_the_field(
    field: str, value: str, why: str, console: Client, make_cluster: Callable[..., Cluster]
) -> None:
    cluster = make_cluster()
    answer = console.post(path_of(cluster), SENT | {field: value})
    assert answer.status_code == 422
    assert why in parse(answer).one("p", id=f"id_{field}_error").text
    cluster.refresh_from_db()
    assert cluster.name == "new-us"


def test_whoever_may_only_look_is_told_why(readers_console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster()
    assert "write:clusters" in parse(readers_console.get(path_of(cluster))).one(id="why-not").text
    assert readers_console.post(path_of(cluster), SENT).status_code == 403


def test_a_cluster_that_is_being_deleted_keeps_its_configuration(
    console: Client, make_cluster: Callable[..., Cluster]
) -> None:
    cluster = make_cluster(phase=Phase.DELETING)
    answer = console.post(path_of(cluster), SENT)
    assert answer.status_code == 422
    assert "Create a new one." in parse(answer).one("p", role="alert").text
