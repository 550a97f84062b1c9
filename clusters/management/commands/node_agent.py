"""``manage.py node_agent``: run this machine's node agent."""

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cloudconsole.metrics import serve_metrics
from cloudconsole.paths import resolve_paths
from clusters.agent.server import AgentRunsAlready, run_agent
from clusters.node.log_lines import log_to_stdout


class Command(BaseCommand):
    """Runs until SIGTERM; all nodes are drained and stopped before it ends."""

    help = "Start, stop and restart this machine's node processes as the console asks for them."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serve on ``<run>/agent.sock``."""
        log_to_stdout()
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        paths = resolve_paths()
        serve_metrics(settings.NODE_AGENT_METRICS_PORT, "NODE_AGENT_METRICS_PORT")
        try:
            run_agent(data_dir=paths.data, run_dir=paths.run)
        except AgentRunsAlready as error:
            raise CommandError(str(error)) from None
