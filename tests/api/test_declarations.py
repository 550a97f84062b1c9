"""Every RPC that the protos declare says how it is reached, by whom, and what it takes."""

import re
import subprocess
import sys
from uuid import uuid4

import pytest

from cloudconsole.accounts.permissions import PERMISSIONS
from cloudconsole.api.declarations import field_rules
from cloudconsole.api.methods import METHODS, Method
from cloudconsole.api.registry import IMPLEMENTATIONS, serves
from cloudconsole.api.validation import value_at, violations

ABOUT_THE_CALLER = {"AccountService.ListAccounts", "IAMService.GetAuthenticatedUser"}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.short_name)


def path_of(method: Method, account_id: str) -> str:
    """The method's path in somebody's account, with made-up values in the other places."""
    path = method.path.removeprefix("/api").replace(f"{{{method.access.account}}}", account_id)
    for name, value in {"year": "2026", "month": "1", "version": "v1.0.0"}.items():
        path = path.replace(f"{{{name}}}", value)
    return re.sub(r"\{[a-z_.]+\}", str(uuid4()), path)


def test_the_generated_code_is_up_to_date():
    check = subprocess.run([sys.executable, "-m", "cloudconsole.api.generate", "--check"], capture_output=True)
    assert check.returncode == 0, check.stderr.decode()


@every_method
def test_a_method_says_who_may_call_it(method):
    access = method.access
    assert [bool(access.permissions), access.any_actor, access.public].count(True) == 1
    assert set(access.permissions) <= PERMISSIONS


@every_method
def test_a_method_names_the_account_it_acts_in(method):
    if not method.access.account:
        assert method.access.public or method.short_name in ABOUT_THE_CALLER
        return
    assert isinstance(value_at(method.request(), method.access.account), str)
    assert f"{{{method.access.account}}}" in method.path


@every_method
def test_what_a_method_needs_is_a_rule(method):
    needs_nothing = not method.path.count("{") and not method.has_body and "ListGlobalPackages" not in method.name
    assert bool(violations(method.request())) != needs_nothing


@every_method
def test_identifiers_in_requests_are_checked(method):
    for field in method.request.DESCRIPTOR.fields:
        if field.name.endswith("_id") and not field.name.startswith(("cloud_provider", "region", "inference_model")):
            assert field_rules(field).uuid, field.full_name


@every_method
def test_a_method_with_an_update_mask_says_what_the_mask_is_about(method):
    assert ("update_mask" in method.request.DESCRIPTOR.fields_by_name) == bool(method.access.masked_resource)


@pytest.mark.parametrize("method", [m for m in METHODS.values() if not m.access.public], ids=lambda m: m.short_name)
@pytest.mark.django_db
def test_nothing_answers_without_a_key(method, api):
    answer = api.request(method.verb, path_of(method, str(api.account.pk)), authorization="")
    assert (answer.status_code, answer.json()["code"]) == (401, 16)


@pytest.mark.parametrize("method", [m for m in METHODS.values() if m.access.account], ids=lambda m: m.short_name)
@pytest.mark.django_db
def test_an_account_of_somebody_else_is_not_found(method, api):
    answer = api.request(method.verb, path_of(method, str(uuid4())))
    assert (answer.status_code, answer.json()["code"]) == (404, 5)
    assert answer.json()["message"].startswith("There is no account ")


@every_method
@pytest.mark.django_db
def test_what_is_declared_but_not_served_says_so(method, api):
    answer = api.request(method.verb, path_of(method, str(api.account.pk)))
    if method.access.user_only:
        assert (answer.status_code, answer.json()["code"]) == (403, 7)
    elif method.name in IMPLEMENTATIONS:
        assert answer.status_code in (200, 400, 404)
    else:
        assert (answer.status_code, answer.json()["code"]) == (501, 12)
        assert answer.json()["message"] == f"{method.short_name} is not implemented by this cloud."


def test_a_servicer_for_a_method_that_no_proto_declares_is_refused():
    with pytest.raises(ValueError, match="declares qdrant"):
        serves("qdrant.cloud.cluster.v1.ClusterService.PaintCluster")


def test_a_second_servicer_for_a_method_is_refused():
    with pytest.raises(ValueError, match="served already"):
        serves("qdrant.cloud.cluster.v1.ClusterService.GetCluster")
