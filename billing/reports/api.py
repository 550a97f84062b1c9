"""Exports and deliveries in the admin API. Plain REST: the cloud has no RPC for them.

An export is 202 and an operation to look at, then a file. Where months are delivered is the operator's to say
(``manage.py deliveries``); here one sees what became of them. ``openapi`` describes all of it.
"""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from billing.reports.download import file_answer
from billing.reports.forms import ExportForm
from billing.reports.models import DeliveredMonth, Delivery, Export
from billing.reports.queries import deliveries_of, export_of, exports_of
from billing.reports.services import request_export
from billing.rules import Month
from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.api.callers import Caller, Identity, caller_in
from cloudconsole.api.idempotency import answered_once
from cloudconsole.api.views import ApiView
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import Job

PERMISSION = "read:payment_information"
MOST_LISTED = 100
# What the body calls the form's fields; ``month`` is short for ``from`` and ``to`` alike.
_FIELDS = {
    "month": "from",
    "from": "from",
    "to": "to",
    "format": "format",
    "clusterId": "cluster",
    "model": "model",
    "apiKeyId": "api_key",
    "label": "label",
}
_NAMES = {field: name for name, field in _FIELDS.items() if name != "month"}


class _ReportView(ApiView):
    """Of one account, in which the caller acts."""

    caller: Caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.caller = caller_in(cast(Identity | None, request.user), kwargs["account_id"])
        if refusal := permission_refusal([PERMISSION], self.caller.permissions):
            raise ServiceError(Code.PERMISSION_DENIED, refusal)


class ExportsView(_ReportView):
    def get(self, request: Request, account_id: UUID) -> Response:
        """The account's latest exports."""
        exports = exports_of(self.caller.account)[:MOST_LISTED]
        return Response({"items": [_as_json(export) for export in exports]})

    def post(self, request: Request, account_id: UUID) -> Response:
        """Ask for an export: 202, with the address to ask how far it is. Asked twice with one key, it is made once."""
        wish = _form_data(request.body)
        key = request.headers.get("Idempotency-Key")
        if not key:
            return _accepted(self._request_export(wish))
        answer = answered_once(
            account=self.caller.account,
            key=key,
            method="BillingReports.CreateExport",
            request=orjson.dumps(wish, option=orjson.OPT_SORT_KEYS),
            answer=lambda: orjson.dumps(self._request_export(wish)),
        )
        return _accepted(orjson.loads(answer))

    def _request_export(self, wish: dict[str, Any]) -> dict[str, Any]:
        form = ExportForm(wish)
        if not form.is_valid():
            field, errors = next(iter(form.errors.items()))
            raise ServiceError(Code.INVALID_ARGUMENT, f"{_NAMES.get(field, field)}: {errors[0]}")
        export = request_export(
            account=self.caller.account,
            first=form.first,
            last=form.last,
            format=form.cleaned_data["format"],
            selection=form.selection,
            requested_by=self.caller.actor,
        )
        return _as_json(export)


class ExportView(_ReportView):
    def get(self, request: Request, account_id: UUID, export_id: UUID) -> Response:
        """How far one export is, and what is in its file once there is one."""
        return Response(_as_json(export_of(self.caller.account, export_id)))


class ExportFileView(_ReportView):
    def get(self, request: Request, account_id: UUID, export_id: UUID) -> HttpResponseBase:
        """The file."""
        return file_answer(export_of(self.caller.account, export_id), cast(HttpRequest, request))

    head = get


class DeliveriesView(_ReportView):
    def get(self, request: Request, account_id: UUID) -> Response:
        """Where the account's months go, and what became of each."""
        return Response({"items": [_delivery_as_json(one) for one in deliveries_of(self.caller.account)]})


def _accepted(export: dict[str, Any]) -> Response:
    return Response(export, status=202, headers={"Location": export["operationUrl"]})


def _form_data(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ServiceError(Code.INVALID_ARGUMENT, f"The body is not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise ServiceError(Code.INVALID_ARGUMENT, "The body must be a JSON object.")
    return {_FIELDS[name]: value for name, value in data.items() if name in _FIELDS}


def _as_json(export: Export) -> dict[str, Any]:
    """64-bit numbers are text, as everywhere in this API; what is not there yet is left out."""
    where = {"account_id": export.account_id, "export_id": export.pk}
    operation = reverse("reports:api-export", kwargs=where)
    answer = {
        "id": str(export.pk),
        "operationUrl": operation,
        "from": str(export.first_month),
        "to": str(export.last_month),
        "format": export.format,
        "clusterId": export.cluster_id and str(export.cluster_id),
        "model": export.model,
        "apiKeyId": export.api_key_id and str(export.api_key_id),
        "label": f"{export.label_key}={export.label_value}" if export.label_key else None,
        "state": export.state.upper(),
        "progressPercent": export.progress_percent,
        "error": export.error if export.state == Job.State.FAILED else None,
        "createdAt": _time(export.created_at),
        "finishedAt": _time(export.finished_at),
    }
    if export.file_name:
        answer |= {
            "downloadUrl": reverse("reports:api-export-file", kwargs=where),
            "sha256": export.sha256,
            "bytes": str(export.bytes),
            "keptUntil": _time(export.kept_until),
        }
    return {name: value for name, value in answer.items() if value not in (None, "")}


def _delivery_as_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.pk),
        "url": delivery.url,
        "formats": delivery.formats,
        "firstMonth": str(Month.of_day(delivery.first_month)),
        "createdAt": _time(delivery.created_at),
        "months": [_month_as_json(one) for one in delivery.months.all()],
    }


def _month_as_json(delivered: DeliveredMonth) -> dict[str, Any]:
    files = delivered.manifest["files"] if delivered.manifest else []
    answer = {
        "month": str(Month.of_day(delivered.month)),
        "state": delivered.state.upper(),
        "error": delivered.error,
        "finishedAt": _time(delivered.finished_at),
        "files": [{**file, "bytes": str(file["bytes"])} for file in files],
    }
    return {name: value for name, value in answer.items() if value}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
