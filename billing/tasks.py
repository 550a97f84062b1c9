"""Celery tasks of billing: they only translate."""

from celery import shared_task
from django.utils import timezone

from billing.closing import close_finished_months
from billing.cluster_hours import meter_cluster_hours as meter
from billing.month_tally import keep_tallies as keep
from billing.partitions import make_partitions_ahead
from billing.rollups import LedgerBusy
from billing.rollups import update_rollups as take_in
from billing.rules import Month


@shared_task(name="billing.update_rollups")
def update_rollups() -> None:
    """Every second."""
    try:
        take_in()
    except LedgerBusy:
        return  # the next one is a second away, and readers lose nothing by it


@shared_task(name="billing.make_partitions")
def make_partitions() -> None:
    """Every hour."""
    make_partitions_ahead(Month.of(timezone.now()))


@shared_task(name="billing.meter_cluster_hours")
def meter_cluster_hours() -> None:
    """Every minute."""
    meter(now=timezone.now())


@shared_task(name="billing.close_months")
def close_months() -> None:
    """Every ten minutes."""
    close_finished_months(now=timezone.now())


@shared_task(name="billing.keep_tallies")
def keep_tallies() -> None:
    """Every minute."""
    keep(now=timezone.now())
