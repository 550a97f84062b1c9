"""The Settings page, and the theme that a browser remembers."""

import pytest
from django.test import Client

from cloudconsole.accounts.models import Account, AuditEvent, Membership, User
from cloudconsole.accounts.permissions import Role
from tests.conftest import PASSWORD
from tests.console.conftest import console_of
from tests.console.html import Element, parse

NEW = "seven purple umbrellas"


def signed_in(user: User) -> Client:
    browser = Client()
    assert browser.login(username=user.email, password=PASSWORD)
    return browser


def change_password(browser: Client, old: str, new: str, again: str) -> object:
    fields = {"old_password": old, "new_password1": new, "new_password2": again}
    return browser.post("/settings/password", fields)


class TestPassword:
    def test_a_new_one_keeps_this_session_and_ends_the_others(self, user: User, account: Account) -> None:
        here, elsewhere = signed_in(user), signed_in(user)
        assert change_password(here, PASSWORD, NEW, NEW).headers["Location"] == "/settings"
        assert "You have a new password." in parse(here.get("/settings")).text
        assert elsewhere.get("/settings").status_code == 302
        assert Client().login(username=user.email, password=NEW)
        assert not Client().login(username=user.email, password=PASSWORD)
        [event] = AuditEvent.objects.filter(account=account)
        assert (event.action, event.resource_type, event.actor_name) == ("update", "password", user.email)
        assert (event.before, event.after) == (None, None)

    @pytest.mark.parametrize(
        ("old", "new", "again", "field", "why"),
        [
            ("wrong", NEW, NEW, "id_old_password", "This is not your current password."),
            (PASSWORD, NEW, "other", "id_new_password2", "The two new passwords differ."),
            (PASSWORD, "short", "short", "id_new_password2", "too short"),
            (PASSWORD, "password", "password", "id_new_password2", "too common"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_changes_nothing(
        self, console: Client, user: User, old: str, new: str, again: str, field: str, why: str
    ) -> None:
        answer = change_password(console, old, new, again)
        assert answer.status_code == 422
        assert why in parse(answer).one("p", id=f"{field}_error").text
        user.refresh_from_db()
        assert user.check_password(PASSWORD)


class TestAccounts:
    def test_everybody_sees_their_rights_and_may_leave_but_not_the_owner(
        self, console: Client, base_console: Client, account: Account
    ) -> None:
        assert "To leave, make somebody else the owner." in parse(console.get("/settings")).text
        page = parse(base_console.get("/settings"))
        assert "Nothing but one's own profile." in page.text.replace("’", "'")
        path = next(a.attributes["href"] for a in page.all("a") if a.text.startswith("Leave"))
        assert "You lose sight of this account" in parse(base_console.get(path)).text
        assert account.memberships.count() == 2
        base_console.post(path)
        assert [one.role for one in account.memberships.all()] == [Role.OWNER]
        refused = console.post(path, follow=True)
        assert "An account always has an owner." in parse(refused).one("p", class_="notice bad").text

    def test_other_accounts_cannot_be_left(self, console: Client) -> None:
        others = Account.objects.create(name="Others")
        assert console.get(f"/settings/accounts/{others.pk}/leave").status_code == 404

    def test_a_name_that_is_refused_stays_in_its_field(self, console: Client, account: Account) -> None:
        answer = console.post("/settings/name", {"name": "abc"})
        page = parse(answer)
        assert "4 to 256 printable characters" in page.one("p", id="id_name_error").text
        assert page.one("input", id="id_name").attributes["value"] == "abc"


def root(page: object) -> Element:
    return parse(page).one("html")


def scheme(page: object) -> str | None:
    return parse(page).one("meta", name="color-scheme").attributes["content"]


class TestTheme:
    def test_it_follows_the_system_until_somebody_chooses(self, console: Client) -> None:
        page = console.get("/clusters")
        assert root(page).attributes["data-theme"] == "system"
        assert scheme(page) == "light dark"
        chosen = console.post("/theme", {"theme": "dark", "next": "/billing?month=2026-01"})
        assert chosen.headers["Location"] == "/billing?month=2026-01"
        for path in ("/clusters", "/nothing", "/settings"):
            page = console.get(path)
            assert root(page).attributes["data-theme"] == "dark"
            assert scheme(page) == "dark"
        assert "checked" in parse(page).one("input", id="theme-dark").attributes

    def test_it_is_remembered_on_the_sign_in_page_too(self, client: Client, db: None) -> None:
        client.post("/theme", {"theme": "light"})
        assert root(client.get("/sign-in")).attributes["data-theme"] == "light"

    def test_a_script_changes_the_page_where_it_is(self, console: Client) -> None:
        answer = console.post("/theme", {"theme": "dark"}, headers={"HX-Request": "true"})
        assert answer.headers["HX-Trigger-After-Settle"] == '{"theme": {"name": "dark"}}'
        button = parse(answer).one("button", id="theme-switch")
        assert button.attributes["value"] == "system"
        assert button.text == "Colours: dark. Switch to: like the system."

    def test_it_takes_nobody_to_another_site_and_knows_its_names(self, console: Client) -> None:
        answer = console.post("/theme", {"theme": "dark", "next": "https://elsewhere.example/"})
        assert answer.headers["Location"] == "/"
        assert console.post("/theme", {"theme": "neon"}).status_code == 404
        console.cookies["theme"] = '"><script>'
        assert root(console.get("/clusters")).attributes["data-theme"] == "system"


def test_somebody_in_two_accounts_renames_the_one_they_look_at(console: Client, user: User, account: Account) -> None:
    second = Account.objects.create(name="Second")
    Membership.objects.create(account=second, user=user, role=Role.ADMIN)
    console.post("/account", {"account": str(second.pk)})
    assert console.post("/settings/name", {"name": "Mine now"}).status_code == 403
    console.post("/account", {"account": str(account.pk)})
    console.post("/settings/name", {"name": "Mine now"})
    assert [one.name for one in Account.objects.order_by("name")] == ["Mine now", "Second"]


def test_a_base_member_reaches_settings_though_not_the_clusters(account: Account, user: User) -> None:
    browser = console_of(account, Role.BASE)
    assert browser.get("/clusters").status_code == 403
    assert browser.get("/settings").status_code == 200
