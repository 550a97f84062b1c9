"""The Access pages: members, management keys, the audit log, and looking at another account."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from cloudconsole.accounts.models import Account, AuditEvent, ManagementKey, Membership, User
from cloudconsole.accounts.permissions import Role, permission_refusal
from cloudconsole.accounts.services import SYSTEM, Actor, create_management_key
from cloudconsole.api.callers import identity_with_key
from cloudconsole.errors import ServiceError
from tests.console.conftest import console_of
from tests.console.html import Element, parse


@pytest.fixture
def colleague(db: None) -> User:
    return User.objects.create_user(email="colleague@acme.example", password="correct horse battery")


@pytest.fixture
def admins_console(account: Account) -> Client:
    return console_of(account, Role.ADMIN)


def roles(account: Account) -> dict[str, str]:
    return dict(account.memberships.values_list("user__email", "role"))


def needs(permission: str) -> str:
    return permission_refusal([permission], set()) or ""


class TestMembers:
    def test_one_is_added_changed_made_owner_and_removed(
        self, console: Client, account: Account, user: User, colleague: User
    ) -> None:
        added = console.post("/access/members", {"email": colleague.email, "role": "base"}, follow=True)
        assert "colleague@acme.example is a member now." in parse(added).text
        console.post(f"/access/members/{colleague.pk}/role", {"role": "admin"})
        assert roles(account) == {user.email: "owner", colleague.email: "admin"}
        asking = parse(console.get(f"/access/members/{colleague.pk}/owner"))
        assert "you become an Admin" in asking.one("main").text
        assert roles(account)[user.email] == "owner"
        console.post(f"/access/members/{colleague.pk}/owner")
        assert roles(account) == {user.email: "admin", colleague.email: "owner"}
        refused = console.post(f"/access/members/{colleague.pk}/remove", follow=True)
        assert "An account always has an owner." in parse(refused).one("p", class_="notice bad").text
        left = console.post(f"/access/members/{user.pk}/remove", follow=True)
        assert left.status_code == 403
        assert "You do not belong to an account yet." in parse(left).text
        assert [event.action for event in AuditEvent.objects.order_by("sequence")] == [
            "create",
            "update",
            "update",
            "update",
            "delete",
        ]

    def test_who_is_unknown_is_refused_at_the_field_and_nothing_is_lost(self, console: Client) -> None:
        answer = console.post("/access/members", {"email": "nobody@acme.example", "role": "base"})
        page = parse(answer)
        assert answer.status_code == 422
        assert "Nobody signs in with nobody@acme.example." in page.one("p", id="id_email_error").text
        assert page.one("input", id="id_email").attributes["value"] == "nobody@acme.example"

    def test_an_admin_may_not_touch_the_account_and_is_told_why(
        self, admins_console: Client, account: Account, user: User
    ) -> None:
        page = parse(admins_console.get("/settings"))
        assert needs("write:account") in page.one("section", aria_labelledby="name-title").text
        assert not [form for form in page.all("form") if form.attributes["action"] == "/settings/name"]
        admin = User.objects.get(email="admin@acme.example")
        for path, fields in (("/settings/name", {"name": "Mine now"}), (f"/access/members/{admin.pk}/owner", {})):
            answer = admins_console.post(path, fields)
            assert answer.status_code == 403
            assert needs("write:account") in parse(answer).text
        admins_console.post(f"/access/members/{admin.pk}/role", {"role": "owner"})
        assert roles(account) == {user.email: "owner", admin.email: "admin"}
        assert Account.objects.get(pk=account.pk).name == "Acme"

    def test_whoever_may_only_look_finds_no_button_that_works(
        self, readers_console: Client, account: Account, user: User
    ) -> None:
        page = parse(readers_console.get("/access"))
        assert not page.one("main").all("form")
        assert not [button for button in page.one("main").all("button") if "disabled" not in button.attributes]
        answer = readers_console.post("/access/members", {"email": user.email, "role": "admin"})
        assert needs("write:invites") in parse(answer).text

    def test_members_of_other_accounts_are_not_found(self, console: Client, colleague: User) -> None:
        others = Account.objects.create(name="Others")
        Membership.objects.create(account=others, user=colleague, role=Role.OWNER)
        for path in ("remove", "owner"):
            assert console.get(f"/access/members/{colleague.pk}/{path}").status_code == 404
            assert console.post(f"/access/members/{colleague.pk}/{path}").status_code in (302, 404)
        assert roles(others) == {colleague.email: "owner"}

    def test_the_account_gets_another_name(self, console: Client, account: Account) -> None:
        assert console.post("/settings/name", {"name": "abc"}).status_code == 422
        console.post("/settings/name", {"name": "Acme Corporation"})
        assert Account.objects.get(pk=account.pk).name == "Acme Corporation"


class TestKeys:
    def test_a_key_is_shown_once_works_and_ends_when_it_is_revoked(self, console: Client, account: Account) -> None:
        secret = parse(console.post("/access/keys/new")).one(id="new-secret").text
        assert identity_with_key(f"apikey {secret}").accounts() == [account]
        key = ManagementKey.objects.get()
        later = parse(console.get("/access/keys")).text
        assert secret not in later
        assert f"{key.prefix}…" in later
        console.get(f"/access/keys/{key.pk}/revoke")
        assert ManagementKey.objects.exists()
        console.post(f"/access/keys/{key.pk}/revoke")
        with pytest.raises(ServiceError, match="not valid"):
            identity_with_key(f"apikey {secret}")
        assert [event.actor_name for event in AuditEvent.objects.all()] == ["owner@acme.example"] * 2

    def test_a_key_of_another_account_is_not_found(self, console: Client) -> None:
        key, _ = create_management_key(account=Account.objects.create(name="Others"))
        assert console.get(f"/access/keys/{key.pk}/revoke").status_code == 404
        assert console.post(f"/access/keys/{key.pk}/revoke").status_code == 404
        assert ManagementKey.objects.exists()


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
class TestAuditLog:
    """Exports are made for the ASGI server; Django's test client collects them, with a warning."""

    def rows(self, page: Element) -> list[str]:
        return [row.one("th").text for row in page.one("section", id="events").one("tbody").all("tr")]

    def test_it_is_shown_newest_first_in_pages(self, console: Client, account: Account) -> None:
        for _ in range(60):
            create_management_key(account=account)
        page = parse(console.get("/access/audit-log"))
        assert self.rows(page) == [str(number) for number in range(60, 10, -1)]
        [older] = [link for link in page.all("a") if "before=" in (link.attributes["href"] or "")]
        assert self.rows(parse(console.get(older.attributes["href"]))) == [str(n) for n in range(10, 0, -1)]

    def test_it_is_filtered_and_exported_as_filtered(self, console: Client, account: Account) -> None:
        create_management_key(account=account, requested_by=Actor("user", "1", "Zoë <b>"))
        create_management_key(account=account, requested_by=SYSTEM)
        page = parse(console.get("/access/audit-log", {"actor": "zoë"}))
        assert self.rows(page) == ["1"]
        assert "Zoë <b>" in page.text
        links = {link.text: link.attributes["href"] for link in page.all("a") if "/export" in link.attributes["href"]}
        as_csv = self.export(console, links["CSV"])
        assert [line["actor_name"] for line in csv.DictReader(io.StringIO(as_csv))] == ["Zoë <b>"]
        [line] = self.export(console, links["JSON Lines"]).splitlines()
        assert json.loads(line)["after"] == AuditEvent.objects.get(sequence=1).after

    def export(self, browser: Client, address: str) -> str:
        answer: Any = browser.get(address)
        assert "attachment" in answer.headers["Content-Disposition"]
        return b"".join(answer).decode()

    def test_no_other_accounts_events_are_in_it(self, console: Client) -> None:
        create_management_key(account=Account.objects.create(name="Others"))
        assert "Nothing matches." in parse(console.get("/access/audit-log")).text
        assert self.export(console, "/access/audit-log/export?format=jsonl") == ""

    @pytest.mark.parametrize(
        "query", ["first_day=soon", "action=%00", "before=-1", "before=99999999999999999999", "before=٣", "actor=%25"]
    )
    def test_garbage_in_the_filter_is_no_server_error(self, query: str, console: Client) -> None:
        assert console.get(f"/access/audit-log?{query}").status_code == 200
        assert console.get(f"/access/audit-log/export?{query}&format=yaml").status_code == 404


