"""The admin API's metering: what was used and what it costs, from the same lines as pages and exports."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone

from billing.lines import bill_lines
from billing.metering import Item, WholeItem, items_of, monthly_totals, whole_items
from billing.models import CreditDrawdown
from billing.rating import PricingUnit
from billing.report_line import ReportLine
from billing.rules import Month, StatementState
from cloudconsole.accounts.models import Account
from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.metering.v1 import metering_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster, Package

CURRENCY = "USD"
MOST_MONTHS = 36  # of one breakdown
_SERVICE = "qdrant.cloud.metering.v1.MeteringService"
# The items of a month and those of the breakdown have names of their own for the same things.
_ITEM_TYPES = {
    PricingUnit.TOKENS: "inference_model",
    PricingUnit.NODE_HOURS: "cluster_booking",
    PricingUnit.DISK_HOURS: "resource_option",
}
_BREAKDOWN_TYPES = {
    PricingUnit.TOKENS: "Inference Tokens",
    PricingUnit.NODE_HOURS: "Cluster",
    PricingUnit.DISK_HOURS: "Cluster Extra Disk",
}


@serves(f"{_SERVICE}.ListMonthlyMeterings")
def list_monthly_meterings(
    request: metering_pb2.ListMonthlyMeteringsRequest, caller: Caller
) -> metering_pb2.ListMonthlyMeteringsResponse:
    """What every month with usage comes to, latest first: before tax and credits."""
    totals = monthly_totals(account=caller.account, until=Month.of(timezone.now()))
    items = [
        metering_pb2.MonthlyMeteringSummary(
            year=month.year, month=month.month, amount_millicents=total, currency=CURRENCY
        )
        for month, total in totals
    ]
    return metering_pb2.ListMonthlyMeteringsResponse(items=items)


@serves(f"{_SERVICE}.ListMeterings")
def list_meterings(request: metering_pb2.ListMeteringsRequest, caller: Caller) -> metering_pb2.ListMeteringsResponse:
    """One item for each cluster, thing and price of the month. Amounts less discounts sum to the month's total."""
    lines = bill_lines(account=caller.account, month=Month(request.year, request.month))
    items = [_metering_item(one, caller.account) for one in whole_items(items_of(lines))]
    return metering_pb2.ListMeteringsResponse(items=items)


@serves(f"{_SERVICE}.GetUsageBreakdown")
def get_usage_breakdown(
    request: metering_pb2.GetUsageBreakdownRequest, caller: Caller
) -> metering_pb2.GetUsageBreakdownResponse:
    """Usage of the hours that begin in ``[start_time, end_time)``, by month of the bill."""
    start, end = request.start_time.ToDatetime(UTC), request.end_time.ToDatetime(UTC)
    months = []
    for month in _months(start, min(end, timezone.now())):
        lines = (line for line in bill_lines(account=caller.account, month=month) if start <= _when(line) < end)
        items = list(whole_items(items_of(lines)))
        if items:
            months.append(_breakdown_month(month, items, caller.account))
    return metering_pb2.GetUsageBreakdownResponse(items=months)


def _metering_item(one: WholeItem, account: Account) -> metering_pb2.MeteringItem:
    item = one.item
    of_tokens = item.unit is PricingUnit.TOKENS
    message = metering_pb2.MeteringItem(
        account_id=str(account.pk),
        cluster_id=str(item.cluster_id),
        cluster_name=item.cluster_name,
        start_time=item.start,
        end_time=item.end,
        billable_entity_id=str(item.thing_id),
        billable_entity_reference_name=item.thing,
        billable_entity_type=_ITEM_TYPES[item.unit],
        price_per_hour=0 if of_tokens else item.unit_price,
        usage_hours=(item.end - item.start).total_seconds() / 3600 if of_tokens else item.quantity,
        amount_millicents=one.amount,
        currency=CURRENCY,
        cluster_labels=item.labels,
    )
    _set_discount(message, one)
    return message


