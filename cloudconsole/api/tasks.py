"""Celery tasks of the admin API."""

from celery import shared_task

from cloudconsole.api import idempotency


@shared_task(name="api.forget_old_answers")
def forget_old_answers() -> None:
    """Idempotency keys are kept for a day."""
    idempotency.forget_old_answers()
