"""A statement as people read it: its lines summed by cluster and thing, and what they come to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import attrgetter
from uuid import UUID

from django.conf import settings

from billing.lines import kept_lines
from billing.models import Statement
from billing.month_tally import month_tally
from billing.rating import NOTHING
from billing.rules import Month, StatementState, rounded
from billing.tally import Tally
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT
from clusters.models import Cluster

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
    priced_per: str  # "1,000,000 tokens"
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
        tally = month_tally(account, month)
        names = tally.names | dict(Cluster.objects.filter(pk__in=tally.names).values_list("pk", "name"))
        list_cost, cost = (_total(tally, name) for name in ("list_cost", "cost"))
        total = rounded(cost)
        return StatementDocument(
            account_name=account.name,
            account_id=str(account.pk),
            month=month,
            state=StatementState.DRAFT,
            invoice_number=None,
            closed_at=None,
            sha256="",
            lines=_lines(tally, names),
            list_cost=list_cost,
            exact_total=cost,
            total=total,
            tax_percentage=settings.BILLING_TAX_PERCENTAGE,
            tax=tax_on(total, settings.BILLING_TAX_PERCENTAGE),
            credit_drawn=0,
        )
    tally = _kept_tally(statement, account, month)
    return StatementDocument(
        account_name=statement.account_name,
        account_id=str(account.pk),
        month=month,
        state=StatementState(statement.state),
        invoice_number=statement.invoice_number,
        closed_at=statement.closed_at,
        sha256=statement.sha256,
        lines=_lines(tally, tally.names),
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


def _kept_tally(statement: Statement, account: Account, month: Month) -> Tally:
    """Of a month that is closed; what was taken back bills nothing any more, but is still read."""
    if statement.state == StatementState.VOID:
        return Tally(month).add_all(kept_lines(account=account, month=month, void_too=True))
    return month_tally(account, month)


def _lines(tally: Tally, names: dict[UUID, str]) -> list[DocumentLine]:
    lines = [
        DocumentLine(
            cluster=names[item.cluster_id],
            sku=item.sku,
            note=item.note,
            quantity=billed.quantity,
            things=item.unit.things,
            unit_price=item.unit_price,
            priced_per=item.unit.in_words,
            list_cost=billed.list_cost,
            cost=billed.cost,
        )
        for item, billed in sorted(tally.items.items(), key=lambda entry: entry[0].cluster_id)
    ]
    return sorted(lines, key=attrgetter("cluster", "sku", "note", "unit_price", "priced_per"))


def _total(tally: Tally, name: str) -> Decimal:
    return reduce(EXACT.add, (getattr(billed, name) for billed in tally.items.values()), NOTHING)
