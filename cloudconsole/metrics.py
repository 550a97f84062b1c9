"""Prometheus metrics of a process: served on a port of its own, on loopback unless told otherwise."""

import logging

from django.conf import settings
from prometheus_client import start_http_server

logger = logging.getLogger(__name__)


def serve_metrics(port: int, setting: str) -> None:
    """Serve this process's metrics from a thread; port 0 serves none.

    A port that is taken is told with the name of its setting and no more: numbers are not worth a process.
    """
    if not port:
        return
    try:
        start_http_server(port, addr=settings.METRICS_BIND)
    except OSError as error:
        logger.warning(
            "no metrics on %s:%s (%s). Choose another port with %s.",
            settings.METRICS_BIND,
            port,
            error.strerror,
            setting,
        )
