"""Database API keys through the admin API."""

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from django.utils import timezone

from cloudconsole.accounts.models import Account
from clusters.models import DatabaseApiKey
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
KEYS = "/cluster/auth/v2/accounts/{account}/database-api-keys"
READ_ALL = {"globalAccess": {"accessType": "GLOBAL_ACCESS_RULE_ACCESS_TYPE_READ_ONLY"}}
MANAGE_ALL = {"globalAccess": {"accessType": "GLOBAL_ACCESS_RULE_ACCESS_TYPE_MANAGE"}}


def collection(name, mode="READ_ONLY"):
    return {"collectionAccess": {"collectionName": name, "accessType": f"COLLECTION_ACCESS_RULE_ACCESS_TYPE_{mode}"}}


def create(api, cluster, *rules, **fields):
    key = {"clusterId": str(cluster.pk), "name": "backend", "accessRules": rules} | fields
    return api.post(KEYS, {"databaseApiKey": key})


@pytest.mark.parametrize(
    ("rules", "claim"),
    [
        ([], "m"),
        ([MANAGE_ALL], "m"),
        ([READ_ALL], "r"),
        (
            [collection("a"), collection("b", "READ_WRITE")],
            [{"collection": "a", "access": "r"}, {"collection": "b", "access": "rw"}],
        ),
    ],
)
def test_a_key_is_a_token_with_its_rules_and_is_shown_once(api, make_cluster, rules, claim):
    end = (timezone.now() + timedelta(days=90)).replace(microsecond=0)
    answer = create(api, make_cluster(), *rules, expiresAt=end.isoformat())
    assert answer.status_code == 200, answer.content
    created = answer.json()["databaseApiKey"]
    claims = jwt.decode(created["key"], options={"verify_signature": False})
    assert (claims["access"], claims["exp"]) == (claim, int(end.timestamp()))
    [listed] = api.get(KEYS).json()["items"]
    assert listed == created | {"key": ""}
    assert listed["accessRules"] == rules
    assert created["key"].endswith(listed["postfix"])
    assert listed["createdByEmail"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": [READ_ALL, MANAGE_ALL]},
        {"rules": [READ_ALL, collection("a")]},
        {"rules": [collection("a"), collection("a")]},
        {"rules": [{}]},
        {"rules": [collection("no spaces")]},
        {"rules": [collection(f"c{n}") for n in range(21)]},
        {"name": "abc"},
        {"name": "a/b/c"},
        {"key": "mine"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_key_that_cannot_be_is_refused(api, make_cluster, wrong):
    answer = create(api, make_cluster(), *wrong.pop("rules", []), **wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert not DatabaseApiKey.objects.exists()


def test_a_name_is_taken_once_per_cluster(api, make_cluster):
    cluster = make_cluster()
    create(api, cluster)
    assert create(api, cluster).status_code == 409
    assert create(api, make_cluster("second")).status_code == 200


def test_keys_are_listed_for_one_cluster_or_all(api, make_cluster):
    first, second = make_cluster("first"), make_cluster("second")
    create(api, first), create(api, second)
    assert len(api.get(KEYS).json()["items"]) == 2
    [key] = api.get(KEYS, clusterId=str(second.pk)).json()["items"]
    assert key["clusterId"] == str(second.pk)


def test_a_deleted_key_is_gone(api, make_cluster):
    cluster = make_cluster()
    key = create(api, cluster).json()["databaseApiKey"]
    path = f"{KEYS}/{key['id']}"
    assert api.delete(path).status_code == 400  # the cluster must be named
    assert api.delete(path, clusterId=str(cluster.pk)).json() == {}
    assert api.get(KEYS).json() == {"items": []}
    assert api.delete(path, clusterId=str(cluster.pk)).status_code == 404


def test_keys_of_another_account_are_not_there(api, make_cluster):
    cluster = make_cluster()
    key = create(api, cluster).json()["databaseApiKey"]
    stranger = client_of(Account.objects.create(name="Stranger"))
    assert create(stranger, cluster).status_code == 404
    assert stranger.get(KEYS).json() == {"items": []}
    assert stranger.get(KEYS, clusterId=str(cluster.pk)).status_code == 404
    assert stranger.delete(f"{KEYS}/{key['id']}", clusterId=str(cluster.pk)).status_code == 404
    assert len(api.get(KEYS).json()["items"]) == 1


def test_a_cluster_that_is_none_is_not_found(api):
    answer = api.post(KEYS, {"databaseApiKey": {"clusterId": str(uuid4()), "name": "backend"}})
    assert answer.status_code == 404
