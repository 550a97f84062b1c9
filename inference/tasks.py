"""Celery tasks of the inference app: they only translate."""

from uuid import UUID

from celery import shared_task

from inference import downloads


@shared_task(name="inference.download_model")
def download_model(download_id: str) -> None:
    """Fetch one model's weights, unless somebody else does."""
    downloads.carry_out(UUID(download_id))


@shared_task(name="inference.sweep_downloads")
def sweep_downloads() -> None:
    """Wake somebody for the next download that nobody works on: lost messages, dead workers, models in line."""
    if (download_id := downloads.next_download()) is not None:
        downloads.wake(download_id)
