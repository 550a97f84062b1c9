"""Who is told of an alert, and how: signed webhooks to public addresses only, e-mails, again after a failure."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from billing.budgets.models import Budget, BudgetAlert, Notification
from billing.budgets.sending import send_notification
from billing.budgets.services import BudgetWish, check_budgets_of, create_budget
from billing.budgets.webhooks import check_webhook_url, post_webhook, webhook_secret
from billing.rules import Month
from cloudconsole.accounts.services import SYSTEM
from cloudconsole.jobs import CannotBeDone, Job
from tests.billing.usage import NOON, Customer, store

pytestmark = pytest.mark.django_db
NOW = NOON + timedelta(hours=1)


class Receiver:
    """Stands in for somebody's server: keeps what came, answers with ``statuses`` in turn, then 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append((dict(self.headers), body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Location", receiver.url + "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.BUDGET_WEBHOOKS_INTERNAL = True
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def priced(customer: Customer) -> Customer:
    customer.set_price(customer.models[0], 1_000_000, Month.of(NOON).start)
    return customer


def alert(customer: Customer, **wish) -> list[Notification]:
    """Half of a budget is used."""
    budget = create_budget(
        account=customer.account,
        wish=BudgetWish(name="all", amount_millicents=100_000_000, **wish),
        requested_by=SYSTEM,
    )
    store(customer.event(50_000_000))
    check_budgets_of(account=customer.account, now=NOW)
    return list(Notification.objects.filter(alert__budget=budget, alert__measure="actual"))


def test_a_webhook_is_signed_so_that_the_standards_library_accepts_it(priced: Customer, receiver: Receiver):
    [notification] = alert(priced, webhook_url=receiver.url)
    send_notification(notification.pk)
    [(headers, body)] = receiver.received
    webhook = Webhook(webhook_secret(priced.account.pk))
    said = webhook.verify(body, headers)
    assert said["type"] == "budget.threshold_reached"
    assert said["data"] == {
        "account_id": str(priced.account.pk),
        "budget_id": str(Budget.objects.get().pk),
        "budget_name": "all",
        "cluster_id": None,
        "api_key_id": None,
        "month": "2026-11",
        "measure": "actual",
        "threshold_percent": 50,
        "amount_millicents": "50000000",
        "budget_millicents": "100000000",
        "hard_cap": False,
        "sentence": "$500.00 of the budget all ($1000.00) is used in 2026-11: 50 % of it or more.",
    }
    with pytest.raises(WebhookVerificationError):
        webhook.verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secret(priced.clusters[0].pk)).verify(body, headers)
    assert Notification.objects.get(pk=notification.pk).state == Job.State.SUCCEEDED
    assert send_notification(notification.pk) is None
    assert len(receiver.received) == 1


def test_a_receiver_that_fails_is_asked_again_with_the_same_id(priced: Customer, receiver: Receiver):
    receiver.statuses = [500, 302, 429]
    [notification] = alert(priced, webhook_url=receiver.url)
    for attempt, error in enumerate(["500", "302", "429", None], 1):
        Notification.objects.update(due_at=timezone.now())
        send_notification(notification.pk)
        notification.refresh_from_db()
        if error:
            assert notification.error == f"NotDelivered: the receiver answered {error}"
            assert notification.state == Job.State.PENDING
            send_notification(notification.pk)  # not before its time
        assert (notification.attempts, len(receiver.received)) == (attempt, attempt)
    assert notification.state == Job.State.SUCCEEDED
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


def test_a_receiver_that_wants_no_more_is_asked_no_more(priced: Customer, receiver: Receiver):
    receiver.statuses = [410]
    [notification] = alert(priced, webhook_url=receiver.url)
    send_notification(notification.pk)
    notification.refresh_from_db()
    assert (notification.state, notification.attempts) == (Job.State.FAILED, 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:1/x",
        "https://localhost/x",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://10.0.0.1",
    ],
)
def test_nothing_is_sent_to_addresses_that_are_not_public(url: str, settings):
    assert settings.BUDGET_WEBHOOKS_INTERNAL is False
    with pytest.raises(CannotBeDone, match="public internet only"):
        post_webhook(url=url, secret="whsec_", message_id="msg_1", body=b"{}", now=datetime.now(UTC))


def test_a_loopback_receiver_is_not_even_connected_to(priced: Customer, settings):
    settings.BUDGET_WEBHOOKS_INTERNAL = True
    with running_receiver() as receiver:
        [notification] = alert(priced, webhook_url=receiver.url)
        settings.BUDGET_WEBHOOKS_INTERNAL = False
        send_notification(notification.pk)
        assert receiver.received == []
    assert Notification.objects.get(pk=notification.pk).state == Job.State.FAILED


def test_urls_that_are_none_of_the_public_internet_are_told_from_their_text(settings):
    assert check_webhook_url("https://hooks.example/x?y=1") is None
    for url in (
        "http://hooks.example",
        "ftp://hooks.example",
        "https://0x7f.1/",
        "https://a@b.example",
        "nonsense",
        "",
    ):
        assert check_webhook_url(url)
    settings.BUDGET_WEBHOOKS_INTERNAL = True
    assert check_webhook_url("http://receiver:9000/x") is None


def test_an_email_says_what_happened(priced: Customer):
    first, second = alert(priced, emails=["one@acme.example", "two@acme.example"], hard_cap=True)
    send_notification(first.pk)
    send_notification(second.pk)
    assert sorted(message.to for message in mail.outbox) == [["one@acme.example"], ["two@acme.example"]]
    message = mail.outbox[0]
    assert message.subject == "Budget all: 50 % of 2026-11 (actual)"
    assert "$500.00 of the budget all ($1000.00) is used in 2026-11: 50 % of it or more." in message.body
    assert "hard cap" in message.body
    assert "simulation" in message.body


def test_an_email_server_that_is_away_is_asked_again(priced: Customer, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    [notification] = alert(priced, emails=["one@acme.example"])
    send_notification(notification.pk)
    notification.refresh_from_db()
    assert (notification.state, notification.attempts) == (Job.State.PENDING, 1)
    assert "ConnectionRefusedError" in notification.error


def test_a_budget_that_is_gone_tells_nobody(priced: Customer, receiver: Receiver):
    [notification] = alert(priced, webhook_url=receiver.url)
    Budget.objects.all().delete()
    send_notification(notification.pk)
    assert receiver.received == []
    assert not BudgetAlert.objects.exists()
