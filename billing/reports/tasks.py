"""Celery tasks of reports: they only translate."""

from uuid import UUID

from celery import shared_task

from billing.reports import deliveries, services
from billing.reports.models import DeliveredMonth, Export
from cloudconsole.jobs import claimable, wake


@shared_task(name=services.RUN_EXPORT)
def run_export(export_id: str) -> None:
    """Make one export's file, unless somebody else does."""
    services.run_export(UUID(export_id))


@shared_task(name=deliveries.RUN_DELIVERY)
def run_delivery(delivered_id: str) -> None:
    """Put one month's files into their place, unless somebody else does."""
    deliveries.run_delivery(UUID(delivered_id))


@shared_task(name="reports.deliver_finished_months")
def deliver_finished_months() -> None:
    deliveries.deliver_finished_months()


@shared_task(name="reports.sweep")
def sweep() -> None:
    """Wake somebody for every report that nobody works on: lost messages, dead workers, retries."""
    for export_id in Export.objects.filter(claimable()).values_list("pk", flat=True):
        wake(services.RUN_EXPORT, export_id)
    for delivered_id in DeliveredMonth.objects.filter(claimable()).values_list("pk", flat=True):
        wake(deliveries.RUN_DELIVERY, delivered_id)


@shared_task(name="reports.remove_old_files")
def remove_old_files() -> None:
    services.remove_old_files()
