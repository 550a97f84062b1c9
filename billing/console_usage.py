"""The answers to what the Inference tab and the list of clusters ask (``inference.usage``, ``clusters.costs``)."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from billing.lines import bill_lines
from billing.queries import by_model, daily_tokens, inference_lines, newest_usage
from billing.rating import NOTHING
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT
from clusters.models import Cluster
from inference.usage import ModelUsage


class LedgerUsage:
    """Usage as the ledger has it."""

    def used_this_month(self, cluster: Cluster) -> dict[UUID, ModelUsage]:
        lines = inference_lines(month=Month.of(timezone.now()), cluster=cluster)
        used = by_model(line for line in lines if not line.correction)
        return {one.model_id: ModelUsage(one.tokens, one.cost_millicents) for one in used}

    def daily_tokens(self, cluster: Cluster, since: datetime, until: datetime) -> dict[UUID, dict[date, int]]:
        return daily_tokens(cluster=cluster, since=since, until=until)

    def newest(self, cluster: Cluster) -> str:
        return newest_usage(cluster.account)


class LedgerCosts:
    """Costs as the month's bill has them, without corrections of months before it."""

    def cost_this_month(self, account: Account) -> dict[UUID, Decimal]:
        costs: dict[UUID, Decimal] = defaultdict(lambda: NOTHING)
        for line in bill_lines(account=account, month=Month.of(timezone.now())):
            if not line.correction:
                costs[line.cluster_id] = EXACT.add(costs[line.cluster_id], line.cost_millicents)
        return dict(costs)
