"""A statement as people read it: its lines summed by cluster and thing, and what they come to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import overload

from django.conf import settings

from billing.models import Statement
from billing.month_tally import month_tally, statement_tally
from billing.rules import Month, StatementState, rounded
from billing.tally import Billed, Item, Tally
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


class DocumentLines(Sequence[DocumentLine]):
    """The lines of a tally, by cluster and thing. Thousands at times, so only those that are looked at are made.

    ``names_now``: clusters are called what they are called now, and not what they were called on the lines.
    """

    def __init__(self, tally: Tally, *, names_now: bool) -> None:
        self._tally = tally
        self._names_now = names_now

    def __len__(self) -> int:
        return len(self._tally.items)

    @overload
    def __getitem__(self, chosen: int) -> DocumentLine: ...
    @overload
    def __getitem__(self, chosen: slice) -> list[DocumentLine]: ...
    def __getitem__(self, chosen: int | slice) -> DocumentLine | list[DocumentLine]:
        if isinstance(chosen, int):
            return self._lines([self._tally.items[chosen]])[0]
        return self._lines(self._tally.items[chosen])

    def __iter__(self) -> Iterator[DocumentLine]:
        return iter(self._lines(self._tally.items))

    def _lines(self, items: list[tuple[Item, Billed]]) -> list[DocumentLine]:
        names = self._tally.names
        if self._names_now:
            there = Cluster.objects.filter(pk__in={item.cluster_id for item, _ in items})
            names = names | dict(there.values_list("pk", "name"))
        return [
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
            for item, billed in items
        ]


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
    lines: DocumentLines
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
        total = rounded(tally.total.cost)
        return StatementDocument(
            account_name=account.name,
            account_id=str(account.pk),
            month=month,
            state=StatementState.DRAFT,
            invoice_number=None,
            closed_at=None,
            sha256="",
            lines=DocumentLines(tally, names_now=True),
            list_cost=tally.total.list_cost,
            exact_total=tally.total.cost,
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
        lines=DocumentLines(statement_tally(statement, account), names_now=False),
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
