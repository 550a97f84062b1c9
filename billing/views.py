"""The billing page: a month's usage and its export."""

from collections.abc import Mapping
from functools import cached_property
from heapq import nlargest
from typing import Any, TypeVar
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.budgets.views import BudgetView, budget_views
from billing.exports import EXPORT_FORMATS, ExportFormat, stream_export_async
from billing.models import Statement
from billing.month_tally import RatedMonth, rated_month
from billing.overview import Overview
from billing.queries import ApiKeyUsage, ClusterUsage, HourUsage, ModelUsage, Usage
from billing.rules import Month
from billing.tally import Billed, Tally
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.data_plane import CONSOLE_KEY_ID
from clusters.models import Cluster, DatabaseApiKey

MOST_ROWS = 25  # of a table by cluster or key
EARLIEST = Month(2025, 1)  # before it nothing was for sale
AnyUsage = TypeVar("AnyUsage", bound=Usage)
AnyId = TypeVar("AnyId")


class BillingView:
    """An account's month."""

    def __init__(self, account: Account, month: Month, *, with_hours: bool = False) -> None:
        self.account = account
        self.month = month
        self.with_hours = with_hours  # several hundred rows, which few want to see

    @property
    def title(self) -> str:
        return f"{self.month.start:%B %Y}"

    @property
    def months(self) -> list[Month]:
        return months_of(self.account, self.month)

    @property
    def export_formats(self) -> dict[str, ExportFormat]:
        return EXPORT_FORMATS

    @cached_property
    def rated(self) -> RatedMonth:
        return rated_month(self.account, self.month)

    @property
    def tally(self) -> Tally:
        return self.rated.tally

    @cached_property
    def overview(self) -> Overview:
        return Overview(self.rated, now=timezone.now())

    @cached_property
    def budgets(self) -> list[BudgetView]:
        return budget_views(self.account)

    @cached_property
    def by_model(self) -> list[ModelUsage]:
        found = self.tally.by_model.items()
        usages = [ModelUsage(model_id=id, model=self.tally.models[id], **_named(billed)) for id, billed in found]
        return sorted(usages, key=lambda usage: (usage.model, usage.model_id))

    @cached_property
    def by_cluster(self) -> "Dearest[ClusterUsage]":
        found = _dearest(self.tally.by_cluster)
        names = dict(Cluster.objects.filter(account=self.account, pk__in=found).values_list("pk", "name"))
        usages = [
            ClusterUsage(cluster_id=id, cluster=names.get(id, str(id)), **_named(billed))
            for id, billed in found.items()
        ]
        usages.sort(key=lambda usage: (usage.cluster, usage.cluster_id))
        return Dearest(usages, self.tally.tokens, others=len(self.tally.by_cluster) - len(usages))

    @cached_property
    def by_api_key(self) -> "Dearest[ApiKeyUsage]":
        found = _dearest(self.tally.by_api_key)
        kept = DatabaseApiKey.objects.filter(cluster__account=self.account, pk__in=[id for id in found if id])
        names: dict[UUID | None, str] = {CONSOLE_KEY_ID: "Console", None: "Without a key"}
        for id, cluster, name in kept.values_list("pk", "cluster__name", "name"):
            names[id] = f"{cluster}: {name}"
        usages = [
            ApiKeyUsage(api_key_id=id, api_key=names.get(id, "Unknown"), **_named(billed))
            for id, billed in found.items()
        ]
        usages.sort(key=lambda usage: (usage.api_key, str(usage.api_key_id)))
        return Dearest(usages, self.tally.tokens, others=len(self.tally.by_api_key) - len(usages))

    @cached_property
    def by_hour(self) -> list[HourUsage]:
        return [
            HourUsage(hour=start, tokens=hour.tokens, inputs=hour.inputs, cost_millicents=hour.cost)
            for start, hour in sorted(self.tally.hours.items())
            if hour.inputs or hour.tokens
        ]

    @cached_property
    def total(self) -> Usage:
        return Usage(**_named(self.tally.tokens))


class Dearest(list[AnyUsage]):
    """The usages that cost most of a ``total``, by name; so many ``others`` are left out, ``rest`` in all."""

    def __init__(self, usages: list[AnyUsage], total: Billed, *, others: int) -> None:
        super().__init__(usages)
        self.others = others
        cost = total.cost
        for usage in usages:
            cost = EXACT.subtract(cost, usage.cost_millicents)
        tokens, inputs = sum(usage.tokens for usage in usages), sum(usage.inputs for usage in usages)
        self.rest = Usage(tokens=total.quantity - tokens, inputs=total.inputs - inputs, cost_millicents=cost)


def _dearest(all: Mapping[AnyId, Billed]) -> dict[AnyId, Billed]:
    """MOST_ROWS at most: those of which the names are worth asking for."""
    return dict(nlargest(MOST_ROWS, all.items(), key=lambda entry: (entry[1].cost, entry[1].quantity)))


def _named(billed: Billed) -> dict[str, Any]:
    return {"tokens": billed.quantity, "inputs": billed.inputs, "cost_millicents": billed.cost}


def months_of(account: Account, asked: Month) -> list[Month]:
    """Every month since the account or its first statement, latest first; a month asked for is among them."""
    earliest = Statement.objects.filter(account=account).order_by("month").values_list("month", flat=True).first()
    first = min(Month.of(account.created_at), asked, *([Month.of_day(earliest)] if earliest else []))
    months = [max(Month.of(timezone.now()), asked)]
    while months[-1] > first:
        months.append(months[-1].previous)
    return months


def month_of(request: AccountRequest) -> Month:
    """The month in the query, else the current one. Raises Http404 for what is not a month of the account's time."""
    asked = request.GET.get("month")
    current = Month.of(timezone.now())
    if asked is None:
        return current
    try:
        month = Month.parse(asked)
    except ValueError as error:
        raise Http404(str(error)) from None
    if not EARLIEST <= month <= current:
        raise Http404(f"There are bills from {EARLIEST} to {current}.")
    return month


@require_safe
@account_page("read:payment_information")
def billing(request: AccountRequest) -> HttpResponse:
    view = BillingView(request.account, month_of(request), with_hours="hours" in request.GET)
    return render_page(request, "billing/month.html", {"view": view}, fragments=("month", "hours"))


@require_safe
@account_page("read:payment_information")
def export(request: AccountRequest) -> StreamingHttpResponse:
    """The month as a file, in the ``format`` of the query."""
    name, month = request.GET.get("format", ""), month_of(request)
    chosen = EXPORT_FORMATS.get(name)
    if chosen is None:
        raise Http404(f"Usage can be exported as one of: {', '.join(EXPORT_FORMATS)}.")
    response = StreamingHttpResponse(
        stream_export_async(account=request.account, month=month, format=name), content_type=chosen.content_type
    )
    response["Content-Disposition"] = f'attachment; filename="inference-usage-{month}.{chosen.extension}"'
    return response
