"""``manage.py admin_api``: serve the admin API as gRPC with TLS until told to stop."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cloudconsole.api.grpc_server import GrpcApi
from cloudconsole.lifeline import die_with_parent
from cloudconsole.metrics import serve_metrics
from cloudconsole.tls import server_certificate

DRAIN_SECONDS = 30


class Command(BaseCommand):
    help = "Serve the admin API as gRPC with TLS on CLOUDCONSOLE_BIND and CLOUDCONSOLE_GRPC_PORT."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        serve_metrics(settings.API_METRICS_PORT, "API_METRICS_PORT")
        host, port = settings.BIND, settings.API_GRPC_PORT
        api = GrpcApi(server_certificate())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: api.stop(DRAIN_SECONDS))
        try:
            api.start(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError:
            raise CommandError(
                f"The admin API cannot listen on {host}:{port}. Choose another port with CLOUDCONSOLE_GRPC_PORT."
            ) from None
        api.wait()
