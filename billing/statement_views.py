"""The page of a month's statement, made for reading and printing, and its PDF."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from billing.document import SIMULATION, statement_document
from billing.models import Statement
from billing.pdf import statement_pdf
from billing.rules import STATEMENT_TRANSITIONS, Month, StatementState
from billing.statements import pay_statement, void_statement
from billing.views import month_of, months_of
from cloudconsole.accounts.models import Account
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page

LINES_PER_PAGE = 50  # on paper all stand below one another
_ACTIONS = {"pay": (pay_statement, "Paid: a simulation, no money moved."), "void": (void_statement, "Taken back.")}


class StatementView:
    """A month's statement and the list of all."""

    simulation = SIMULATION

    def __init__(self, account: Account, month: Month, page: str) -> None:
        self.month = month
        self.months = months_of(account, month)
        self.document = statement_document(account=account, month=month)
        self.page = Paginator(self.document.lines, LINES_PER_PAGE).get_page(page)
        self.statements = Statement.objects.filter(account=account).exclude(number=None).order_by("-number")

    @property
    def can_change(self) -> bool:
        """Whether anything can follow the state that it is in, except by closing."""
        return self.document.state is not StatementState.DRAFT and bool(STATEMENT_TRANSITIONS[self.document.state])


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:payment_information", "write:payment_information")
def statement(request: AccountRequest) -> HttpResponse:
    """The page (its fragment ``statement``); POST pays the statement or takes it back."""
    month = month_of(request)
    if request.method == "POST":
        return _change(request, month)
    view = StatementView(request.account, month, request.GET.get("page", "1"))
    return render_page(request, "billing/statement.html", {"view": view}, fragments=("statement",))


def _change(request: AccountRequest, month: Month) -> HttpResponse:
    closed = Statement.objects.filter(account=request.account, month=month.first_day).first()
    chosen = _ACTIONS.get(request.POST.get("action", ""))
    if closed is None or chosen is None:
        messages.error(request, "There is nothing to change about this month's statement.")
    else:
        try:
            change, sentence = chosen
            change(statement=closed)
            messages.success(request, sentence)
        except ServiceError as error:
            messages.error(request, error.sentence)
    return redirect(f"{reverse('billing:statement')}?month={month}")


@require_safe
@account_page("read:payment_information")
def pdf(request: AccountRequest) -> HttpResponse:
    month = month_of(request)
    document = statement_document(account=request.account, month=month)
    response = HttpResponse(statement_pdf(document), content_type="application/pdf")
    name = document.invoice_number or f"draft-{month}"
    response["Content-Disposition"] = f'attachment; filename="statement-{name}.pdf"'
    return response
