"""Invoices, discounts and credits over the API: what the statements say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.test import Client

from billing.models import Credit, CreditDrawdown, Discount, Statement
from billing.rules import rounded
from billing.statements import close_month, draft_statement, pay_statement
from cloudconsole.accounts.models import Membership, User
from tests.api.bills import BILLING, LAST_YEAR, NOVEMBER, billed, exported
from tests.api.conftest import ApiClient
from tests.billing.usage import NOON, Customer


def test_invoices_are_the_statements(used: Customer, api: ApiClient, settings, client: Client):
    settings.BILLING_TAX_PERCENTAGE = Decimal("19")
    draft_statement(account=used.account, month=NOVEMBER)
    closed = close_month(account=used.account, month=NOVEMBER.previous)
    draft, invoice = api.get(f"{BILLING}/invoices").json()["items"]
    assert (draft["status"], "number" in draft, "pdfUrl" in draft) == ("INVOICE_STATUS_DRAFT", False, False)
    total = rounded(billed(exported(used)))
    assert int(draft["totalAmount"]) == total + rounded(Decimal(total) * 19 / 100)
    assert (invoice["status"], invoice["number"]) == ("INVOICE_STATUS_OPEN", closed.invoice_number)
    assert int(invoice["totalAmount"]) == closed.total + closed.tax > closed.total
    assert invoice["pdfUrl"].startswith(settings.CONSOLE_URL)
    user = User.objects.create_user(email="owner@acme.example", password="correct horse battery")
    Membership.objects.create(account=used.account, user=user, role="owner")
    client.force_login(user)
    pdf = client.get(invoice["pdfUrl"].removeprefix(settings.CONSOLE_URL))
    assert pdf.content.startswith(b"%PDF")
    pay_statement(statement=closed)
    assert api.get(f"{BILLING}/invoices").json()["items"][1]["status"] == "INVOICE_STATUS_PAID"


def test_discounts_are_listed(used: Customer, api: ApiClient):
    Discount.objects.create(
        account=used.account,
        name="Start-up",
        fixed_millicents=1_250_000,
        valid_from=NOON,
        valid_until=NOON + timedelta(days=1),
    )
    first, second = api.get(f"{BILLING}/discounts").json()["items"]
    assert (first["name"], first["percentage"]) == ("Early bird", {"value": 33.33})
    assert (second["name"], second["fixed"]) == ("Start-up", {"value": 12.5, "currency": "USD"})
    assert second["validFrom"] == "2026-11-15T12:00:00Z"


def test_credits_are_listed_with_what_is_left(customer: Customer, api: ApiClient):
    def credit(total: int, **fields) -> Credit:
        return Credit.objects.create(
            account=customer.account,
            total_millicents=total,
            active_from=LAST_YEAR,
            active_to=LAST_YEAR + timedelta(days=900),
            **fields,
        )

    exhausted, fresh = credit(300_000, notes="Contract 7"), credit(500_000)
    for month, parts in {9: [(exhausted, 100_000)], 10: [(exhausted, 200_000), (fresh, 50_000)]}.items():
        statement = Statement.objects.create(
            account=customer.account,
            account_name="Acme",
            month=datetime(2026, month, 1).date(),
            state="open",
            number=month,
            closed_at=datetime(2026, month + 1, 2, tzinfo=UTC),
        )
        for credit_, millicents in parts:
            CreditDrawdown.objects.create(credit=credit_, statement=statement, millicents=millicents)
    answer = api.get(f"{BILLING}/credit-contracts").json()
    by_id = {item["id"]: item for item in answer["items"]}
    old, new = by_id[str(exhausted.pk)], by_id[str(fresh.pk)]
    assert (old["usedAmount"], old["remainingAmount"], old["exhaustedAt"]) == (3.0, 0.0, "2026-11-02T00:00:00Z")
    assert old["notes"] == "Contract 7"
    assert (new["totalAmount"], new["usedAmount"], new["remainingAmount"]) == (5.0, 0.5, 4.5)
    assert new.get("exhaustedAt") is None
    history = [(item["year"], item["month"], item["amount"]) for item in answer["consumptionHistory"]]
    assert history == [(2026, 9, 1.0), (2026, 10, 2.5)]
