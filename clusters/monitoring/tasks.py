"""Celery tasks of monitoring: they only translate."""

from celery import shared_task
from django.utils import timezone

from clusters.monitoring import retention, sampling


@shared_task(name="monitoring.sample_nodes")
def sample_nodes() -> None:
    """Write down what the nodes use now."""
    sampling.sample_nodes()


@shared_task(name="monitoring.tidy_up")
def tidy_up() -> None:
    """Make old numbers coarser and remove very old ones."""
    retention.tidy_up(now=timezone.now())
