"""What members see of clusters who may not change them, or not even look."""

from collections.abc import Callable

from django.test import Client

from cloudconsole.accounts.models import AuditEvent, PaymentMethod
from cloudconsole.accounts.permissions import permission_refusal
from clusters.models import Cluster, DatabaseApiKey
from tests.console.html import parse
from tests.console.test_create_cluster import WISH


def needs(*permissions: str) -> str:
    sentence = permission_refusal(permissions, set())
    assert sentence
    return sentence


class TestMembersWhoMayOnlyLook:
    def test_they_see_everything_and_the_reason_why_they_cannot_change_it(
        self, readers_console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("new-us", inference=True)
        for path in ("/clusters", "/clusters/new", f"/clusters/{cluster.pk}/inference"):
            page = parse(readers_console.get(path))
            assert needs("write:clusters") in page.one("main").text
            assert not page.one("main").all("form", method="post") or path == "/clusters/new"
        page = parse(readers_console.get(f"/clusters/{cluster.pk}/api-keys"))
        assert needs("write:api_keys") in page.one("section", id="api-keys").text

    def test_what_they_send_anyway_changes_nothing(
        self, readers_console: Client, make_cluster: Callable[..., Cluster], payment_method: PaymentMethod
    ) -> None:
        cluster = make_cluster("new-us", inference=True)
        for path, fields, permission in (
            ("/clusters/new", WISH, "write:clusters"),
            (f"/clusters/{cluster.pk}/api-keys", {"name": "mine"}, "write:api_keys"),
            (f"/clusters/{cluster.pk}/inference/switch", {"to": "off"}, "write:clusters"),
        ):
            answer = readers_console.post(path, fields)
            assert answer.status_code == 403
            assert needs(permission) in parse(answer).one("main").text
        assert Cluster.objects.get().inference_enabled
        assert not DatabaseApiKey.objects.exists()
        assert not AuditEvent.objects.exists()


def test_the_base_role_shows_nothing_of_the_account(base_console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster("new-us")
    for path, permission in (
        ("/clusters", "read:clusters"),
        (f"/clusters/{cluster.pk}", "read:clusters"),
        (f"/clusters/{cluster.pk}/inference", "read:clusters"),
        ("/billing", "read:payment_information"),
    ):
        answer = base_console.get(path)
        assert answer.status_code == 403
        assert needs(permission) in parse(answer).one("main").text
        assert "new-us" not in parse(answer).text
