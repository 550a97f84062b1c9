"""Every id of account B with every credential of account A: there is no such thing."""

from typing import Any
from uuid import UUID

import pytest
from django.core.serializers import serialize
from django.test import Client

from cloudconsole.accounts.models import Account, AuditEvent, ManagementKey, Membership, PaymentMethod, User
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.services import SYSTEM, create_management_key
from cloudconsole.api.methods import METHODS, VARIABLE
from cloudconsole.api.registry import IMPLEMENTATIONS
from clusters.database_keys import create_database_api_key
from clusters.models import Cluster, DatabaseApiKey, Operation, Package
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
SERVED = [METHODS[name] for name in IMPLEMENTATIONS if METHODS[name].access.account]
KEPT = (Account, Cluster, DatabaseApiKey, ManagementKey, Membership, Operation, PaymentMethod, AuditEvent)


@pytest.fixture
def theirs(make_cluster) -> dict[str, str]:
    """What account B has, by the names that requests call it."""
    account = Account.objects.create(name="Account B")
    owner = User.objects.create_user(email="b@other.example", password="another correct horse")
    Membership.objects.create(account=account, user=owner, role=Role.OWNER)
    payment_method = PaymentMethod.objects.create(account=account, name="Simulated card", is_default=True)
    cluster = make_cluster("theirs", account=account)
    key, _ = create_database_api_key(cluster=cluster, name="theirs", requested_by=SYSTEM)
    management_key, _ = create_management_key(account=account)
    roles = client_of(account).get("/iam/v1/accounts/{account}/roles").json()["items"]
    found = {
        "account": account,
        "cluster": cluster,
        "database_api_key": key,
        "management_key": management_key,
        "payment_method": payment_method,
        "user": owner,
    }
    return {name: str(row.pk) for name, row in found.items()} | {"role": roles[0]["id"]}


@pytest.fixture(params=["key", "session"])
def credential_of_a(request, api, user) -> Any:
    """Sends a request as account A; every right there is in A."""
    client = Client()
    if request.param == "session":
        client.force_login(user)

    def send(method, path, query, body):
        return client.generic(
            method.verb,
            path,
            data=b"" if body is None else body,
            content_type="application/json",
            headers={"Authorization": f"apikey {api.secret}"} if request.param == "key" else {},
            query_params=query,
        )

    return send


def subject(path: str) -> str:
    """What a field path names: ``cluster.id`` and ``cluster_id`` are both a cluster."""
    *parents, name = path.split(".")
    return parents[-1] if parents and name == "id" else name.removesuffix("_id")


def ask(send, method, account_id, theirs):
    """The answer to a call in an account with B's ids in all other places, and whether there was any such place."""
    used = False

    def value(path):
        nonlocal used
        if path == method.access.account:
            return account_id
        used = used or subject(path) in theirs
        return theirs.get(subject(path)) or {"year": "2026", "month": "1"}.get(path) or package

    package = str(Package.objects.get(name="mx1").pk)
    path = VARIABLE.sub(lambda match: value(match[1]), method.path)
    query = {}
    if not method.has_body:
        ids = [field.name for field in method.request.DESCRIPTOR.fields if field.name.endswith("_id")]
        query = {name: value(name) for name in ids if name not in method.variables and is_uuid(value(name))}
    answer = send(method, path, query, body_of(method, theirs))
    return answer, used or "CreateDatabaseApiKey" in method.name


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text


def body_of(method, theirs) -> bytes | None:
    if not method.has_body:
        return None
    if method.access.masked_resource:
        return b'{"updateMask": ""}' if method.name.endswith("UpdateAccount") else b'{"updateMask": "labels"}'
    if "CreateDatabaseApiKey" in method.name:
        return b'{"databaseApiKey": {"clusterId": "%s", "name": "mine"}}' % theirs["cluster"].encode()
    return b"{}"


def everything_of_b(theirs) -> str:
    return "".join(
        serialize("json", kind.objects.filter(**{path: theirs["account"]}).order_by("pk"))
        for kind, path in zip(
            KEPT,
            ["pk", "account", "cluster__account", "account", "account", "cluster__account", "account", "account"],
            strict=True,
        )
    )


@pytest.mark.parametrize("method", SERVED, ids=lambda method: method.short_name)
def test_nothing_of_b_is_there_for_a(api, theirs, credential_of_a, method):
    before = everything_of_b(theirs)
    answer, _ = ask(credential_of_a, method, theirs["account"], theirs)
    assert (answer.status_code, answer.json()["code"]) == (404, 5), answer.content
    answer, names_something_of_b = ask(credential_of_a, method, str(api.account.pk), theirs)
    if names_something_of_b:
        assert (answer.status_code, answer.json()["code"]) == (404, 5), answer.content
    assert everything_of_b(theirs) == before
