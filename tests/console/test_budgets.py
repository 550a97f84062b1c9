"""The pages of budgets: setting, watching, changing, removing."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from billing.budgets.models import Budget
from billing.budgets.services import check_budgets_of
from billing.budgets.webhooks import webhook_secret
from cloudconsole.accounts.models import Account
from clusters.models import Cluster, DatabaseApiKey
from tests.console.conftest import record_usage
from tests.console.html import parse

PAGE = "/billing/budgets"
MXBAI = "mixedbread-ai/mxbai-embed-large-v1"
WISH = {"name": "team", "of": "", "amount": "0.05", "emails": "a@acme.example, b@acme.example", "webhook_url": ""}


def test_from_the_form_to_the_alert(console: Client, account: Account, make_cluster: Callable[..., Cluster]) -> None:
    record_usage(make_cluster("one"), MXBAI, 1_500_000)  # at 0.03 USD per million: 0.045
    answer = console.post(PAGE, WISH | {"hard_cap": "on"})
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    budget = Budget.objects.get()
    assert (budget.amount_millicents, budget.emails) == (5_000, ["a@acme.example", "b@acme.example"])
    assert "Not counted yet" in parse(console.get(PAGE)).one(id="budgets").text
    check_budgets_of(account=account, now=timezone.now())
    shown = parse(console.get(PAGE, headers={"HX-Request": "true", "HX-Target": "budgets"})).one(id="budgets").text
    assert "$0.045 90 %" in shown
    assert "90 % of it or more. Told: a@acme.example (pending), b@acme.example (pending)." in shown
    record_usage(Cluster.objects.get(), MXBAI, 1_000_000)
    check_budgets_of(account=account, now=timezone.now())
    assert "Used up: inference is refused" in parse(console.get(PAGE)).text


def test_clusters_and_keys_can_be_chosen(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster("mine")
    key = DatabaseApiKey.objects.create(cluster=cluster, name="reader", prefix="k", secret_hash="h")
    options = {
        option.text: option.attributes["value"] for option in parse(console.get(PAGE)).one(id="id_of").all("option")
    }
    assert options == {
        "The whole account": "",
        "Cluster mine": f"cluster:{cluster.pk}",
        "API key reader of mine": f"key:{key.pk}",
    }
    console.post(PAGE, WISH | {"name": "of the cluster", "of": options["Cluster mine"]})
    console.post(PAGE, WISH | {"name": "of the key", "of": options["API key reader of mine"]})
    assert Budget.objects.get(name="of the cluster").cluster_id == cluster.pk
    assert Budget.objects.get(name="of the key").api_key_id == key.pk
    text = parse(console.get(PAGE)).one(id="budgets").text
    assert "Cluster mine" in text
    assert "API key reader" in text


def test_it_is_changed_and_removed(console: Client) -> None:
    console.post(PAGE, WISH)
    page = f"{PAGE}/{Budget.objects.get().pk}"
    form = parse(console.get(page)).one("form", action=page, method="post")
    assert form.one("input", id="id_amount").attributes["value"] == "0.05000"
    assert console.post(page, WISH | {"amount": "7", "emails": ""}).status_code == 302
    budget = Budget.objects.get()
    assert (budget.amount_millicents, budget.emails) == (700_000, [])
    assert console.post(f"{page}/remove").status_code == 302
    assert not Budget.objects.exists()


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "0.000001"}, "amount"),
        ({"amount": "much"}, "amount"),
        ({"name": ""}, "name"),
        ({"of": "cluster:1"}, "of"),
        ({"emails": "nobody"}, "emails"),
        ({"webhook_url": "http://127.0.0.1/"}, "webhook_url"),
    ],
)
def test_what_is_wrong_stands_at_its_field(wish: dict[str, str], field: str, console: Client) -> None:
    answer = console.post(PAGE, WISH | wish)
    assert answer.status_code == 422
    assert parse(answer).one(id=f"id_{field}_error")
    console.post(PAGE, WISH)
    page = f"{PAGE}/{Budget.objects.get().pk}"
    assert console.post(page, WISH | wish).status_code == 422


def test_whoever_may_only_read_sees_them_without_the_secret(
    console: Client, readers_console: Client, account: Account
) -> None:
    console.post(PAGE, WISH)
    secret = webhook_secret(account.pk)
    assert secret in parse(console.get(PAGE)).text
    page = parse(readers_console.get(PAGE))
    assert "team" in page.one(id="budgets").text
    assert secret not in page.text
    assert readers_console.post(PAGE, WISH | {"name": "mine"}).status_code == 403
    assert readers_console.post(f"{PAGE}/{Budget.objects.get().pk}/remove").status_code == 403


def test_budgets_of_others_do_not_exist(console: Client, foreign_cluster: Cluster) -> None:
    console.post(PAGE, WISH)
    Budget.objects.update(account=foreign_cluster.account)
    page = f"{PAGE}/{Budget.objects.get().pk}"
    assert "No budget yet" in parse(console.get(PAGE)).text
    assert [console.get(page).status_code, console.post(page, WISH).status_code] == [404, 404]
    assert console.post(f"{page}/remove").status_code == 404
    assert Budget.objects.exists()


def test_of_many_clusters_others_are_found_and_stay(
    console: Client, make_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.choices.MOST_OFFERED", 1)
    wanted, *_ = [make_cluster(name) for name in ("sought", "second")]

    def offered(path: str) -> list[str]:
        return [option.text for option in parse(console.get(path)).one("select", id="id_of").all("option")]

    assert offered(PAGE) == ["The whole account", "Cluster second"]
    assert offered(f"{PAGE}?find_of=sou") == ["The whole account", "Cluster sought"]
    console.post(PAGE, WISH | {"of": f"cluster:{wanted.pk}"})
    page = f"{PAGE}/{Budget.objects.get().pk}"
    assert offered(page) == ["The whole account", "Cluster sought", "Cluster second"]
    assert "second" in offered(f"{page}?find_of=second&of=")[-1]
