"""A cluster's overview and its keys."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from cloudconsole.secrets_at_rest import hash_secret
from clusters.models import Cluster, DatabaseApiKey
from tests.console.conftest import make_operation
from tests.console.html import parse


class TestOverview:
    def test_it_says_where_and_what_the_cluster_is(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        cluster = make_cluster("new-us", restarted_at=timezone.now())
        facts = parse(console.get(f"/clusters/{cluster.pk}")).one("dl").text
        for fact in (f"http://localhost:{settings.GATEWAY_REST_PORT}", str(cluster.pk), "v1.19.0", "mx1", "Nodes 1"):
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

    def test_the_secret_of_a_new_key_is_shown_once(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        page = parse(console.post(f"/clusters/{cluster.pk}/api-keys", {"name": "backend"}))
        secret = page.one(id="new-secret").text
        key = DatabaseApiKey.objects.get()
        assert key.secret_hash == hash_secret(secret)
        later = parse(console.get(f"/clusters/{cluster.pk}")).text
        assert secret not in later
        assert f"{key.prefix}…{key.postfix} everything" in later

    def test_a_key_can_end_and_be_for_some_collections_only(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        wish = {"name": "app", "expires": "30", "access": "collections"}
        page = parse(console.post(path, wish | {"read_write": "books, authors", "read_only": "loans"}))
        key = DatabaseApiKey.objects.get()
        assert (key.expires_at - timezone.now()).days in (29, 30)
        assert [(rule["collection"], rule["access"]) for rule in key.access] == [
            ("books", "rw"),
            ("authors", "rw"),
            ("loans", "r"),
        ]
        assert "read and write books, read and write authors, read loans" in page.one("table").text

    def test_what_a_key_may_must_make_sense(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        for fields, field, sentence in (
            ({"access": "collections"}, "access", "Name at least one collection."),
            ({"read_only": "books"}, "read_only", "Choose “Chosen collections”"),
            ({"access": "collections", "read_only": "a a"}, "read_only", "Name each collection once"),
            ({"access": "collections", "read_only": "a/b"}, "access", "cannot be a collection"),
        ):
            answer = console.post(path, {"name": "app"} | fields)
            assert answer.status_code == 422
            assert sentence in parse(answer).one("p", id=f"id_{field}_error").text
        assert not DatabaseApiKey.objects.exists()

    def test_a_revoked_key_leaves_the_list_and_its_name_is_free_again(
        self, console: Client, readers_console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        path = f"/clusters/{cluster.pk}/api-keys"
        console.post(path, {"name": "app"})
        key = DatabaseApiKey.objects.get()
        assert f"{path}/{key.pk}/revoke" not in readers_console.get(f"/clusters/{cluster.pk}").content.decode()
        assert readers_console.post(f"{path}/{key.pk}/revoke").status_code == 403
        assert console.post(f"{path}/{key.pk}/revoke").status_code == 302
        assert "No keys yet" in parse(console.get(f"/clusters/{cluster.pk}")).one(id="api-keys").text
        assert console.post(f"{path}/{key.pk}/revoke").status_code == 404
        assert console.post(path, {"name": "app"}).status_code == 200

    def test_a_key_name_that_is_taken_or_wrong_is_refused_at_the_field(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        console.post(path, {"name": "backend"})
        for name, sentence in (
            ("backend", "This cluster has a key called backend already. Choose another name."),
            ("a/b", "Use letters, digits, spaces, hyphens and underscores only."),
        ):
            answer = console.post(path, {"name": name})
            page = parse(answer)
            assert answer.status_code == 422
            assert page.one("p", id="id_name_error").text == sentence
            assert page.one("input", id="id_name").attributes["value"] == name
        assert DatabaseApiKey.objects.count() == 1

    def test_revoked_keys_are_not_listed(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        DatabaseApiKey.objects.create(
            cluster=cluster, name="old", prefix="ccd_gone", secret_hash="x", revoked_at=timezone.now() - timedelta(1)
        )
        assert "ccd_gone" not in parse(console.get(f"/clusters/{cluster.pk}")).text
