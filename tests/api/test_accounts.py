"""Accounts, people, roles and management keys through the admin API."""

from uuid import uuid4

import pytest

from cloudconsole.accounts.models import Account, AuditEvent, Membership
from cloudconsole.accounts.permissions import PERMISSIONS, Role
from tests.api.conftest import ApiClient, client_of

pytestmark = pytest.mark.django_db
ACCOUNT = "/account/v1/accounts/{account}"
KEYS = "/auth/v1/accounts/{account}/management-keys"
IAM = "/iam/v1/accounts/{account}"


def test_a_key_lists_its_own_account_alone(api, user):
    Account.objects.create(name="Other")
    [account] = api.get("/account/v1/accounts").json()["items"]
    assert (account["id"], account["name"], account["ownerEmail"]) == (str(api.account.pk), "Acme", user.email)
    assert api.get(ACCOUNT).json() == {"account": account}


def test_a_person_lists_all_accounts_of_theirs(client, user):
    second = Account.objects.create(name="Second")
    Account.objects.create(name="Not theirs")
    Membership.objects.create(account=second, user=user, role=Role.BASE)
    client.force_login(user)
    items = client.get("/api/account/v1/accounts").json()["items"]
    assert [item["name"] for item in items] == ["Acme", "Second"]


def test_renaming_keeps_what_the_mask_leaves_out(api):
    company = {"name": "Acme Ltd", "domain": "acme.example"}
    body = {"account": {"name": "Acme Research", "company": company}}
    assert api.put(ACCOUNT, body).json()["account"]["company"] == company
    answer = api.put(ACCOUNT, {"account": {"name": "Acme Labs"}, "updateMask": "name"})
    assert (answer.json()["account"]["name"], answer.json()["account"]["company"]) == ("Acme Labs", company)
    events = AuditEvent.objects.filter(action="update").count()
    assert api.put(ACCOUNT, answer.json()).json() == answer.json()
    assert AuditEvent.objects.filter(action="update").count() == events == 2


@pytest.mark.parametrize("change", [{"name": "x"}, {"name": "four", "settings": {"mfaRequired": True}}])
def test_an_account_that_cannot_be_is_refused(api, change):
    assert api.put(ACCOUNT, {"account": change}).status_code == 400
    assert Account.objects.get().name == "Acme"


def test_members_are_listed_with_their_owner(api, user):
    [member] = api.get(f"{ACCOUNT}/members").json()["items"]
    assert (member["accountMember"]["email"], member["isOwner"]) == (user.email, True)
    assert api.get(f"{ACCOUNT}/members/{user.pk}").json() == {"accountMember": member}
    assert [item["id"] for item in api.get(f"{IAM}/users").json()["items"]] == [str(user.pk)]


def test_a_person_of_another_account_is_no_member(api, user):
    stranger = client_of(Account.objects.create(name="Stranger"))
    assert stranger.get(f"{ACCOUNT}/members/{user.pk}").status_code == 404
    assert stranger.get(f"{ACCOUNT}/members").json() == {"items": []}


def test_roles_are_those_of_the_cloud(api):
    roles = api.get(f"{IAM}/roles").json()["items"]
    assert [role["name"] for role in roles] == ["Owner", "Admin", "Base"]
    assert {p["value"] for p in roles[0]["permissions"]} == PERMISSIONS
    assert api.get(f"{IAM}/roles/{roles[1]['id']}").json() == {"role": roles[1]}
    assert api.get(f"{IAM}/roles/{uuid4()}").status_code == 404
    assert {p["value"] for p in api.get(f"{IAM}/permissions").json()["permissions"]} == PERMISSIONS


def test_what_a_caller_may_do(api, client, user):
    def granted(answer):
        return {permission["value"] for permission in answer.json()["permissions"]}

    path = f"{IAM}/effective-permissions"
    assert granted(api.get(path)) == PERMISSIONS - {"read:profile"}
    client.force_login(user)
    path = "/api" + path.replace("{account}", str(api.account.pk))
    assert granted(client.get(path)) == PERMISSIONS
    Membership.objects.update(role=Role.BASE)
    assert granted(client.get(path)) == {"read:profile"}
    refused = client.get(f"/api/cluster/v1/accounts/{api.account.pk}/clusters")
    assert (refused.status_code, refused.json()["code"]) == (403, 7)


def test_only_a_person_has_a_self(api, client, user):
    assert api.get("/iam/v1/users/me").status_code == 403
    assert client.get("/api/iam/v1/users/me").status_code == 401
    client.force_login(user)
    me = client.get("/api/iam/v1/users/me").json()["user"]
    assert (me["email"], me["defaultAccountId"], me["status"]) == (
        user.email,
        str(api.account.pk),
        "USER_STATUS_ACTIVE",
    )
    assert client.get("/api/iam/v1/users/me", {"userId": str(uuid4())}).status_code == 403


def test_a_management_key_is_shown_once_and_revoked_for_good(api):
    created = api.post(KEYS, {"managementKey": {}}).json()["managementKey"]
    second = ApiClient(api.account, created["key"])
    listed = second.get(KEYS).json()["items"]
    assert [key["key"] for key in listed] == ["", ""]
    assert created["key"].startswith(listed[1]["prefix"])
    assert api.delete(f"{KEYS}/{created['id']}").json() == {}
    assert second.get(KEYS).status_code == 401
    assert api.delete(f"{KEYS}/{created['id']}").status_code == 404


def test_a_key_of_another_account_cannot_be_revoked(api):
    stranger = client_of(Account.objects.create(name="Stranger"))
    [theirs] = stranger.get(KEYS).json()["items"]
    assert api.delete(f"{KEYS}/{theirs['id']}").status_code == 404
    assert stranger.get(KEYS).status_code == 200


def test_quotas_are_told_to_those_who_may_use_them(api, client, user):
    path = f"/quota/v1/accounts/{api.account.pk}/quotas"
    quotas = api.get(path).json()
    assert (quotas["accountId"], quotas["maxFreeTierClusters"]) == (str(api.account.pk), 1)
    assert min(quotas["maxClusters"], quotas["maxClusterNodes"], quotas["maxClusterDatabaseApiKeys"]) > 0
    Membership.objects.update(role=Role.BASE)
    client.force_login(user)
    hidden = client.get(f"/api{path}").json()
    assert [value for name, value in hidden.items() if name != "accountId"] == [0, 0, 0, 0]
