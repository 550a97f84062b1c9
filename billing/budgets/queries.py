"""What budgets are compared with, and which of them are used up."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from billing.budgets.models import Budget, BudgetAlert
from billing.budgets.rules import Spending, refusal_sentence, window_start
from billing.lines import report_lines
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError


def budgets_of(account: Account) -> QuerySet[Budget]:
    """The account's budgets by name, with their alerts, latest first."""
    latest_first = BudgetAlert.objects.order_by("-month", "-fired_at", "-threshold")
    alerts = Prefetch("alerts", latest_first.select_related("budget").prefetch_related("notifications"))
    return Budget.objects.filter(account=account).prefetch_related(alerts).order_by("name")


def budget_of(account: Account, budget_id: UUID) -> Budget:
    """One budget of the account. Raises ServiceError NOT_FOUND, also for budgets of other accounts."""
    budget = budgets_of(account).filter(pk=budget_id).first()
    if budget is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no budget {budget_id} in account {account.pk}.")
    return budget


def spending(*, account: Account, budgets: Collection[Budget], month: Month, now: datetime) -> dict[UUID, Spending]:
    """What counts against each budget in the month: what its part of the usage is billed, as in the exports."""
    since = window_start(month, now)
    sums: dict[tuple[UUID, UUID | None], Spending] = {}
    for lines in report_lines(account=account, month=month):
        for line in lines:
            of = (line.cluster_id, line.api_key_id)
            in_window = line.cost_millicents if line.hour_start >= since else Decimal(0)
            sums[of] = sums.get(of, Spending()) + Spending(month=line.cost_millicents, window=in_window)
    return {
        budget.pk: sum((spent for of, spent in sums.items() if _covers(budget, *of)), Spending()) for budget in budgets
    }


def inference_refusal(*, account_id: UUID, cluster_id: UUID, api_key_id: UUID, now: datetime) -> str | None:
    """Why inference is not for this key right now: a budget with a hard cap is used up. One query."""
    month = Month.of(now)
    covering = Q(cluster_id=None, api_key_id=None) | Q(cluster_id=cluster_id) | Q(api_key_id=api_key_id)
    used_up = Budget.objects.filter(covering, account_id=account_id, hard_cap=True, capped_month=month.start.date())
    name = used_up.order_by("name").values_list("name", flat=True).first()
    return refusal_sentence(name, month) if name is not None else None


def _covers(budget: Budget, cluster_id: UUID, api_key_id: UUID | None) -> bool:
    if budget.api_key_id is not None:
        return budget.api_key_id == api_key_id
    return budget.cluster_id is None or budget.cluster_id == cluster_id
