"""The answers to what the Inference tab and the list of clusters ask (``inference.usage``, ``clusters.costs``)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from billing.month_tally import month_tally
from billing.queries import daily_tokens, newest_usage
from billing.rules import Month
from cloudconsole.accounts.models import Account
from clusters.models import Cluster
from inference.usage import ModelUsage

_SHOWN = timedelta(days=32)  # this month and the last thirty days are within


class LedgerUsage:
    """Usage as the ledger has it."""

    def used_this_month(self, cluster: Cluster) -> dict[UUID, ModelUsage]:
        used = month_tally(cluster.account, Month.of(timezone.now())).by_model_of(cluster.pk)
        return {id: ModelUsage(billed.quantity, billed.cost) for id, billed in used.items()}

    def daily_tokens(self, cluster: Cluster, since: datetime, until: datetime) -> dict[UUID, dict[date, int]]:
        return daily_tokens(cluster=cluster, since=since, until=until)

    def newest(self, cluster: Cluster) -> str:
        return newest_usage(cluster.account, since=timezone.now() - _SHOWN)


class LedgerCosts:
    """Costs as the month's bill has them, without corrections of months before it."""

    def cost_this_month(self, account: Account) -> dict[UUID, Decimal]:
        return month_tally(account, Month.of(timezone.now())).clusters
