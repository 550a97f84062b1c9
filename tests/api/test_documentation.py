"""The OpenAPI document and the page that shows it."""

import json
import re
from collections import Counter

import pytest
from django.core.management import call_command
from openapi_spec_validator import validate

from billing.reports import urls as reports
from cloudconsole.api.methods import METHODS
from cloudconsole.api.openapi import openapi_document
from cloudconsole.api.registry import IMPLEMENTATIONS


@pytest.fixture(scope="module")
def document():
    return openapi_document()


def operations(document):
    return {
        operation["operationId"]: (verb.upper(), path, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    }


def test_the_document_is_valid_and_names_what_is_served(document):
    validate(document)
    rpcs = {METHODS[name].short_name for name in IMPLEMENTATIONS}
    assert {name for name in operations(document) if not name.startswith("BillingReports.")} == rpcs


def test_plain_rest_stands_in_it_too(document):
    served = {
        re.sub(r"<uuid:(\w+)>", r"{\1}", f"/{one.pattern}")
        for one in reports.urlpatterns
        if str(one.pattern).startswith("api/")
    }
    told = {path for _, path, operation in operations(document).values() if operation["tags"] == ["BillingReports"]}
    assert told == served


def test_every_address_is_the_methods_own(document):
    for method in (METHODS[name] for name in IMPLEMENTATIONS):
        verb, path, operation = operations(document)[method.short_name]
        assert verb == method.verb
        assert re.sub(r"\{.*?\}", "{}", path) == re.sub(r"\{.*?\}", "{}", method.path)
        told = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert told == re.findall(r"\{(.*?)\}", path)


def test_every_operation_is_explained_and_says_who_may_call_it(document):
    for _, _, operation in operations(document).values():
        assert operation["summary"]
        assert operation["security"]


def test_rules_stand_in_the_schemas(document):
    cluster = document["components"]["schemas"]["Cluster"]
    assert cluster["properties"]["name"] == {
        "type": "string",
        "minLength": 2,
        "maxLength": 64,
        "pattern": "^[a-zA-Z0-9-_]+$",
    }
    assert set(cluster["required"]) == {"name", "cloudProviderId", "cloudProviderRegionId", "configuration"}
    assert cluster["properties"]["state"]["readOnly"]
    quote = document["components"]["schemas"]["GetQuoteResponse"]["properties"]
    assert quote["originalPricePerHour"]["type"] == "string"


def test_no_two_messages_share_a_name(document):
    def messages(descriptor, seen):
        if descriptor.full_name not in seen:
            seen[descriptor.full_name] = descriptor.name
            for field in descriptor.fields:
                if field.message_type is not None and not field.message_type.GetOptions().map_entry:
                    messages(field.message_type, seen)
        return seen

    names = {}
    for method in METHODS.values():
        messages(method.request.DESCRIPTOR, names)
        messages(method.response.DESCRIPTOR, names)
    assert max(Counter(names.values()).values()) == 1


def test_it_is_served_printed_and_shown_from_our_own_origin(client, document, capsys):
    assert client.get("/api/openapi.json").json() == document
    call_command("openapi")
    assert json.loads(capsys.readouterr().out) == document
    page = client.get("/api/docs")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/")
        assert client.get(address).status_code == 200, address
