"""Celery tasks of monitoring: they only translate."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone
from prometheus_client import REGISTRY

from clusters.monitoring import retention, sampling
from clusters.monitoring.collectors import ControlPlane


@worker_ready.connect
def _count_clusters(**_: Any) -> None:
    REGISTRY.register(ControlPlane())


@shared_task(name="monitoring.sample_nodes")
def sample_nodes() -> None:
    """Write down what the nodes use now."""
    sampling.sample_nodes()


@shared_task(name="monitoring.tidy_up")
def tidy_up() -> None:
    """Make old numbers coarser and remove very old ones."""
    retention.tidy_up(now=timezone.now())
