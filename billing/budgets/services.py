"""What can be done about budgets: setting them, and looking whether they are reached."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from billing.budgets.models import Budget, BudgetAlert, BudgetWatch, Notification
from billing.budgets.queries import spending
from billing.budgets.rules import Measure, Spending, forecast, reached, used_up
from billing.budgets.webhooks import check_webhook_url
from billing.queries import newest_usage
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor, record_audit_event
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import wake
from clusters.models import Cluster, DatabaseApiKey
from clusters.notifications import announce_cluster_change

SEND_NOTIFICATION = "budgets.send_notification"
MOST_BUDGETS = 50  # of one account
MOST_EMAILS = 10  # of one budget
LARGEST_AMOUNT = 10**15
CHECK_EVERY = timedelta(seconds=2)
CHECK_AT_LEAST_EVERY = timedelta(minutes=1)  # without new usage: forecasts move by themselves
# A check of a large account takes a while; it may take this part of one worker's time at most.
SHARE_OF_A_WORKER = 10


@dataclass(frozen=True, kw_only=True)
class BudgetWish:
    """What a budget is to be. ``cluster_id`` or ``api_key_id``, or neither for the whole account."""

    name: str
    amount_millicents: int
    cluster_id: UUID | None = None
    api_key_id: UUID | None = None
    hard_cap: bool = False
    webhook_url: str = ""
    emails: Sequence[str] = field(default_factory=list)


@transaction.atomic
def create_budget(*, account: Account, wish: BudgetWish, requested_by: Actor) -> Budget:
    """A new budget, looked at soon. Raises ServiceError: what is wrong with the wish, or there are too many."""
    _check(account, wish)
    if Budget.objects.filter(account=account).count() >= MOST_BUDGETS:
        raise ServiceError(Code.RESOURCE_EXHAUSTED, f"An account has at most {MOST_BUDGETS} budgets. Remove one.")
    if Budget.objects.filter(account=account, name=wish.name).exists():
        raise ServiceError(Code.ALREADY_EXISTS, f"There is a budget {wish.name} already. Choose another name.", "name")
    budget = Budget.objects.create(account=account, **asdict(wish))
    _audit(budget, "create", requested_by, after=asdict(wish))
    _look_soon(account)
    return budget


@transaction.atomic
def update_budget(*, budget: Budget, wish: BudgetWish, requested_by: Actor) -> Budget:
    """Change a budget. A hard cap that it no longer reaches is lifted at once. Raises ServiceError."""
    _check(budget.account, wish)
    if Budget.objects.filter(account=budget.account, name=wish.name).exclude(pk=budget.pk).exists():
        raise ServiceError(Code.ALREADY_EXISTS, f"There is a budget {wish.name} already. Choose another name.", "name")
    before = {name: getattr(budget, name) for name in asdict(wish)}
    was_capped = budget.capped_month is not None
    for name, value in asdict(wish).items():
        setattr(budget, name, value)
    if was_capped and not (budget.hard_cap and budget.actual >= budget.amount_millicents):
        budget.capped_month = None
    budget.save()
    _audit(budget, "update", requested_by, before=before, after=asdict(wish))
    if was_capped:
        _announce(budget.account)
    _look_soon(budget.account)
    return budget


@transaction.atomic
def delete_budget(*, budget: Budget, requested_by: Actor) -> None:
    """Remove a budget with its alerts; its hard cap is lifted at once."""
    _audit(budget, "delete", requested_by, before={"name": budget.name})
    budget.delete()
    _announce(budget.account)


def check_budgets() -> None:
    """Look at the budgets of every account whose turn it is. Any number of tasks may do so at once."""
    for account in Account.objects.filter(budget_watch__due_at__lte=Now()):
        if BudgetWatch.objects.filter(account=account, due_at__lte=Now()).update(due_at=Now() + CHECK_AT_LEAST_EVERY):
            check_budgets_of(account=account, now=timezone.now())


def check_budgets_of(*, account: Account, now: datetime) -> None:
    """Look at one account's budgets, unless nothing was used since the last time and that is not long ago."""
    watch = BudgetWatch.objects.get(account=account)
    newest = newest_usage(account)
    nothing_new = watch.seen == newest and watch.answered == watch.asked
    idle = nothing_new and watch.checked_at is not None and now - watch.checked_at < CHECK_AT_LEAST_EVERY
    began = timezone.now()
    if not idle:
        budgets = list(Budget.objects.filter(account=account))
        month = Month.of(now)
        for id, spent in spending(account=account, budgets=budgets, month=month, now=now).items():
            _judge(budget_id=id, spent=spent, month=month, now=now)
        BudgetWatch.objects.filter(account=account).update(seen=newest, answered=watch.asked, checked_at=now)
    pause = max(CHECK_EVERY, (timezone.now() - began) * SHARE_OF_A_WORKER)
    # Not later than somebody who changed a budget meanwhile wants it.
    BudgetWatch.objects.filter(account=account, due_at__gt=Now() + pause).update(due_at=Now() + pause)