def _set_discount(message: metering_pb2.MeteringItem | metering_pb2.UsageBreakdownCluster, one: WholeItem) -> None:
    if one.item.list_cost != one.item.cost:
        message.discount_amount_millicents = one.discount
        message.discount_amount_percent = one.item.discount_percent


def _months(start: datetime, end: datetime) -> Iterator[Month]:
    """Those that the time from ``start`` to before ``end`` touches. Raises ServiceError INVALID_ARGUMENT."""
    if start >= end:
        return
    try:
        month, count = Month.of(start), 0
    except ValueError:
        raise ServiceError(Code.INVALID_ARGUMENT, "start_time is before all bills.", "start_time") from None
    while month.start < end:
        if (count := count + 1) > MOST_MONTHS:
            raise ServiceError(Code.INVALID_ARGUMENT, f"A breakdown is of at most {MOST_MONTHS} months.", "end_time")
        yield month
        month = month.following


def _when(line: ReportLine) -> datetime:
    """A correction counts when it is billed: its hour is one of a closed month."""
    return Month.parse(line.billing_month).start if line.correction else line.hour_start


def _breakdown_month(month: Month, items: list[WholeItem], account: Account) -> metering_pb2.UsageBreakdownMonth:
    clusters = Cluster.objects.select_related("package").in_bulk({one.item.cluster_id for one in items})
    packages = Package.objects.in_bulk({one.item.thing_id for one in items})
    of_account = metering_pb2.UsageBreakdownAccount(
        account_id=str(account.pk),
        account_name=account.name,
        clusters=[_breakdown_cluster(one, clusters.get(one.item.cluster_id), packages) for one in items],
    )
    message = metering_pb2.UsageBreakdownMonth(year=month.year, month=month.month, accounts=[of_account])
    drawn = CreditDrawdown.objects.filter(statement__account=account, statement__month=month.first_day)
    drawn = drawn.exclude(statement__state=StatementState.VOID)  # which has given them back
    message.funding.credits_drawn.extend(
        metering_pb2.CreditDrawdown(credit_contract_id=str(one.credit_id), amount_millicents=one.millicents)
        for one in drawn.order_by("credit__active_from", "credit_id")
    )
    return message


def _breakdown_cluster(
    one: WholeItem, cluster: Cluster | None, packages: dict[UUID, Package]
) -> metering_pb2.UsageBreakdownCluster:
    item = one.item
    message = metering_pb2.UsageBreakdownCluster(
        cluster_id=str(item.cluster_id),
        cluster_name=item.cluster_name,
        cluster_labels=item.labels,
        start_time=item.start,
        end_time=item.end,
        amount_millicents=one.amount,
        currency=CURRENCY,
        billable_entity_type=_BREAKDOWN_TYPES[item.unit],
        quantity=item.quantity,
    )
    if cluster is not None and cluster.cost_allocation_label in item.labels:
        message.cost_allocation_label = cluster.cost_allocation_label
    _set_discount(message, one)
    _configure(message, item, packages.get(item.thing_id), cluster)
    return message


def _configure(
    message: metering_pb2.UsageBreakdownCluster, item: Item, package: Package | None, cluster: Cluster | None
) -> None:
    tier = package.tier if package else cluster.package.tier if cluster else ""
    where = {"cloud_provider": item.provider, "region": item.region, "pricing_tier": tier}
    match item.unit:
        case PricingUnit.TOKENS:
            message.inference_config.CopyFrom(metering_pb2.InferenceConfig(model_name=item.thing, **where))
        case PricingUnit.DISK_HOURS:
            disk = metering_pb2.ClusterExtraDiskConfig(extra_disk_gib=item.most_in_an_hour, **where)
            message.cluster_extra_disk_config.CopyFrom(disk)
        case PricingUnit.NODE_HOURS:
            config = metering_pb2.ClusterUsageConfig(
                cloud_provider=item.provider, region=item.region, pricing_tier=tier, node_count=item.most_in_an_hour
            )
            if package is not None:
                config.cpu_vcpu = -(-package.cpu_millicores // 1000)
                config.ram_gib, config.disk_gib = package.ram_gib, package.disk_gib
            message.cluster_usage_config.CopyFrom(config)
