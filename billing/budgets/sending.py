"""Telling of an alert: what is said, by e-mail and by webhook."""

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from billing.budgets.models import Budget, BudgetAlert, Notification
from billing.budgets.rules import Measure
from billing.budgets.webhooks import post_webhook, webhook_secret
from cloudconsole.jobs import carry_out
from cloudconsole.money import format_usd

_SAYS = {
    Measure.ACTUAL: "{amount} of the budget {name} ({budget}) is used in {month}: {threshold} % of it or more.",
    Measure.FORECAST: (
        "At the pace of the last seven days, {month} comes to {amount}: {threshold} % or more of the budget {name} "
        "({budget})."
    ),
}


def send_notification(notification_id: UUID) -> None:
    """Tell one receiver, unless somebody else does. A receiver may be told twice, of the same id, but not never."""
    carry_out(Notification, notification_id, _send)


def alert_sentence(alert: BudgetAlert) -> str:
    return _SAYS[Measure(alert.measure)].format(
        amount=format_usd(alert.amount),
        name=alert.budget.name,
        budget=format_usd(alert.budget_millicents),
        month=f"{alert.month:%Y-%m}",
        threshold=alert.threshold,
    )


def _send(notification: Notification) -> dict[str, Any]:
    alert = notification.alert
    if notification.channel == Notification.Channel.EMAIL:
        subject = f"Budget {alert.budget.name}: {alert.threshold} % of {alert.month:%Y-%m} ({alert.measure})"
        send_mail(subject, _email(alert), settings.DEFAULT_FROM_EMAIL, [notification.receiver])
    else:
        post_webhook(
            url=notification.receiver,
            secret=webhook_secret(alert.budget.account_id),
            message_id=f"msg_{notification.pk.hex}",
            body=_payload(alert),
            now=timezone.now(),
        )
    return {}


def _email(alert: BudgetAlert) -> str:
    sentences = [alert_sentence(alert)]
    if alert.budget.hard_cap:
        sentences.append("This budget has a hard cap: once it is used up, new inference is refused until next month.")
    sentences.append(f"Account: {alert.budget.account.name}. Payment is a simulation: nobody is charged.")
    return "\n\n".join(sentences) + "\n"


def _payload(alert: BudgetAlert) -> bytes:
    budget: Budget = alert.budget
    data = {
        "account_id": budget.account_id,
        "budget_id": budget.pk,
        "budget_name": budget.name,
        "cluster_id": budget.cluster_id,
        "api_key_id": budget.api_key_id,
        "month": f"{alert.month:%Y-%m}",
        "measure": alert.measure,
        "threshold_percent": alert.threshold,
        "amount_millicents": f"{alert.amount.normalize():f}",
        "budget_millicents": str(alert.budget_millicents),
        "hard_cap": budget.hard_cap,
        "sentence": alert_sentence(alert),
    }
    body = {"type": "budget.threshold_reached", "timestamp": alert.fired_at, "data": data}
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
