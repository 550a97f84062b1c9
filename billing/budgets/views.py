"""The console's pages of budgets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from billing.budgets.forms import BudgetForm
from billing.budgets.models import Budget, BudgetAlert
from billing.budgets.queries import budget_of, budgets_of
from billing.budgets.sending import alert_sentence
from billing.budgets.services import create_budget, delete_budget, update_budget
from billing.budgets.webhooks import webhook_secret
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.models import Cluster, DatabaseApiKey

LOOK, CHANGE = "read:payment_information", "write:payment_information"
LATEST_ALERTS = 10


@dataclass(frozen=True)
class AlertLine:
    alert: BudgetAlert

    @property
    def sentence(self) -> str:
        return alert_sentence(self.alert)

    @property
    def told(self) -> str:
        """``finance@acme.example (succeeded)``, for each receiver."""
        found = self.alert.notifications.all()
        return ", ".join(f"{one.receiver} ({one.get_state_display().lower()})" for one in found)


class BudgetView:
    """A budget with what is left of it, as of its last check. ``of`` names what it counts."""

    def __init__(self, budget: Budget, of: str) -> None:
        self.budget = budget
        self.of = of
        month = Month.of(timezone.now())
        self.current = budget.checked_at is not None and Month.of(budget.checked_at) == month
        self.capped = budget.hard_cap and budget.capped_month == month.start.date()

    @property
    def percent(self) -> int:
        return int(self.budget.actual * 100 / self.budget.amount_millicents) if self.current else 0

    @property
    def forecast_percent(self) -> int:
        return int(self.budget.forecast * 100 / self.budget.amount_millicents) if self.current else 0

    @cached_property
    def alerts(self) -> list[AlertLine]:
        return [AlertLine(alert) for alert in self.budget.alerts.all()[:LATEST_ALERTS]]


def budget_views(account: Account) -> list[BudgetView]:
    """Every budget of the account, by name."""
    found = list(budgets_of(account))
    if not found:
        return []
    clusters = {one.pk: f"Cluster {one.name}" for one in Cluster.objects.filter(account=account)}
    keys = {key.pk: f"API key {key.name}" for key in DatabaseApiKey.objects.filter(cluster__account=account)}

    def of(budget: Budget) -> str:
        if budget.cluster_id:
            return clusters.get(budget.cluster_id, f"Cluster {budget.cluster_id}")
        return keys.get(budget.api_key_id, f"API key {budget.api_key_id}") if budget.api_key_id else "The whole account"

    return [BudgetView(budget, of(budget)) for budget in found]


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(LOOK, CHANGE)
def budgets(request: AccountRequest) -> HttpResponse:
    """The list (the fragment ``budgets``) and the form of a new one; POST creates."""
    if request.method != "POST":
        return _list(request, BudgetForm(account=request.account, query=request.GET.dict()))
    form = BudgetForm(request.POST, account=request.account)
    if form.is_valid():
        try:
            budget = create_budget(account=request.account, wish=form.wish, requested_by=Actor.of_user(request.user))
        except ServiceError as error:
            _tell(form, error)
        else:
            messages.success(request, f"Budget {budget.name} is set.")
            return redirect("budgets:list")
    return _list(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(LOOK, CHANGE)
def budget(request: AccountRequest, budget_id: UUID) -> HttpResponse:
    """One budget's form; POST changes it."""
    found = budget_of(request.account, budget_id)
    if request.method != "POST":
        form = BudgetForm(account=request.account, budget=found, query=request.GET.dict())
        return render(request, "billing/budget.html", {"budget": found, "form": form})
    form = BudgetForm(request.POST, account=request.account, budget=found)
    if form.is_valid():
        try:
            update_budget(budget=found, wish=form.wish, requested_by=Actor.of_user(request.user))
        except ServiceError as error:
            _tell(form, error)
        else:
            messages.success(request, f"Budget {found.name} is changed.")
            return redirect("budgets:list")
    return render(request, "billing/budget.html", {"budget": found, "form": form}, status=422)


@require_POST
@account_page(LOOK, CHANGE)
def remove(request: AccountRequest, budget_id: UUID) -> HttpResponse:
    found = budget_of(request.account, budget_id)
    delete_budget(budget=found, requested_by=Actor.of_user(request.user))
    messages.success(request, f"Budget {found.name} is removed.")
    return redirect("budgets:list")


def _list(request: AccountRequest, form: BudgetForm, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"budgets": budget_views(request.account), "form": form}
    if request.read_only is None:
        context["secret"] = webhook_secret(request.account.pk)
    return render_page(request, "billing/budgets.html", context, fragments=("budgets",), status=status)


def _tell(form: BudgetForm, error: ServiceError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.sentence)
