"""Celery tasks of budgets: they only translate."""

from uuid import UUID

from celery import shared_task

from billing.budgets import services
from billing.budgets.models import Notification
from billing.budgets.sending import send_notification as tell
from cloudconsole.jobs import claimable, wake


@shared_task(name="budgets.check")
def check_budgets() -> None:
    services.check_budgets()


@shared_task(name=services.SEND_NOTIFICATION)
def send_notification(notification_id: str) -> None:
    """Tell one receiver of an alert, unless somebody else does."""
    tell(UUID(notification_id))


@shared_task(name="budgets.sweep")
def sweep() -> None:
    """Wake somebody for every notification that nobody works on: lost messages, dead workers, retries."""
    for notification_id in Notification.objects.filter(claimable()).values_list("pk", flat=True):
        wake(services.SEND_NOTIFICATION, notification_id)
