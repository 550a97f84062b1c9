"""Keys, accounts and permissions."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.test import Client

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor
from cloudconsole.api import dispatch
from cloudconsole.api.callers import Caller, Identity, identity_with_key
from cloudconsole.api.gen.cloudconsole.options_pb2 import Access
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import ListClustersRequest, RestartClusterRequest
from cloudconsole.api.methods import METHODS
from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster
from tests.api.conftest import CLUSTERS, client_of

pytestmark = pytest.mark.django_db
LIST = METHODS["qdrant.cloud.cluster.v1.ClusterService.ListClusters"]
RESTART = METHODS["qdrant.cloud.cluster.v1.ClusterService.RestartCluster"]


@pytest.mark.parametrize("scheme", ["apikey", "ApiKey", "APIKEY"])
def test_the_scheme_may_be_written_in_any_case(api, scheme):
    answer = api.request("GET", CLUSTERS, authorization=f"{scheme} {api.secret}")
    assert answer.status_code == 200


@pytest.mark.parametrize("authorization", ["", "apikey", "apikey ", "Bearer {secret}", "{secret}", "apikey {secret}x"])
def test_anything_but_a_valid_key_is_refused_with_a_challenge(api, authorization):
    answer = api.request("GET", CLUSTERS, authorization=authorization.format(secret=api.secret))
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    assert answer.headers["WWW-Authenticate"] == answer.json()["message"]


def test_a_key_sees_its_own_account_only(api, make_cluster):
    make_cluster()
    stranger = client_of(Account.objects.create(name="Stranger"))
    assert len(api.get(CLUSTERS).json()["items"]) == 1
    assert stranger.get(CLUSTERS).json()["items"] == []


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", CLUSTERS + "/{cluster}"),
        ("PUT", CLUSTERS + "/{cluster}"),
        ("POST", CLUSTERS + "/{cluster}/restart"),
        ("GET", "/monitoring/v1/accounts/{account}/cluster/{cluster}/metrics/inference"),
    ],
)
def test_a_cluster_of_another_account_is_not_found_in_ones_own(make_cluster, verb, path):
    theirs = make_cluster()
    stranger = client_of(Account.objects.create(name="Stranger"))

    def answer_for(cluster_id):
        answer = stranger.request(verb, path.replace("{cluster}", str(cluster_id)), body={"updateMask": "name"})
        return answer.status_code, answer.json()["message"].replace(str(cluster_id), "…")

    assert answer_for(theirs.pk)[0] == 404
    assert answer_for(theirs.pk) == answer_for(uuid4())
    assert Cluster.objects.get().generation == 1


def test_an_account_that_exists_answers_like_one_that_does_not(api):
    other = Account.objects.create(name="Other")

    def answer_for(account_id):
        answer = api.get(f"/cluster/v1/accounts/{account_id}/clusters")
        return answer.status_code, answer.json()["message"].replace(str(account_id), "…")

    assert answer_for(other.pk) == answer_for(uuid4()) == (404, "There is no account ….")


def test_the_account_may_be_written_in_capitals(api):
    assert api.get(f"/cluster/v1/accounts/{str(api.account.pk).upper()}/clusters").status_code == 200


def test_an_account_that_is_no_uuid_is_an_invalid_argument(api):
    answer = api.get("/cluster/v1/accounts/acme/clusters")
    assert (answer.status_code, answer.json()["message"]) == (400, "account_id must be a UUID")


class SomebodyIn:
    """An identity with some permissions in one account."""

    user = None

    def __init__(self, account, *permissions):
        self.account = account
        self.permissions = frozenset(permissions)

    def in_account(self, account_id):
        return Caller(self.account, Actor("user", "1", "reader@acme.example"), self.permissions)


def test_a_caller_without_the_permission_is_refused(account, make_cluster):
    reader = SomebodyIn(account, "read:clusters")
    dispatch.call(LIST, ListClustersRequest(account_id=str(account.pk)), reader)
    request = RestartClusterRequest(account_id=str(account.pk), cluster_id=str(make_cluster().pk))
    with pytest.raises(ServiceError, match="needs the permission write:clusters") as refused:
        dispatch.call(RESTART, request, reader)
    assert refused.value.code == Code.PERMISSION_DENIED


def test_what_is_for_people_refuses_a_key_with_every_permission(api, user):
    people_only = replace(LIST, access=Access(account="account_id", any_actor=True, user_only=True))
    request = ListClustersRequest(account_id=str(api.account.pk))
    dispatch.call(people_only, request, Identity.of_user(user))
    with pytest.raises(ServiceError, match="signed-in people only"):
        dispatch.call(people_only, request, identity_with_key(f"apikey {api.secret}"))


def test_a_person_acts_in_every_account_of_theirs_and_in_no_other(user, client, make_cluster):
    make_cluster()
    client.force_login(user)
    mine, other = user.accounts.get(), Account.objects.create(name="Other")
    answer = client.get(f"/api/cluster/v1/accounts/{mine.pk}/clusters")
    assert [item["name"] for item in answer.json()["items"]] == ["new-us"]
    assert client.get(f"/api/cluster/v1/accounts/{other.pk}/clusters").status_code == 404


def test_a_persons_session_alone_changes_nothing(user, make_cluster):
    """Another site can make a browser send the console's cookie, but not its token."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    cluster = make_cluster()
    answer = browser.post(f"/api/cluster/v1/accounts/{cluster.account_id}/clusters/{cluster.pk}/restart")
    assert (answer.status_code, answer.json()["code"]) == (403, 7)
    assert Cluster.objects.get().generation == 1
