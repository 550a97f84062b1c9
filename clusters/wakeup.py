"""Waking the task worker. A lost wake-up is harmless: the sweep finds every row that nobody works on."""

import logging
from uuid import UUID

from kombu.exceptions import OperationalError

from cloudconsole.celery import app

logger = logging.getLogger(__name__)


def run_operation_soon(operation_id: UUID) -> None:
    """Enqueue the operation's task; when the broker is away the sweep does it later."""
    try:
        app.send_task("clusters.run_operation", args=[str(operation_id)], retry=False)
    except OperationalError as error:
        logger.warning("operation %s not enqueued, the sweep will: %s", operation_id, error)
