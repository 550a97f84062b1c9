"""What an account's months come to: where the API says it, and what its exports say."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

from billing.exports import stream_export
from billing.rules import Month
from tests.billing.usage import NOON, Customer

NOVEMBER = Month.of(NOON)
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)
METERINGS = "/metering/v1/accounts/{account}/meterings"
BILLING = "/billing/v1/accounts/{account}"


def exported(customer: Customer, month: Month = NOVEMBER) -> list[dict[str, str]]:
    text = b"".join(stream_export(account=customer.account, month=month, format="csv")).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def billed(lines: list[dict[str, str]], column: str = "cost_millicents") -> Decimal:
    return sum((Decimal(line[column]) for line in lines), Decimal(0))
