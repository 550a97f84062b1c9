"""The page of a cluster's API keys."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from cloudconsole.secrets_at_rest import hash_secret
from clusters.models import Cluster, DatabaseApiKey
from tests.console.html import parse


def test_the_secret_of_a_new_key_is_shown_once_with_a_command_that_uses_it(
    console: Client, make_cluster: Callable[..., Cluster], settings: object
) -> None:
    cluster = make_cluster()
    page = parse(console.post(f"/clusters/{cluster.pk}/api-keys", {"name": "backend"}))
    secret = page.one(id="new-secret").text
    key = DatabaseApiKey.objects.get()
    assert key.secret_hash == hash_secret(secret)
    command = page.one(id="new-command").text
    assert command == f'curl -H "api-key: {secret}" "http://localhost:{settings.GATEWAY_REST_PORT}/collections"'
    later = parse(console.get(f"/clusters/{cluster.pk}/api-keys")).text
    assert secret not in later
    assert f"{key.prefix}…{key.postfix} everything" in later


def test_a_key_can_end_and_be_for_some_collections_only(console: Client, make_cluster: Callable[..., Cluster]) -> None:
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


def test_what_a_key_may_must_make_sense(console: Client, make_cluster: Callable[..., Cluster]) -> None:
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
    console: Client, readers_console: Client, make_cluster: Callable[..., Cluster]
) -> None:
    cluster = make_cluster()
    path = f"/clusters/{cluster.pk}/api-keys"
    console.post(path, {"name": "app"})
    key = DatabaseApiKey.objects.get()
    assert f"{path}/{key.pk}/revoke" not in readers_console.get(path).content.decode()
    assert readers_console.post(f"{path}/{key.pk}/revoke").status_code == 403
    assert console.post(f"{path}/{key.pk}/revoke").status_code == 302
    assert "No keys yet" in parse(console.get(path)).one(id="api-keys").text
    assert console.post(f"{path}/{key.pk}/revoke").status_code == 404
    assert console.post(path, {"name": "app"}).status_code == 200


def test_a_key_name_that_is_taken_or_wrong_is_refused_at_the_field(
    console: Client, make_cluster: Callable[..., Cluster]
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


def test_revoked_keys_are_not_listed(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster()
    DatabaseApiKey.objects.create(
        cluster=cluster, name="old", prefix="ccd_gone", secret_hash="x", revoked_at=timezone.now() - timedelta(1)
    )
    assert "ccd_gone" not in parse(console.get(f"/clusters/{cluster.pk}/api-keys")).text
