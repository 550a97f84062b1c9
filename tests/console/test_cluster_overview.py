"""A cluster's overview."""

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from clusters.models import Cluster
from clusters.rules.lifecycle import Phase
from tests.console.conftest import make_operation
from tests.console.html import parse


class TestOverview:
    def test_it_says_where_and_what_the_cluster_is(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        cluster = make_cluster("new-us", restarted_at=timezone.now())
        facts = parse(console.get(f"/clusters/{cluster.pk}")).one("dl").text
        for port in (settings.GATEWAY_REST_PORT, settings.GATEWAY_GRPC_PORT):
            assert f"http://localhost:{port}" in facts
        for fact in (str(cluster.pk), "v1.19.0", "mx1", "Nodes 1"):
            assert fact in facts
        assert "Restarted Never" not in facts

    def test_on_a_domain_of_its_own_every_cluster_has_its_own_name(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        settings.CLUSTER_DOMAIN = "cloud.example"
        cluster = make_cluster()
        assert f"http://{cluster.pk}.us-east-1.aws.cloud.example:6333" in parse(
            console.get(f"/clusters/{cluster.pk}")
        ).text.replace(str(settings.GATEWAY_REST_PORT), "6333")

    def test_a_working_cluster_is_followed_and_a_settled_one_is_not(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        make_operation(cluster, "running", steps_done=2)
        page = parse(console.get(f"/clusters/{cluster.pk}"))
        assert page.one(id="live").attributes["hx-get"] == f"/clusters/{cluster.pk}"
        steps = page.one("ol", class_="steps").all("li")
        assert [step.attributes["class"] for step in steps] == ["done", "done", "running", "waiting"]
        assert "1.0 s" in steps[0].text
        assert f'href="/clusters/{cluster.pk}"> Reload' not in page.text
        assert "Reload to see how far it is" in page.one("noscript").text
        cluster.operations.update(state="succeeded", steps_done=4)
        assert "hx-get" not in parse(console.get(f"/clusters/{cluster.pk}")).one(id="live").attributes

    def test_a_deleted_cluster_is_said_to_be_deleted_and_open_pages_of_it_load_anew(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("old-us")
        Cluster.objects.update(phase=Phase.DELETED)
        path = f"/clusters/{cluster.pk}"
        assert "Cluster old-us was deleted." in parse(console.get(path)).one("main").text
        polled = console.get(path, headers={"HX-Request": "true", "HX-Target": "live"})
        assert (polled.status_code, polled.headers["HX-Refresh"]) == (200, "true")