class TestSeveralAccounts:
    def test_one_looks_at_the_account_one_chooses(self, console: Client, user: User, account: Account) -> None:
        assert not parse(console.get("/clusters")).all("button", name="account")
        second = Account.objects.create(name="Second")
        Membership.objects.create(account=second, user=user, role=Role.ADMIN)
        page = parse(console.get("/clusters"))
        assert [choice.text for choice in page.all("button", name="account")] == ["Acme Owner", "Second Admin"]
        console.post("/account", {"account": str(second.pk)})
        [chosen] = parse(console.get("/access")).all("button", name="account", aria_current="true")
        assert chosen.text == "Second Admin"

    def test_an_account_one_left_is_no_longer_chosen(self, console: Client, user: User) -> None:
        second = Account.objects.create(name="Second")
        membership = Membership.objects.create(account=second, user=user, role=Role.ADMIN)
        console.post("/account", {"account": str(second.pk)})
        membership.delete()
        assert "Acme" in parse(console.get("/access")).one("main").text

    def test_accounts_of_others_cannot_be_chosen(self, console: Client) -> None:
        others = Account.objects.create(name="Others")
        for wanted in (str(others.pk), "garbage", ""):
            assert console.post("/account", {"account": wanted}).status_code == 404


def test_the_base_role_sees_none_of_it(base_console: Client) -> None:
    for path, permission in (
        ("/access", "read:users"),
        ("/access/keys", "read:management_keys"),
        ("/access/audit-log", "read:account"),
    ):
        answer = base_console.get(path)
        assert answer.status_code == 403
        assert needs(permission) in parse(answer).text
