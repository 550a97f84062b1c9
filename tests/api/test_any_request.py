"""Requests made up from the OpenAPI document, valid and not: no failure of ours, answers as declared, no open door.

``API_EXAMPLES`` sets how many are made up per operation (``make test-api`` makes many).
"""

import os

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from billing.reports.models import DeliveredMonth, Delivery, Export
from billing.reports.services import request_export, run_export
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import SYSTEM
from cloudconsole.jobs import Job
from clusters.models import Cluster

EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


@pytest.fixture(autouse=True)
def _one_connection(db):
    """Requests share the test's connection, so none may close it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _exports_folder(settings, tmp_path):
    settings.BILLING_EXPORTS_DIR = tmp_path


def _reported(account: Account) -> str:
    """An export of the account with its file; the account is delivered somewhere, too."""
    month = Month(2026, 1)
    manifest = {"files": [{"name": "usage.csv", "format": "csv", "bytes": 7, "sha256": "0" * 64}]}
    delivery, _ = Delivery.objects.get_or_create(
        account=account, url="file:///reports", formats=["csv"], first_month=month.first_day
    )
    DeliveredMonth.objects.get_or_create(
        delivery=delivery, month=month.first_day, defaults={"manifest": manifest, "state": Job.State.SUCCEEDED}
    )
    export = Export.objects.filter(account=account).first()
    if export is None:
        export = request_export(account=account, first=month, last=month, format="csv", requested_by=SYSTEM)
        run_export(export.pk)
    return str(export.pk)


@schema.parametrize()
@how(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 10,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_request_is_answered_as_declared(api, make_cluster, payment_method, case):
    """In the account, cluster and export that are there; all other ids are made up."""
    cluster = Cluster.objects.filter(account=api.account).first() or make_cluster()
    own = {"account_id": str(api.account.pk), "cluster_id": str(cluster.pk)}
    if "BillingReports" in case.operation.tags:
        own["export_id"] = _reported(api.account)
    for name, value in own.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
    response = case.call(headers={"Authorization": f"apikey {api.secret}"})
    case.validate_response(response, checks=CHECKS)
    if case.operation.definition.raw["security"] != [{}]:
        anonymous = case.call(headers={"Authorization": ""})
        assert anonymous.status_code == 401
