"""Signing in and out."""

from django.test import Client

from cloudconsole.accounts.models import User
from tests.console.html import parse

PASSWORD = "correct horse battery"


def sign_in(client: Client, email: str, password: str, **fields: str) -> object:
    return client.post("/sign-in", {"username": email, "password": password, **fields})


def test_with_email_and_password_one_gets_to_the_clusters(client: Client, user: User) -> None:
    answer = sign_in(client, user.email, PASSWORD)
    assert answer.status_code == 302
    assert parse(client.get(answer.headers["Location"])).one("h1").text == "Clusters"


def test_one_comes_back_to_the_page_that_was_asked_for(client: Client, user: User) -> None:
    assert sign_in(client, user.email, PASSWORD, next="/billing").headers["Location"] == "/billing"


def test_nobody_is_sent_to_another_site(client: Client, user: User) -> None:
    answer = sign_in(client, user.email, PASSWORD, next="https://elsewhere.example/")
    assert answer.headers["Location"] == "/clusters"


def test_a_wrong_password_and_an_unknown_email_get_the_same_polite_sentence(client: Client, user: User) -> None:
    for email, password in ((user.email, "wrong"), ("nobody@acme.example", PASSWORD)):
        answer = sign_in(client, email, password)
        page = parse(answer)
        assert answer.status_code == 422
        assert page.one("p", role="alert").text == (
            "Email and password do not match. Check both; capital letters matter."
        )
        assert page.one("input", id="id_username").attributes["value"] == email


def test_signing_out_takes_a_form_not_a_link(console: Client) -> None:
    assert console.get("/sign-out").status_code == 405
    assert console.post("/sign-out").headers["Location"] == "/sign-in"
    assert console.get("/clusters").status_code == 302


def test_a_user_without_an_account_is_told_so(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user(email="new@acme.example", password=PASSWORD))
    answer = client.get("/clusters")
    assert answer.status_code == 403
    assert "You do not belong to an account yet. Ask its owner to add you." in parse(answer).one("main").text
