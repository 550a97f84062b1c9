"""A month as an accountant would check it: every number here was worked out by hand.

November 2025 has 720 hours. Packages cost 2,600 millicents per node-hour and 20 per GiB-hour of additional disk. The
model costs 3,000 millicents per million tokens, and 4,000 from the 15th. The account gets 5,000,000 tokens for nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.closing import close_finished_months
from billing.document import statement_document
from billing.lines import bill_lines
from billing.models import Credit, Discount, Statement
from billing.report_line import ReportLine
from billing.rules import Month
from billing.verification import verify_month
from clusters.models import Cluster, ComputePeriod
from tests.billing.usage import Customer, record_all

pytestmark = pytest.mark.django_db(transaction=True)

NOVEMBER, DECEMBER = Month(2025, 11), Month(2025, 12)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2025, 11, day, hour, minute, second, microsecond, tzinfo=UTC)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = at(1)
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def close_what_is_over(self, now: datetime) -> list[Statement]:
        self.now = now
        return close_finished_months(now=now)


@pytest.fixture
def acme(db: None, make_cluster: Callable[..., Cluster], settings) -> Customer:
    customer = Customer(make_cluster)
    settings.BILLING_FREE_TEXT_TOKENS = 5_000_000
    settings.BILLING_TAX_PERCENTAGE = Decimal("19.00")
    Cluster.objects.update(created_at=at(1))
    first, second = customer.clusters

    def run(cluster: Cluster, start: datetime, end: datetime, nodes: int, disk: int) -> None:
        ComputePeriod.objects.create(
            cluster=cluster,
            package=cluster.package,
            nodes=nodes,
            additional_disk_gib=disk,
            started_at=start,
            ended_at=end,
        )

    assert (first.package.price_per_hour, first.package.disk_price_per_gib_hour) == (2_600, 20)
    run(first, at(1), at(8), nodes=2, disk=10)  # then suspended for a week
    run(first, at(15), NOVEMBER.end, nodes=2, disk=10)
    run(second, at(10, 10, 30), at(20, 9, 15), nodes=1, disk=0)

    customer.set_price(customer.models[0], 3_000, datetime(2025, 1, 1, tzinfo=UTC))
    customer.set_price(customer.models[0], 4_000, at(15))
    Discount.objects.create(
        account=customer.account, name="Autumn", percentage=Decimal(10), valid_from=at(20), valid_until=NOVEMBER.end
    )
    Credit.objects.create(
        account=customer.account,
        total_millicents=1_000_000,
        active_from=at(1),
        active_to=datetime(2026, 6, 1, tzinfo=UTC),
    )
    asyncio.run(
        record_all(
            [
                customer.event(2_000_000, occurred_at=at(3, 9, 15)),
                customer.event(2_500_000, cluster=1, occurred_at=at(12, 14, 5)),
                customer.event(1_200_000, cluster=1, occurred_at=at(12, 16, 20)),  # 500,000 of it are free
                customer.event(1_000_000, cluster=1, occurred_at=at(14, 23, 59, 59, 999_999)),
                customer.event(1_000_000, occurred_at=at(15)),
                customer.event(250_000, cluster=1, kind="search", occurred_at=at(20, 8)),
                customer.event(333, occurred_at=at(21, 12)),
            ]
        )
    )
    return customer


def sums(lines: list[ReportLine]) -> dict[tuple[str, str], tuple[int, Decimal, Decimal]]:
    """Quantity, list cost and cost by cluster and thing."""
    found: dict[tuple[str, str], tuple[int, Decimal, Decimal]] = {}
    for line in lines:
        thing = line.sku.split("/")[0] + (", free" if line.allowance else "")
        quantity, listed, cost = found.get((line.cluster_name, thing), (0, Decimal(0), Decimal(0)))
        found[line.cluster_name, thing] = (
            quantity + line.quantity, listed + line.list_cost_millicents, cost + line.cost_millicents
        )  # fmt: skip
    return found


def test_the_month_to_the_last_millicent(acme: Customer, monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    assert clock.close_what_is_over(at(30, 23, 59)) == []
    (statement,) = clock.close_what_is_over(datetime(2025, 12, 1, 1, 5, tzinfo=UTC))

    assert sums(list(bill_lines(account=acme.account, month=NOVEMBER))) == {
        # 720 - 7 * 24 = 552 hours of 2 nodes; 264 of them with 10 % off: 1104 * 2600 - 528 * 260
        ("one", "cluster"): (1_104, Decimal(2_870_400), Decimal(2_733_120)),
        # 552 hours of 2 * 10 GiB: 11040 * 20 - 5280 * 2
        ("one", "disk"): (11_040, Decimal(220_800), Decimal(210_240)),
        # from the 10th, 10:00, to the 20th, 10:00; the last 10 hours with 10 % off: 240 * 2600 - 10 * 260
        ("two", "cluster"): (240, Decimal(624_000), Decimal(621_400)),
        # 2 million on the 3rd: 2 * 3000 is the list price
        ("one", "inference, free"): (2_000_000, Decimal(6_000), Decimal(0)),
        # a million from the 15th on at 4000, and 333 with 10 % off: 1.332 - 0.1332
        ("one", "inference"): (1_000_333, Decimal("4001.332"), Decimal("4001.1988")),
        # 2.5 million, and 0.5 million of the 1.2 million that came then
        ("two", "inference, free"): (3_000_000, Decimal(9_000), Decimal(0)),
        # 0.7 * 3000 + 1 * 3000 + 0.25 * 4000 less 10 %
        ("two", "inference"): (1_950_000, Decimal(6_100), Decimal(6_000)),
    }
    # 2870400 + 220800 + 624000 + 6000 + 4001.332 + 9000 + 6100
    assert statement.list_cost == Decimal("3740301.332")
    # 2733120 + 210240 + 621400 + 4001.1988 + 6000
    assert statement.exact_total == Decimal("3574761.1988")
    assert (statement.total, statement.residual) == (3_574_761, Decimal("0.1988"))
    assert statement.tax == 679_205  # 19 % of 3574761 are 679204.59
    assert statement.credit_drawn == 1_000_000
    assert statement.due == 3_253_966
    assert verify_month(account=acme.account, month=NOVEMBER).differences == []


def test_the_allowance_ran_out_in_the_middle_of_a_day(acme: Customer):
    lines = [line for line in bill_lines(account=acme.account, month=NOVEMBER) if line.hour_start == at(12, 16)]
    assert [(line.quantity, line.cost_millicents, line.why) for line in lines if line.model] == [
        (500_000, 0, "500000 tokens of the free allowance: 3000 millicents per 1000000 tokens "
            "(price since 2025-01-01 00:00 UTC) would be the list price"),
        (700_000, 2_100, "700000 tokens at 3000 millicents per 1000000 tokens (price since 2025-01-01 00:00 UTC)"),
    ]  # fmt: skip


def test_a_late_event_is_billed_with_december(acme: Customer, monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    (november,) = clock.close_what_is_over(datetime(2025, 12, 1, 1, 5, tzinfo=UTC))
    asyncio.run(record_all([acme.event(100_000, occurred_at=at(5, 10))]))
    (december,) = clock.close_what_is_over(datetime(2026, 1, 1, 1, 5, tzinfo=UTC))

    # It takes 100,000 tokens of the allowance, so 100,000 of those on the 12th are paid after all: 0.1 * 3000.
    lines = list(bill_lines(account=acme.account, month=DECEMBER))
    assert [(line.hour_start, line.allowance, line.quantity, line.cost_millicents) for line in lines] == [
        (at(5, 10), True, 100_000, 0),
        (at(12, 16), True, -100_000, 0),
        (at(12, 16), False, 100_000, 300),
    ]
    assert all(line.correction for line in lines)
    assert (december.number, december.total, december.tax, december.due) == (2, 300, 57, 357)
    november.refresh_from_db()
    assert november.exact_total == Decimal("3574761.1988")
    document = statement_document(account=acme.account, month=DECEMBER)
    assert [line.note for line in document.lines] == [
        "correction of 2025-11, free allowance", "correction of 2025-11", "correction of 2025-11, free allowance"
    ]  # fmt: skip
    assert verify_month(account=acme.account, month=NOVEMBER).differences == []
