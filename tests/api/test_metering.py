"""Metering over the API: the numbers of the exports and the console, in whole millicents that add up."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing.metering import Item, whole_items
from billing.rating import PricingUnit
from billing.rules import rounded
from billing.statements import close_month, void_statement
from cloudconsole.accounts.models import Membership, User
from cloudconsole.money import format_usd
from clusters.models import Cluster
from tests.api.bills import BILLING, METERINGS, NOVEMBER, billed, exported
from tests.api.conftest import ApiClient, client_of
from tests.billing.usage import NOON, Customer
from tests.console.html import parse

BREAKDOWN = "/metering/v1/accounts/{account}/usage-breakdown"


def net(items: list[dict]) -> int:
    return sum(int(item["amountMillicents"]) - int(item.get("discountAmountMillicents", "0")) for item in items)


def test_every_months_total_is_the_rounded_total_of_its_export(used: Customer, api: ApiClient):
    items = api.get(METERINGS).json()["items"]
    october = NOVEMBER.previous
    assert [(item["year"], item["month"]) for item in items] == [(2026, 11), (2026, 10)]
    assert [int(item["amountMillicents"]) for item in items] == [
        rounded(billed(exported(used))),
        rounded(billed(exported(used, october))),
    ]
    assert {item["currency"] for item in items} == {"USD"}


def test_the_items_of_a_month_add_up_to_its_total(used: Customer, api: ApiClient):
    items = api.get(f"{METERINGS}/2026/11").json()["items"]
    lines = exported(used)
    assert net(items) == rounded(billed(lines))
    assert [(item["clusterName"], item["billableEntityType"]) for item in items] == [
        ("one", "inference_model"),
        ("one", "resource_option"),
        ("one", "cluster_booking"),
        ("two", "inference_model"),
        ("two", "inference_model"),
    ]
    for item in items:
        of_item = [
            line
            for line in lines
            if line["cluster_id"] == item["clusterId"]
            and item["billableEntityId"] in (line["model_id"], line["package_id"])
            and (item["billableEntityType"] == "resource_option") == (line["kind"] == "disk")
        ]
        exact = billed(of_item, "list_cost_millicents")
        assert abs(int(item["amountMillicents"]) - exact) <= 2, "rounding moves less than a millicent at either end"
        assert item["discountAmountPercent"] == pytest.approx(33.33)


def test_an_item_says_what_it_is_of(used: Customer, api: ApiClient):
    items = {item["billableEntityType"]: item for item in reversed(api.get(f"{METERINGS}/2026/11").json()["items"])}
    tokens, compute = items["inference_model"], items["cluster_booking"]
    package, model = used.clusters[0].package, used.models[0]
    assert (tokens["billableEntityReferenceName"], tokens["billableEntityId"]) == (model.name, str(model.pk))
    assert (tokens["startTime"], tokens["endTime"]) == ("2026-11-15T12:00:00Z", "2026-11-15T18:00:00Z")
    assert (tokens["pricePerHour"], tokens["usageHours"]) == (0, 6.0)
    assert tokens["clusterLabels"] == {"team": "search", "cost": "42"}
    assert (compute["billableEntityReferenceName"], compute["billableEntityId"]) == (package.name, str(package.pk))
    assert (compute["pricePerHour"], compute["usageHours"]) == (package.price_per_hour, 6.0)
    assert int(compute["amountMillicents"]) == pytest.approx(6 * package.price_per_hour, abs=1)


def test_the_breakdown_of_a_month_is_its_bill(used: Customer, api: ApiClient):
    answer = api.get(BREAKDOWN, startTime="2026-10-01T00:00:00Z", endTime="2026-12-01T00:00:00Z").json()
    assert [(item["year"], item["month"]) for item in answer["items"]] == [(2026, 10), (2026, 11)]
    [account] = answer["items"][1]["accounts"]
    clusters = account["clusters"]
    lines = exported(used)
    assert (account["accountId"], account["accountName"]) == (str(used.account.pk), "Acme")
    assert net(clusters) == rounded(billed(lines))
    assert [one["billableEntityType"] for one in clusters] == [
        "Inference Tokens",
        "Cluster Extra Disk",
        "Cluster",
        "Inference Tokens",
        "Inference Tokens",
    ]
    tokens = sum(one["quantity"] for one in clusters if one["billableEntityType"] == "Inference Tokens")
    assert tokens == sum(int(line["tokens"]) for line in lines)
    inference, disk, compute = clusters[:3]
    package = used.clusters[0].package
    assert inference["costAllocationLabel"] == "cost"
    assert inference["inferenceConfig"]["modelName"] == used.models[0].name
    assert (disk["clusterExtraDiskConfig"]["extraDiskGib"], disk["quantity"]) == (10, 30)
    config = compute["clusterUsageConfig"]
    assert (config["nodeCount"], config["ramGib"], config["region"]) == (2, package.ram_gib, "us-east-1")
    assert answer["items"][1]["funding"] == {"creditsDrawn": []}


def test_a_part_of_a_month_is_the_hours_that_begin_in_it(used: Customer, api: ApiClient):
    def quantity(start: str, end: str) -> float:
        items = api.get(BREAKDOWN, startTime=start, endTime=end).json()["items"]
        return sum(one["quantity"] for item in items for one in item["accounts"][0]["clusters"])

    whole = quantity("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    parts = [("2026-11-01T00:00:00Z", "2026-11-15T14:00:00Z"), ("2026-11-15T14:00:00Z", "2026-12-01T00:00:00Z")]
    assert sum(quantity(*part) for part in parts) == whole
    assert quantity("2026-11-15T17:00:00Z", "2026-11-15T17:00:01Z") == 7
    assert quantity("2026-11-15T17:00:01Z", "2026-11-15T18:00:00Z") == 0
    assert quantity("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z") == 0


@pytest.mark.parametrize(
    "window",
    [
        {"startTime": "2026-11-02T00:00:00Z", "endTime": "2026-11-01T00:00:00Z"},
        {"startTime": "2026-11-01T00:00:00Z"},
        {"startTime": "2000-01-01T00:00:00Z", "endTime": "2026-11-01T00:00:00Z"},
        {"startTime": "0001-01-01T00:00:00Z", "endTime": "2026-11-01T00:00:00Z"},
    ],
)
def test_windows_that_are_none_are_refused(window: dict[str, str], api: ApiClient):
    assert api.get(BREAKDOWN, **window).status_code == 400


def test_a_closed_month_is_what_its_statement_says(used: Customer, api: ApiClient):
    october = NOVEMBER.previous
    before = api.get(METERINGS).json()["items"]
    statement = close_month(account=used.account, month=october)
    assert api.get(METERINGS).json()["items"] == before
    assert int(before[1]["amountMillicents"]) == statement.total
    items = api.get(f"{METERINGS}/2026/10").json()["items"]
    assert net(items) == statement.total == rounded(billed(exported(used, october)))
    void_statement(statement=statement)
    after = {item["month"]: int(item["amountMillicents"]) for item in api.get(METERINGS).json()["items"]}
    assert after[10] == 0
    assert after[11] == pytest.approx(sum(int(item["amountMillicents"]) for item in before), abs=1)


def test_the_console_the_api_and_the_exports_show_the_same(used: Customer, api: ApiClient, client: Client):
    user = User.objects.create_user(email="owner@acme.example", password="correct horse battery")
    Membership.objects.create(account=used.account, user=user, role="owner")
    client.force_login(user)
    page = parse(client.get("/billing?month=2026-11"))
    lines = exported(used)
    assert page.one(id="bill-total").text == format_usd(billed(lines))
    inference = [line for line in lines if line["model"]]
    assert page.one(id="total-cost").text == format_usd(billed(inference))
    assert page.one(id="total-tokens").text == f"{sum(int(line['tokens']) for line in lines):,}"
    assert int(api.get(METERINGS).json()["items"][0]["amountMillicents"]) == rounded(billed(lines))


def test_what_is_of_others_is_nowhere(used: Customer, make_cluster: Callable[..., Cluster]):
    stranger = client_of(Customer(make_cluster).account)
    for path in (METERINGS, f"{METERINGS}/2026/11", f"{BILLING}/discounts", f"{BILLING}/credit-contracts"):
        assert stranger.get(path).json()["items"] == []
        assert stranger.get(path.format(account=used.account.pk)).status_code == 404


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 100)), max_size=30))
def test_whole_items_always_come_to_the_rounded_total(parts: list[tuple[int, int]]):
    items = []
    for size, percent_off in parts:
        list_cost = Decimal(size).scaleb(-7)
        item = Item(
            cluster_id=None,
            cluster_name="",
            labels={},
            provider="",
            region="",
            unit=PricingUnit.TOKENS,
            thing_id=None,
            thing="",
            unit_price=1,
            start=NOON,
            end=NOON,
            list_cost=list_cost,
            cost=list_cost * (100 - percent_off) / 100,
        )
        items.append(item)
    whole = list(whole_items(items))
    assert sum(one.amount - one.discount for one in whole) == rounded(sum((item.cost for item in items), Decimal(0)))
    assert all(one.amount >= one.discount >= 0 for one in whole)
