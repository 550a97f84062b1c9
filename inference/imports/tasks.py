"""Celery tasks of imports: they only translate."""

from uuid import UUID

from celery import shared_task

from cloudconsole.jobs import claimable, wake
from inference.imports import services
from inference.imports.models import Import


@shared_task(name=services.RUN_IMPORT)
def run_import(import_id: str) -> None:
    """Work on one import for a few seconds, unless somebody else does."""
    services.run_import(UUID(import_id))


@shared_task(name="imports.sweep")
def sweep() -> None:
    """End imports with their clusters, and wake somebody for every other one that nobody works on."""
    services.end_with_clusters(Import.objects.all())
    for import_id in Import.objects.filter(claimable()).values_list("pk", flat=True):
        wake(services.RUN_IMPORT, import_id)


@shared_task(name="imports.remove_old_files")
def remove_old_files() -> None:
    services.remove_old_files()
