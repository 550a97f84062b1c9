"""The admin API's bills: invoices, discounts and credits."""

from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from billing.document import statement_document
from billing.models import Credit, CreditDrawdown, Discount, Statement
from billing.rules import Month, StatementState
from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.billing.v1 import billing_pb2
from cloudconsole.api.registry import serves
from cloudconsole.money import usd_from_millicents

CURRENCY = "USD"
_SERVICE = "qdrant.cloud.billing.v1.BillingService"


_STATUSES = {
    StatementState.DRAFT: billing_pb2.INVOICE_STATUS_DRAFT,
    StatementState.OPEN: billing_pb2.INVOICE_STATUS_OPEN,
    StatementState.PAID: billing_pb2.INVOICE_STATUS_PAID,
    StatementState.VOID: billing_pb2.INVOICE_STATUS_VOID,
}


@serves(f"{_SERVICE}.ListInvoices")
def list_invoices(request: billing_pb2.ListInvoicesRequest, caller: Caller) -> billing_pb2.ListInvoicesResponse:
    """The account's statements, latest month first. A draft's total is what its month comes to so far."""
    statements = Statement.objects.filter(account=caller.account).order_by("-month")
    return billing_pb2.ListInvoicesResponse(items=[_invoice(one) for one in statements])


@serves(f"{_SERVICE}.ListDiscounts")
def list_discounts(request: billing_pb2.ListDiscountsRequest, caller: Caller) -> billing_pb2.ListDiscountsResponse:
    """The account's discounts, past and future ones too, in the order of their beginning."""
    discounts = Discount.objects.filter(account=caller.account).order_by("valid_from", "pk")
    return billing_pb2.ListDiscountsResponse(items=[_discount(one) for one in discounts])


@serves(f"{_SERVICE}.ListCreditContracts")
def list_credit_contracts(
    request: billing_pb2.ListCreditContractsRequest, caller: Caller
) -> billing_pb2.ListCreditContractsResponse:
    """Credits paid in advance and what statements took from them, by contract and by month."""
    drawn = CreditDrawdown.objects.filter(credit__account=caller.account).select_related("statement")
    drawn = drawn.exclude(statement__state=StatementState.VOID)  # which have given theirs back
    by_credit: dict[object, list[CreditDrawdown]] = {}
    by_month: dict[Month, int] = {}
    for one in drawn.order_by("statement__month"):
        by_credit.setdefault(one.credit_id, []).append(one)
        month = Month.of_day(one.statement.month)
        by_month[month] = by_month.get(month, 0) + one.millicents
    credits = Credit.objects.filter(account=caller.account).order_by("active_from", "pk")
    history = [
        billing_pb2.MonthlyCreditConsumption(
            year=month.year, month=month.month, amount=_dollars(millicents), currency=CURRENCY
        )
        for month, millicents in sorted(by_month.items())
    ]
    return billing_pb2.ListCreditContractsResponse(
        items=[_contract(credit, by_credit.get(credit.pk, [])) for credit in credits], consumption_history=history
    )


def _invoice(statement: Statement) -> billing_pb2.Invoice:
    """``total_amount`` is with tax and before credits."""
    message = billing_pb2.Invoice(
        id=str(statement.pk), created_at=statement.created_at, status=_STATUSES[StatementState(statement.state)]
    )
    if statement.state == StatementState.DRAFT:
        document = statement_document(account=statement.account, month=Month.of_day(statement.month))
        message.total_amount = document.total + document.tax
        return message
    message.number = statement.invoice_number or ""
    message.total_amount = statement.total + statement.tax
    message.pdf_url = f"{settings.CONSOLE_URL}{reverse('billing:statement-pdf')}?month={statement.month:%Y-%m}"
    return message


def _discount(one: Discount) -> billing_pb2.Discount:
    message = billing_pb2.Discount(name=one.name, valid_from=one.valid_from, valid_until=one.valid_until)
    if one.percentage is not None:
        message.percentage.value = float(one.percentage)
    else:
        message.fixed.value = _dollars(one.fixed_millicents or 0)
        message.fixed.currency = CURRENCY
    return message


def _contract(credit: Credit, drawn: list[CreditDrawdown]) -> billing_pb2.CreditContract:
    used = sum(one.millicents for one in drawn)
    message = billing_pb2.CreditContract(
        id=str(credit.pk),
        account_id=str(credit.account_id),
        total_amount=_dollars(credit.total_millicents),
        currency=CURRENCY,
        active_from=credit.active_from,
        active_to=credit.active_to,
        used_amount=_dollars(used),
        remaining_amount=_dollars(credit.total_millicents - used),
    )
    if credit.notes:
        message.notes = credit.notes
    if used == credit.total_millicents and (closed_at := drawn[-1].statement.closed_at):
        message.exhausted_at.FromDatetime(closed_at)
    return message


def _dollars(millicents: int | Decimal) -> float:
    """The API's messages have doubles for these; five places are exact in them."""
    return float(usd_from_millicents(millicents))
