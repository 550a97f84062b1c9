"""A statement as people read it: its lines summed by cluster and thing, and what they come to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from billing.lines import bill_lines, kept_lines
from billing.models import Statement
from billing.rating import NOTHING, pricing_unit
from billing.report_line import ReportLine
from billing.rules import Month, StatementState, rounded
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT

SIMULATION = "A simulation: amounts are exact, prices are for demonstration, and nobody is charged."


@dataclass(frozen=True)
class DocumentLine:
    """Everything of one cluster at one price: ``cost`` is billed, ``list_cost`` what it is without reductions."""

    cluster: str
    sku: str
    note: str  # "free allowance", "-20 %", "correction of 2026-10"
    quantity: int
    things: str
    unit_price: int
    pricing_unit: str
    list_cost: Decimal
    cost: Decimal


@dataclass(frozen=True)
class StatementDocument:
    """All that is on the page and in the PDF. Amounts in millicents; of a draft as they would be now."""

    account_name: str
    account_id: str
    month: Month
    state: StatementState
    invoice_number: str | None
    closed_at: datetime | None
    sha256: str
    lines: list[DocumentLine]
    list_cost: Decimal
    exact_total: Decimal
    total: int
    tax_percentage: Decimal
    tax: int
    credit_drawn: int

    @property
    def title(self) -> str:
        return f"Statement {self.invoice_number}" if self.invoice_number else "Draft statement"

    @property
    def residual(self) -> Decimal:
        return EXACT.subtract(self.exact_total, Decimal(self.total))

    @property
    def due(self) -> int:
        return self.total + self.tax - self.credit_drawn

    @property
    def reductions(self) -> Decimal:
        """What allowances and discounts took off."""
        return EXACT.subtract(self.list_cost, self.exact_total)


def statement_document(*, account: Account, month: Month) -> StatementDocument:
    """The month's statement, or the draft of it: what it would be if the month were closed now."""
    statement = Statement.objects.filter(account=account, month=month.first_day).first()
    if statement is None or statement.state == StatementState.DRAFT:
        lines, list_cost, cost = _summed(bill_lines(account=account, month=month))
        total = rounded(cost)
        return StatementDocument(
            account_name=account.name,
            account_id=str(account.pk),
            month=month,
            state=StatementState.DRAFT,
            invoice_number=None,
            closed_at=None,
            sha256="",
            lines=lines,
            list_cost=list_cost,
            exact_total=cost,
            total=total,
            tax_percentage=settings.BILLING_TAX_PERCENTAGE,
            tax=tax_on(total, settings.BILLING_TAX_PERCENTAGE),
            credit_drawn=0,
        )
    return StatementDocument(
        account_name=statement.account_name,
        account_id=str(account.pk),
        month=month,
        state=StatementState(statement.state),
        invoice_number=statement.invoice_number,
        closed_at=statement.closed_at,
        sha256=statement.sha256,
        lines=_summed(kept_lines(account=account, month=month, void_too=True))[0],
        list_cost=statement.list_cost,
        exact_total=statement.exact_total,
        total=statement.total,
        tax_percentage=statement.tax_percentage,
        tax=statement.tax,
        credit_drawn=statement.credit_drawn,
    )


def tax_on(total: int, percentage: Decimal) -> int:
    """Of a rounded total, in whole millicents."""
    return rounded(EXACT.divide(EXACT.multiply(Decimal(total), percentage), Decimal(100)))


def _summed(lines: Iterable[ReportLine]) -> tuple[list[DocumentLine], Decimal, Decimal]:
    """Lines of the document, and the list cost and the cost of all."""
    sums: dict[tuple[str, str, str, int, str], tuple[int, str, Decimal, Decimal]] = {}
    list_cost = cost = NOTHING
    for line in lines:
        key = (line.cluster_name, line.sku, _note(line), line.unit_price_millicents, line.pricing_unit)
        quantity, things, listed, billed = sums.get(key, (0, pricing_unit(line.kind).things, NOTHING, NOTHING))
        sums[key] = (
            quantity + line.quantity,
            things,
            EXACT.add(listed, line.list_cost_millicents),
            EXACT.add(billed, line.cost_millicents),
        )
        list_cost = EXACT.add(list_cost, line.list_cost_millicents)
        cost = EXACT.add(cost, line.cost_millicents)
    summed = [
        DocumentLine(cluster, sku, note, quantity, things, price, unit, listed, billed)
        for (cluster, sku, note, price, unit), (quantity, things, listed, billed) in sorted(sums.items())
    ]
    return summed, list_cost, cost


def _note(line: ReportLine) -> str:
    notes = [f"correction of {Month.of(line.hour_start)}"] if line.correction else []
    notes += ["free allowance"] if line.allowance else []
    notes += [f"-{line.discount_percentage.normalize():f} %"] if line.discount_percentage else []
    return ", ".join(notes)
