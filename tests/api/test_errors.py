"""Every form that an error has."""

import logging

import pytest
from django.db import OperationalError
from django.test import override_settings

from cloudconsole.api.errors import HTTP_STATUS
from cloudconsole.api.registry import IMPLEMENTATIONS, Implementation
from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster
from tests.api.conftest import CLUSTERS

pytestmark = pytest.mark.django_db
LIST = "qdrant.cloud.cluster.v1.ClusterService.ListClusters"


@pytest.fixture
def failing(monkeypatch):
    """Makes ListClusters raise."""

    def fail_with(error):
        def serve(request, caller):
            raise error

        monkeypatch.setitem(IMPLEMENTATIONS, LIST, Implementation(serve, None))

    return fail_with


def status(answer):
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Code.INVALID_ARGUMENT, (400, 3)),
        (Code.NOT_FOUND, (404, 5)),
        (Code.ALREADY_EXISTS, (409, 6)),
        (Code.PERMISSION_DENIED, (403, 7)),
        (Code.RESOURCE_EXHAUSTED, (429, 8)),
        (Code.FAILED_PRECONDITION, (400, 9)),
        (Code.UNAVAILABLE, (503, 14)),
        (Code.UNAUTHENTICATED, (401, 16)),
    ],
)
def test_a_services_refusal_keeps_its_code_and_sentence(api, failing, code, expected):
    failing(ServiceError(code, "Not today. Try tomorrow."))
    answer = api.get(CLUSTERS)
    assert status(answer) == expected
    assert answer.json() == {"code": expected[1], "message": "Not today. Try tomorrow.", "details": []}


def test_every_code_that_services_know_has_an_http_status():
    assert set(Code) <= set(HTTP_STATUS)


def test_what_nobody_expected_is_logged_and_not_told(api, failing, caplog):
    failing(KeyError("the secret ingredient"))
    with caplog.at_level(logging.ERROR, logger="cloudconsole.api.errors"):
        answer = api.get(CLUSTERS)
    assert status(answer) == (500, 13)
    trace_id = answer.headers["qc-trace-id"]
    assert trace_id in answer.json()["message"]
    assert "ingredient" not in answer.content.decode()
    (record,) = [record for record in caplog.records if record.name == "cloudconsole.api.errors"]
    assert trace_id in record.getMessage()
    assert "ingredient" in record.exc_text


def test_a_database_that_is_away_is_unavailable(api, failing):
    failing(OperationalError("connection refused on /run/postgres.sock"))
    answer = api.get(CLUSTERS)
    assert status(answer) == (503, 14)
    assert "postgres" not in answer.content.decode()


@pytest.mark.parametrize("path", ["", "/", "/cluster", "/cluster/v1/accounts/{account}/cluster", CLUSTERS + "/"])
@pytest.mark.parametrize("verb", ["GET", "POST", "PROPFIND"])
def test_an_unknown_route_is_not_found(api, verb, path):
    answer = api.request(verb, path or "/")
    assert status(answer) == (404, 5)
    assert answer.json()["message"] == "Not Found"


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_wrong_verb_is_not_implemented(api, verb):
    answer = api.request(verb, CLUSTERS)
    assert status(answer) == (501, 12)
    assert answer.json()["message"] == "Method Not Allowed"


@pytest.mark.parametrize("path", [CLUSTERS, CLUSTERS + "/nonsense", "/nowhere"])
def test_every_answer_has_a_trace_id_of_its_own(api, path):
    first, second = api.get(path), api.get(path)
    assert first.headers["qc-trace-id"]
    assert first.headers["qc-trace-id"] != second.headers["qc-trace-id"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The body is not valid JSON: Expecting property name"),
        (b'{"cluster": {}', "The body is not valid JSON: Expecting ',' delimiter"),
        (b"[]", "The body must be a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b'{"cluster": {"name": "\xff"}}', "The body is not text in UTF-8."),
        (b'{"a":' * 50_000, "The body is nested too deeply"),
        (
            b'{"cluster": {"configuration": {"numberOfNodes": ' + b"9" * 5000 + b"}}}",
            "The body is nested too deeply, or",
        ),
        (b'{"cluster": {"name": 5}}', "The body does not fit the request: cluster.name: the value has the wrong type."),
        (b'{"cluster": 5}', "The body does not fit the request: cluster: the value has the wrong type."),
        (b'{"cluster": {"labels": ["a"]}}', "cluster.labels[0].key"),
        (b'{"cluster": {"labels": {}}}', "The body does not fit the request: cluster.labels: repeated field labels"),
        (b'{"cluster": {"name": "\\ud800"}}', "The body does not fit the request: cluster.name: Unpaired surrogate."),
        (b'{"cluster": {"name": "a\\u0000b"}}', "cluster.name must not contain the character U+0000"),
        (b'{"cluster": {"configuration": {"numberOfNodes": -1}}}', "numberOfNodes: Value out of range: -1."),
        (b'{"cluster": {"configuration": {"numberOfNodes": 1.5}}}', "numberOfNodes: Couldn't parse integer: 1.5."),
        (b'{"cluster": {"configuration": {"numberOfNodes": 1e999}}}', "numberOfNodes: Couldn't parse integer: inf."),
        (
            b'{"cluster": {"configuration": {"numberOfNodes": true}}}',
            "numberOfNodes: Bool value True is not acceptable",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_an_invalid_argument(api, body, sentence):
    answer = api.post(CLUSTERS, body)
    assert status(answer) == (400, 3)
    assert sentence in answer.json()["message"]
    assert not Cluster.objects.exists()


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000, DATA_UPLOAD_MAX_NUMBER_FIELDS=10)
def test_a_request_beyond_the_limits_is_an_invalid_argument(api):
    assert status(api.post(CLUSTERS, b" " * 1001)) == (400, 3)
    assert status(api.get(CLUSTERS, **{f"p{n}": "x" for n in range(11)})) == (400, 3)


def test_a_violation_names_field_rule_and_sentence(api, wish):
    body = wish(name="x", labels=[{"key": "team", "value": ""}, {"key": "no good", "value": ""}])
    answer = api.post(CLUSTERS, body)
    assert status(answer) == (400, 3)
    assert answer.json()["message"] == (
        "cluster.name must have at least 2 characters; "
        "cluster.labels[1].key must be a qualified name such as team or example.com/team"
    )
    (detail,) = answer.json()["details"]
    assert detail["@type"] == "type.googleapis.com/buf.validate.Violations"
    name, key = detail["violations"]
    assert name == {
        "ruleId": "string.min_len",
        "message": "must have at least 2 characters",
        "field": {"elements": [{"fieldNumber": 1, "fieldName": "cluster"}, {"fieldNumber": 4, "fieldName": "name"}]},
    }
    assert key["ruleId"] == "string.qualified_name"
    assert key["field"]["elements"][1] == {"fieldNumber": 12, "fieldName": "labels", "index": "1"}


@pytest.mark.parametrize(
    ("verb", "path", "name"),
    [
        ("GET", "/cluster/backup/v1/accounts/{account}/backups", "BackupService.ListBackups"),
        ("POST", "/account/v1/accounts", "AccountService.CreateAccount"),
        ("POST", "/iam/v1/accounts/{account}/roles", "IAMService.CreateRole"),
        ("DELETE", "/iam/v1/users/{account}", "IAMService.DeleteUser"),
    ],
)
def test_what_the_cloud_has_and_we_do_not_says_so(api, verb, path, name):
    answer = api.request(verb, path)
    assert status(answer) == (501, 12)
    assert answer.json()["message"] == f"{name} is not implemented by this cloud."
