"""The console's page of exports and deliveries."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from billing.reports.download import file_answer
from billing.reports.forms import ExportForm
from billing.reports.models import Export
from billing.reports.queries import deliveries_of, export_of, exports_of
from billing.reports.services import request_export
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import Job
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page

MOST_LISTED = 25


class ExportsView:
    """An account's latest exports, and where its months are delivered."""

    def __init__(self, account: Account) -> None:
        self.exports = list(exports_of(account)[:MOST_LISTED])
        self.deliveries = list(deliveries_of(account))

    @property
    def working(self) -> bool:
        return any(export.unfinished for export in self.exports)

    @property
    def sentence(self) -> str:
        """What changes while somebody waits, for those who do not see it."""
        unfinished = [export for export in self.exports if export.unfinished]
        if unfinished:
            return f"Exports in the making: {len(unfinished)}. The latest is {unfinished[0].progress_percent} % done."
        return "No export is in the making."


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:payment_information")
def exports(request: AccountRequest) -> HttpResponse:
    """The list (the fragment ``exports``) and the form; POST asks for an export."""
    if request.method != "POST":
        return _page(request, ExportForm(account=request.account, query=request.GET.dict()))
    form = ExportForm(request.POST, account=request.account)
    if form.is_valid():
        try:
            _ask_for(request, form)
        except ServiceError as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, "The export is being made. Its file appears in the list.")
            return redirect("reports:exports")
    return _page(request, form, status=422)


@require_safe
@account_page("read:payment_information")
def download(request: AccountRequest, export_id: UUID) -> HttpResponseBase:
    export = export_of(request.account, export_id)
    try:
        return file_answer(export, request)
    except ServiceError as error:
        if error.code == Code.FAILED_PRECONDITION:
            raise Http404(error.sentence) from None
        raise


def _ask_for(request: AccountRequest, form: ExportForm) -> Export:
    return request_export(
        account=request.account,
        first=form.first,
        last=form.last,
        format=form.cleaned_data["format"],
        selection=form.selection,
        requested_by=Actor.of_user(request.user),
    )


def _page(request: AccountRequest, form: ExportForm, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"view": ExportsView(request.account), "form": form, "states": Job.State}
    return render_page(request, "billing/exports.html", context, fragments=("exports",), status=status)
