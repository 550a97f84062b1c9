"""Closing, paying and voiding; what a statement says, on paper too."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.closing import close_finished_months
from billing.document import statement_document
from billing.exports import EXPORT_FORMATS, stream_export
from billing.lines import bill_lines
from billing.models import Credit, Discount, Statement, StatementLine
from billing.pdf import statement_pdf
from billing.rules import Month
from billing.statements import close_month, credit_left, pay_statement, void_statement
from billing.verification import verify_month
from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster
from tests.billing.usage import Customer, record_all
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MARCH, APRIL = Month(2025, 3), Month(2025, 4)
NOON = datetime(2025, 3, 15, 12, tzinfo=UTC)


@pytest.fixture
def used(customer: Customer) -> Customer:
    """A million tokens in March for a dollar and a bit, half of it in April."""
    customer.set_price(customer.models[0], 100_001, MARCH.start)
    use(customer, 1_000_000)
    use(customer, 500_000, NOON + timedelta(days=31))
    return customer


@pytest.fixture
def allowance(used: Customer, settings) -> None:
    """Of 600,000 tokens, for an account that had its clusters by then."""
    settings.BILLING_FREE_TEXT_TOKENS = 600_000
    Cluster.objects.update(created_at=MARCH.start)


def use(customer: Customer, tokens: int, at: datetime = NOON) -> None:
    asyncio.run(record_all([customer.event(tokens, occurred_at=at)]))


def close(customer: Customer, month: Month = MARCH) -> Statement:
    statement = close_month(account=customer.account, month=month)
    assert statement is not None
    return statement


def files(customer: Customer, month: Month) -> dict[str, bytes]:
    return {
        format: b"".join(stream_export(account=customer.account, month=month, format=format))
        for format in EXPORT_FORMATS
    }


def test_a_closed_month_has_a_number_a_total_and_its_lines(used: Customer):
    statement = close(used)
    assert (statement.state, statement.number, statement.line_count) == ("open", 1, 1)
    assert statement.invoice_number == f"{used.account.pk.hex[:8].upper()}-000001"
    assert (statement.exact_total, statement.total, statement.residual) == (100_001, 100_001, 0)
    (line,) = bill_lines(account=used.account, month=MARCH)
    assert (line.invoice, line.tokens, line.cost_usd) == (statement.invoice_number, 1_000_000, Decimal("1.00001"))


def test_the_total_is_the_one_rounding_of_the_exact_sum(used: Customer):
    use(used, 1)
    use(used, 1, NOON + timedelta(hours=1))
    statement = close(used)
    assert statement.exact_total == Decimal("100001.200002")
    assert (statement.total, statement.residual) == (100_001, Decimal("0.200002"))


def test_closing_twice_or_by_many_at_once_changes_nothing(used: Customer):
    def closed(month: Month) -> tuple[object, ...]:
        statement = close(used, month)
        return statement.pk, statement.number, statement.sha256

    made = at_once(*(partial(closed, month) for month in [MARCH, APRIL] * 3))
    assert len(set(made)) == 2
    assert sorted(Statement.objects.values_list("number", "month__month")) == [(1, 3), (2, 4)]
    assert StatementLine.objects.count() == 2


def test_a_closed_months_bytes_never_change(used: Customer):
    statement = close(used)
    before, paper = files(used, MARCH), statement_pdf(statement_document(account=used.account, month=MARCH))
    used.account.name = used.clusters[0].name = "renamed"
    used.account.save()
    used.clusters[0].labels = [{"key": "team", "value": "new"}]
    used.clusters[0].save()
    use(used, 77)
    pay_statement(statement=statement)
    used.set_price(used.models[0], 5, MARCH.start + timedelta(days=1))
    assert files(used, MARCH) == before
    assert statement_pdf(statement_document(account=used.account, month=MARCH)) == paper
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        StatementLine.objects.update(line="")


def test_a_month_that_is_not_over_stays_open(used: Customer):
    with pytest.raises(ServiceError, match="is not over yet") as refusal:
        close_month(account=used.account, month=Month.of(timezone.now()))
    assert refusal.value.code == Code.FAILED_PRECONDITION
    assert not Statement.objects.exists()


def test_months_before_are_closed_first_and_empty_ones_take_no_number(used: Customer):
    use(used, 9, datetime(2025, 6, 1, tzinfo=UTC))
    assert close(used, Month(2025, 6)).number == 3
    assert close_month(account=used.account, month=Month(2025, 5)) is None
    assert list(Statement.objects.order_by("number").values_list("month__month", flat=True)) == [3, 4, 6]


def test_a_late_event_is_a_correction_of_the_next_month(used: Customer):
    close(used)
    use(used, 10)
    late, own = sorted(bill_lines(account=used.account, month=APRIL), key=lambda line: not line.correction)
    assert (late.correction, late.tokens, late.hour_start, late.billing_month) == (True, 10, NOON, "2025-04")
    assert late.why.startswith("Correction of 2025-03, closed before this was recorded: ")
    assert not own.correction
    draft = files(used, APRIL)
    statement = close(used, APRIL)
    assert statement.exact_total == Decimal("50000.5") + Decimal("1.00001")
    assert files(used, APRIL)["focus-csv"].replace(statement.invoice_number.encode(), b"") == draft["focus-csv"]
    for month in (MARCH, APRIL):
        assert verify_month(account=used.account, month=month).differences == []
    assert list(bill_lines(account=used.account, month=Month(2025, 5))) == []


@pytest.mark.usefixtures("allowance")
def test_a_late_event_that_moves_the_allowance_is_corrected_where_it_shows(used: Customer):
    close(used)
    use(used, 100_000, NOON - timedelta(days=2))  # it gets the allowance now, and the hour after it less
    lines = [line for line in bill_lines(account=used.account, month=APRIL) if line.correction]
    assert [(line.hour_start.day, line.allowance, line.tokens) for line in lines] == [
        (13, True, 100_000),
        (15, True, -100_000),
        (15, False, 100_000),
    ]
    close(used, APRIL)
    assert verify_month(account=used.account, month=MARCH).differences == []


@pytest.mark.usefixtures("allowance")
def test_an_account_without_a_paid_cluster_has_no_allowance(used: Customer):
    assert [line.allowance for line in bill_lines(account=used.account, month=MARCH)] == [True, False]
    Cluster.objects.update(deleted_at=MARCH.start - timedelta(days=1))
    assert [line.allowance for line in bill_lines(account=used.account, month=MARCH)] == [False]


def test_what_was_on_a_void_statement_is_billed_with_the_next(used: Customer):
    first = close(used)
    void_statement(statement=first)
    assert first.state == "void"
    assert list(bill_lines(account=used.account, month=MARCH)) == []
    assert close(used, APRIL).exact_total == Decimal("100001") + Decimal("50000.5")
    assert list(bill_lines(account=used.account, month=Month(2025, 5))) == []


def test_states_only_go_forward(used: Customer):
    statement = close(used)
    pay_statement(statement=statement)
    for change in (pay_statement, void_statement):
        with pytest.raises(ServiceError, match="is paid: it cannot become"):
            change(statement=statement)


def test_credits_that_end_first_are_drawn_first_and_given_back_by_a_void(used: Customer, settings):
    settings.BILLING_TAX_PERCENTAGE = Decimal("10.00")
    long = Credit.objects.create(
        account=used.account, total_millicents=100_000, active_from=MARCH.start, active_to=Month(2025, 12).start
    )
    short = Credit.objects.create(
        account=used.account, total_millicents=50_000, active_from=MARCH.start, active_to=APRIL.start
    )
    march = close(used)
    assert (march.total, march.tax, march.credit_drawn, march.due) == (100_001, 10_000, 110_001, 0)
    assert (credit_left(short), credit_left(long)) == (0, 39_999)
    april = close(used, APRIL)
    assert (april.total, april.tax, april.credit_drawn, april.due) == (50_000, 5_000, 39_999, 15_001)
    void_statement(statement=april)
    assert credit_left(long) == 39_999


def test_a_discount_is_kept_with_the_statement(used: Customer):
    discount = Discount.objects.create(
        account=used.account, name="spring", percentage=Decimal("50.00"), valid_from=MARCH.start, valid_until=APRIL.end
    )
    assert close(used).exact_total == Decimal("50000.5")
    discount.delete()
    use(used, 2)
    (late,) = (line for line in bill_lines(account=used.account, month=APRIL) if line.correction)
    assert late.cost_millicents == Decimal("0.100001")


def test_the_schedule_closes_what_is_over_for_everybody(used: Customer, make_cluster):
    other = Customer(make_cluster)
    use(other, 5, datetime(2025, 5, 31, 23, 59, tzinfo=UTC))
    assert close_finished_months(now=MARCH.end) == []  # an hour later at the earliest
    closed = close_finished_months(now=datetime(2025, 6, 1, 1, tzinfo=UTC))
    assert {(one.account_name, f"{one.month:%Y-%m}") for one in closed} == {
        ("Acme", "2025-03"), ("Acme", "2025-04"), ("Acme", "2025-05")
    }  # fmt: skip
    assert close_finished_months(now=datetime(2025, 6, 1, 1, tzinfo=UTC)) == []
    stdout = io.StringIO()
    call_command("close_months", stdout=stdout)
    assert stdout.getvalue() == "Statements made: 0.\n"


def test_the_current_month_has_a_draft(customer: Customer):
    now = timezone.now()
    use(customer, 5, now)
    close_finished_months(now=now)
    draft = Statement.objects.get()
    assert (draft.state, draft.number) == ("draft", None)


def test_clusters_stand_in_a_draft_as_they_are_called_now_and_in_a_statement_as_they_were_then(used: Customer):
    cluster = used.clusters[0]

    def names() -> list[str]:
        return [line.cluster for line in statement_document(account=used.account, month=MARCH).lines]

    assert names() == ["one"]
    Cluster.objects.filter(pk=cluster.pk).update(name="first")
    assert names() == ["first"]
    statement = close(used)
    Cluster.objects.filter(pk=cluster.pk).update(name="primary")
    assert names() == ["first"]
    void_statement(statement=statement)
    assert names() == ["first"]


def test_paper_has_the_lines_and_says_that_it_is_a_simulation(used: Customer):
    document = statement_document(account=used.account, month=MARCH)
    assert (document.title, document.total, document.due) == ("Draft statement", 100_001, 100_001)
    close(used)
    document = statement_document(account=used.account, month=MARCH)
    (line,) = document.lines
    assert (line.cluster, line.quantity, line.things, line.cost) == ("one", 1_000_000, "tokens", 100_001)
    paper = statement_pdf(document)
    assert paper.startswith(b"%PDF-")
    assert paper == statement_pdf(document)