@transaction.atomic
def _judge(*, budget_id: UUID, spent: Spending, month: Month, now: datetime) -> None:
    """Alerts and hard cap of one budget. Its row is locked: it may have been changed while its usage was summed."""
    budget = Budget.objects.select_for_update().filter(pk=budget_id).first()
    if budget is None:
        return
    amounts = {Measure.ACTUAL: spent.month, Measure.FORECAST: forecast(spent, month, now)}
    for measure, amount in amounts.items():
        for threshold in reached(amount, budget.amount_millicents):
            _fire(budget, month, measure, threshold, amount, now)
    capped = budget.hard_cap and used_up(spent, budget.amount_millicents)
    changed = (budget.capped_month == month.start.date()) != capped
    budget.capped_month = month.start.date() if capped else None
    budget.actual, budget.forecast, budget.checked_at = amounts[Measure.ACTUAL], amounts[Measure.FORECAST], now
    budget.save(update_fields=["capped_month", "actual", "forecast", "checked_at"])
    if changed:
        _announce(budget.account)


def _fire(budget: Budget, month: Month, measure: Measure, threshold: int, amount: Decimal, now: datetime) -> None:
    alert, first_time = BudgetAlert.objects.get_or_create(
        budget=budget,
        month=month.start.date(),
        measure=measure,
        threshold=threshold,
        defaults={"amount": amount, "budget_millicents": budget.amount_millicents, "fired_at": now},
    )
    if not first_time:
        return
    channels = [(Notification.Channel.EMAIL, address) for address in budget.emails]
    if budget.webhook_url:
        channels.append((Notification.Channel.WEBHOOK, budget.webhook_url))
    for channel, receiver in channels:
        notification = Notification.objects.create(alert=alert, channel=channel, receiver=receiver)
        transaction.on_commit(partial(wake, SEND_NOTIFICATION, notification.pk))


def _check(account: Account, wish: BudgetWish) -> None:
    if not 0 < wish.amount_millicents <= LARGEST_AMOUNT:
        raise ServiceError(Code.INVALID_ARGUMENT, "A budget is more than nothing and less than all money.", "amount")
    if wish.cluster_id is not None and wish.api_key_id is not None:
        raise ServiceError(Code.INVALID_ARGUMENT, "A budget is of a cluster or of an API key, not of both.", "of")
    if wish.cluster_id and not Cluster.objects.filter(account=account, pk=wish.cluster_id).exists():
        raise ServiceError(Code.INVALID_ARGUMENT, f"There is no cluster {wish.cluster_id} in this account.", "of")
    keys = DatabaseApiKey.objects.filter(cluster__account=account)
    if wish.api_key_id and not keys.filter(pk=wish.api_key_id).exists():
        raise ServiceError(Code.INVALID_ARGUMENT, f"There is no API key {wish.api_key_id} in this account.", "of")
    if problem := wish.webhook_url and check_webhook_url(wish.webhook_url):
        raise ServiceError(Code.INVALID_ARGUMENT, problem, "webhook_url")
    if len(wish.emails) > MOST_EMAILS:
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"A budget tells at most {MOST_EMAILS} e-mail addresses. Leave some out.", "emails"
        )
    for address in wish.emails:
        try:
            validate_email(address)
        except ValidationError:
            raise ServiceError(
                Code.INVALID_ARGUMENT,
                f"{address} is not an e-mail address. Write it like finance@example.com.",
                "emails",
            ) from None


def _look_soon(account: Account) -> None:
    BudgetWatch.objects.get_or_create(account=account)
    BudgetWatch.objects.filter(account=account).update(asked=F("asked") + 1, due_at=Now())


def _announce(account: Account) -> None:
    """The gateway asks anew for every key of the account: within a second, and at once where it hears this."""
    for cluster_id in Cluster.objects.filter(account=account).values_list("pk", flat=True):
        announce_cluster_change(cluster_id)


def _audit(budget: Budget, action: str, actor: Actor, **change: dict[str, Any]) -> None:
    as_json = {
        when: {name: str(value) if isinstance(value, UUID) else value for name, value in fields.items()}
        for when, fields in change.items()
    }
    record_audit_event(
        account=budget.account,
        actor=actor,
        action=action,
        resource_type="budget",
        resource_id=str(budget.pk),
        **as_json,
    )
