"""Simulated payment methods through the admin API."""

from uuid import uuid4

import pytest

from cloudconsole.accounts.models import AuditEvent

pytestmark = pytest.mark.django_db
METHODS = "/payment/v1/accounts/{account}/payment-methods"
AVAILABLE = "/payment/v1/accounts/{account}/payment-method-availability"
ADDRESS = {"name": "Acme", "line1": "1 Main Street", "country": "DE", "postalCode": "10115"}


def add(api, **fields):
    answer = api.post(METHODS, {"paymentMethod": {"type": "PAYMENT_PROVIDER_TYPE_CUSTOM"} | fields})
    assert answer.status_code == 200, answer.content
    return answer.json()["paymentMethod"]


def defaults(api):
    return [item["id"] for item in api.get(METHODS).json()["items"] if item["isDefault"]]


def test_the_first_payment_method_makes_paid_clusters_possible(api, wish):
    def status():
        return api.get(AVAILABLE).json()["availability"]["status"]

    assert status() == "PAYMENT_METHOD_AVAILABILITY_STATUS_NOT_CONFIGURED"
    assert api.post("/cluster/v1/accounts/{account}/clusters", wish()).status_code == 400
    add(api)
    assert status() == "PAYMENT_METHOD_AVAILABILITY_STATUS_AVAILABLE"
    assert api.post("/cluster/v1/accounts/{account}/clusters", wish()).status_code == 200


def test_what_was_sent_comes_back(api):
    sent = {"billingAddress": ADDRESS, "taxId": "DE123", "paymentProviderId": "customer-1"}
    created = add(api, **sent)
    assert {name: created[name] for name in sent} == sent
    assert "payment_method_details" not in created
    assert api.get(f"{METHODS}/{created['id']}").json() == {"paymentMethod": created}
    events = AuditEvent.objects.count()
    assert api.put(f"{METHODS}/{created['id']}", {"paymentMethod": created}).json() == {"paymentMethod": created}
    assert AuditEvent.objects.count() == events


def test_there_is_always_one_default(api):
    first, second = add(api), add(api)
    assert defaults(api) == [first["id"]]
    body = {"paymentMethod": {"isDefault": True}, "updateMask": "isDefault"}
    assert api.put(f"{METHODS}/{second['id']}", body).status_code == 200
    assert defaults(api) == [second["id"]]
    body["paymentMethod"]["isDefault"] = False
    assert api.put(f"{METHODS}/{second['id']}", body).status_code == 400
    third = add(api, isDefault=True)
    assert defaults(api) == [third["id"]]
    assert api.delete(f"{METHODS}/{third['id']}").status_code == 200
    assert defaults(api) == [first["id"]]


def test_a_mask_clears_what_the_request_leaves_out(api):
    created = add(api, billingAddress=ADDRESS, taxId="DE123")
    body = {"paymentMethod": {}, "updateMask": "taxId"}
    changed = api.put(f"{METHODS}/{created['id']}", body).json()["paymentMethod"]
    assert changed["billingAddress"] == ADDRESS
    assert "taxId" not in changed


def test_real_payment_is_refused(api):
    answer = api.post(METHODS, {"paymentMethod": {"type": "PAYMENT_PROVIDER_TYPE_STRIPE"}})
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert "simulation" in answer.json()["message"]


def test_the_last_payment_method_stays_while_there_are_paid_clusters(api, make_cluster):
    created = add(api)
    cluster = make_cluster("busy")
    refused = api.delete(f"{METHODS}/{created['id']}")
    assert (refused.status_code, refused.json()["code"]) == (400, 9)
    assert "busy" in refused.json()["message"]
    cluster.delete()
    assert api.delete(f"{METHODS}/{created['id']}").status_code == 200
    assert api.get(f"{METHODS}/{created['id']}").status_code == 404


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_a_payment_method_that_is_none_is_not_found(api, verb):
    body = {"paymentMethod": {}, "updateMask": "taxId"}
    assert api.request(verb, f"{METHODS}/{uuid4()}", body=body).status_code == 404
