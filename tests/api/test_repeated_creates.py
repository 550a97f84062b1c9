"""A client that lost an answer asks again with the same Idempotency-Key."""

import pytest

from clusters.models import Cluster
from tests.api.conftest import CLUSTERS, client_of

pytestmark = pytest.mark.django_db


def create(api, body, key):
    return api.request("POST", CLUSTERS, body=body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_make_one_cluster_and_one_answer(api, wish, payment_method):
    first, second = create(api, wish(), "one"), create(api, wish(), "one")
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert Cluster.objects.count() == 1
    assert create(api, wish(), "two").status_code == 200
    assert Cluster.objects.count() == 2


def test_another_body_is_refused(api, wish, payment_method):
    create(api, wish(), "one")
    answer = create(api, wish(name="another"), "one")
    assert (answer.status_code, answer.json()["code"]) == (409, 6)
    assert Cluster.objects.count() == 1


def test_another_account_may_use_the_same_key(api, wish, payment_method):
    create(api, wish(), "one")
    assert create(client_of(type(api.account).objects.create(name="Other")), wish(), "one").status_code == 400
    assert Cluster.objects.count() == 1


def test_a_refused_create_can_be_repeated(api, wish):
    assert create(api, wish(), "one").status_code == 400
    api.post("/payment/v1/accounts/{account}/payment-methods", {"paymentMethod": {"type": 5}})
    assert create(api, wish(), "one").status_code == 200


def test_a_secret_comes_back_to_who_knows_the_key(api):
    keys = "/auth/v1/accounts/{account}/management-keys"
    answers = [
        api.request("POST", keys, body={"managementKey": {}}, headers={"Idempotency-Key": "one"}).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["managementKey"]["key"].startswith("ccm_")
