"""The Manage page: what can be done to a cluster, what it means, and why something cannot be done now."""

from collections.abc import Callable

import pytest
from django.test import Client

from cloudconsole.accounts.models import PaymentMethod
from clusters.models import Cluster, Operation, Package
from clusters.rules.lifecycle import Phase
from tests.console.conftest import make_operation
from tests.console.html import parse


def manage(cluster: Cluster) -> str:
    return f"/clusters/{cluster.pk}/manage"


@pytest.mark.parametrize(("slug", "kind"), [("restart", "restart"), ("suspend", "suspend")])
def test_an_action_says_what_it_means_and_is_done_once_confirmed(
    console: Client, make_cluster: Callable[..., Cluster], slug: str, kind: str
) -> None:
    cluster = make_cluster()
    assert parse(console.get(manage(cluster))).all("a", href=f"{manage(cluster)}/{slug}")
    question = parse(console.get(f"{manage(cluster)}/{slug}"))
    assert "nodes stop" in question.one("section", class_="card confirmation").text
    assert not Operation.objects.exists()
    answer = console.post(f"{manage(cluster)}/{slug}")
    assert answer.headers["Location"] == manage(cluster)
    assert Operation.objects.get().kind == kind


def test_what_cannot_be_done_now_stands_beside_its_reason(
    console: Client, make_cluster: Callable[..., Cluster]
) -> None:
    cluster = make_cluster(phase=Phase.SUSPENDED, serving=False)
    page = parse(console.get(manage(cluster)))
    reasons = [one.text for one in page.all("p", class_="reason")]
    assert any("cannot be scaled now. Resume it and try again." in reason for reason in reasons)
    assert any("cannot be suspended now. There is nothing left to do." in reason for reason in reasons)
    assert page.all("a", href=f"{manage(cluster)}/resume")
    answer = console.post(f"{manage(cluster)}/suspend")
    assert answer.status_code == 409
    assert "cannot be suspended now" in parse(answer).text
    assert not Operation.objects.exists()


def test_scaling_shows_its_price_before(
    console: Client, make_cluster: Callable[..., Cluster], payment_method: PaymentMethod
) -> None:
    cluster = make_cluster()
    wish = {"package": str(Package.objects.get(name="mx2").pk), "number_of_nodes": 3, "additional_disk_gib": 10}
    question = parse(console.get(f"{manage(cluster)}/change/size", wish))
    assert "$0.162 per hour" in question.text  # three times $0.052 and ten GiB at $0.0002
    assert "This restarts the nodes." in question.text
    console.post(f"{manage(cluster)}/change/size", wish)
    cluster.refresh_from_db()
    assert (cluster.package.name, cluster.number_of_nodes, cluster.additional_disk_gib) == ("mx2", 3, 10)
    assert Operation.objects.get().kind == "scale"


def test_more_nodes_restart_nothing(
    console: Client, make_cluster: Callable[..., Cluster], payment_method: PaymentMethod
) -> None:
    cluster = make_cluster()
    wish = {"package": str(cluster.package_id), "number_of_nodes": 2, "additional_disk_gib": 0}
    assert "Nothing restarts" in parse(console.get(f"{manage(cluster)}/change/size", wish)).text


def test_a_refusal_of_the_service_is_shown(
    console: Client, make_cluster: Callable[..., Cluster], payment_method: PaymentMethod
) -> None:
    cluster = make_cluster(additional_disk_gib=20)
    wish = {"package": str(cluster.package_id), "number_of_nodes": 1, "additional_disk_gib": 10}
    answer = console.post(f"{manage(cluster)}/change/size", wish)
    assert answer.status_code == 409
    assert "A disk never shrinks. Ask for 20 GiB" in parse(answer).text


def test_an_older_cluster_is_offered_the_newer_releases(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster(version="v1.17.0")
    page = parse(console.get(manage(cluster)))
    versions = [option.attributes["value"] for option in page.one("select", name="version").all("option")]
    assert versions == ["v1.19.0", "v1.18.0"]
    console.post(f"{manage(cluster)}/change/version", {"version": "v1.19.0"})
    assert (Operation.objects.get().kind, Cluster.objects.get().version) == ("upgrade", "v1.19.0")


def test_a_deletion_needs_the_clusters_name(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster()
    answer = console.post(f"{manage(cluster)}/delete", {"name": "another"})
    assert answer.status_code == 422
    assert "This is not the cluster's name. Type new-us." in parse(answer).text
    assert console.post(f"{manage(cluster)}/delete", {"name": "new-us"}).headers["Location"] == "/clusters"
    cluster.refresh_from_db()
    assert (cluster.phase, cluster.deleted_at is not None) == (Phase.DELETING, True)


def test_a_failed_operation_can_be_tried_again(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster(phase=Phase.FAILED_TO_UPDATE, serving=False)
    operation = make_operation(cluster, "failed", steps_done=3, error="The node did not become ready.")
    button = parse(console.get(manage(cluster))).one("form", action=f"{manage(cluster)}/retry").one("button")
    assert "Try again from the failed step" in button.text
    console.post(f"{manage(cluster)}/retry")
    operation.refresh_from_db()
    assert (operation.state, operation.steps_done) == (Operation.State.PENDING, 3)


def test_who_may_only_look_sees_why(readers_console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster()
    page = parse(readers_console.get(manage(cluster)))
    assert not page.all("a", href=f"{manage(cluster)}/delete")
    assert all("write:clusters" in one.text or "delete:clusters" in one.text for one in page.all("p", class_="reason"))
    assert readers_console.post(f"{manage(cluster)}/delete", {"name": "new-us"}).status_code == 403
    assert readers_console.post(f"{manage(cluster)}/suspend").status_code == 403


def test_the_pages_of_other_accounts_do_not_exist(console: Client, foreign_cluster: Cluster) -> None:
    for path in ("", "/suspend", "/delete", "/change/version"):
        assert console.get(manage(foreign_cluster) + path).status_code == 404
    assert console.post(f"{manage(foreign_cluster)}/delete", {"name": "foreign"}).status_code == 404
