"""Acme's view of the admin API: a client with its management key, and what it sends."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from billing.models import Discount, UsageEvent
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import create_management_key
from clusters.models import Cluster, Package
from tests.api.bills import LAST_YEAR
from tests.billing.usage import NOON, Customer, store


class ApiClient:
    """One account's client. Paths are relative to /api and may hold ``{account}``."""

    def __init__(self, account: Account, secret: str) -> None:
        self.account = account
        self.secret = secret
        self._client = Client()

    def request(
        self,
        verb: str,
        path: str,
        *,
        body: object = None,
        authorization: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> HttpResponse:
        """``body`` is sent as JSON, bytes as they are; an empty ``authorization`` sends no such header."""
        if authorization is None:
            authorization = f"apikey {self.secret}"
        return self._client.generic(
            verb,
            "/api" + path.replace("{account}", str(self.account.pk)),
            data=body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=(headers or {}) | ({"Authorization": authorization} if authorization else {}),
            query_params=query,
        )

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.request("GET", path, **query)

    def post(self, path: str, body: object = None) -> HttpResponse:
        return self.request("POST", path, body=body)

    def delete(self, path: str, **query: Any) -> HttpResponse:
        return self.request("DELETE", path, **query)

    def put(self, path: str, body: object = None) -> HttpResponse:
        return self.request("PUT", path, body=body)


def client_of(account: Account) -> ApiClient:
    _, secret = create_management_key(account=account)
    return ApiClient(account, secret)


CLUSTERS = "/cluster/v1/accounts/{account}/clusters"


@pytest.fixture
def api(account: Account) -> ApiClient:
    return client_of(account)


@pytest.fixture
def wish(db: None) -> Callable[..., dict[str, Any]]:
    """The body of CreateCluster for a small paid cluster in the US; keyword arguments replace top-level fields."""

    def make(*, package: str = "mx1", configuration: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        package_id = str(Package.objects.get(name=package).pk)
        cluster = {
            "name": "from-the-api",
            "cloudProviderId": "aws",
            "cloudProviderRegionId": "us-east-1",
            "configuration": {"numberOfNodes": 1, "packageId": package_id} | (configuration or {}),
        }
        return {"cluster": cluster | fields}

    return make


@pytest.fixture
def customer(account: Account, make_cluster: Callable[..., Cluster]) -> Customer:
    """Acme again, with what it uses."""
    customer = Customer(make_cluster, account)
    Account.objects.filter(pk=account.pk).update(created_at=datetime(2026, 9, 1, tzinfo=UTC))
    account.refresh_from_db()
    return customer


@pytest.fixture
def used(customer: Customer) -> Customer:
    """Two models at odd prices on two clusters, cluster-hours, additional disk, a discount of a third."""
    customer.set_price(customer.models[0], 333_333, LAST_YEAR)
    customer.set_price(customer.models[1], 7, LAST_YEAR)
    Discount.objects.create(
        account=customer.account,
        name="Early bird",
        percentage=Decimal("33.33"),
        valid_from=NOON - timedelta(days=60),
        valid_until=NOON + timedelta(days=1),
    )
    one = customer.clusters[0]
    one.labels = [{"key": "team", "value": "search"}, {"key": "cost", "value": "42"}]
    one.cost_allocation_label = "cost"
    one.save()
    store(
        customer.event(1_234_567),
        customer.event(7, kind="search", occurred_at=NOON + timedelta(hours=5)),
        customer.event(999_999, cluster=1, key=1),
        customer.event(55_555, cluster=1, model=1),
        customer.event(31, occurred_at=NOON - timedelta(days=30)),
    )
    for hour in range(3):
        for kind, hours in (("compute", 2), ("disk", 10)):
            UsageEvent.objects.create(
                account=customer.account,
                cluster=one,
                package=one.package,
                kind=kind,
                hours=hours,
                occurred_at=NOON + timedelta(hours=hour),
            )
    return customer
