"""``manage.py gateway``: serve the data plane of all clusters until told to stop."""

import signal
import socket
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cloudconsole.lifeline import die_with_parent
from cloudconsole.metrics import serve_metrics
from cloudconsole.served_certificate import ServedCertificate
from clusters.http_protocol import WholeAnswers
from gateway.app import DRAIN_SECONDS, Gateway

# Longer than clients and load balancers keep an idle connection, so that none is closed under a request just sent.
KEEP_ALIVE_SECONDS = 75
BACKLOG = 1024


class Command(BaseCommand):
    help = "Serve the data plane on CLOUDCONSOLE_BIND, over REST on GATEWAY_REST_PORT and gRPC on GATEWAY_GRPC_PORT."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        gateway = Gateway(_address(settings.BIND, settings.GATEWAY_GRPC_PORT))
        config = uvicorn.Config(
            gateway,
            loop="uvloop",
            http=WholeAnswers,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=settings.TLS_CERT_FILE or None,
            ssl_keyfile=settings.TLS_KEY_FILE or None,
        )
        if certificate := _certificate():
            config.load()
            assert config.ssl
            config.ssl.sni_callback = certificate.show
        server_socket = listen(settings.BIND, settings.GATEWAY_REST_PORT, "GATEWAY_REST_PORT")
        listen(settings.BIND, settings.GATEWAY_GRPC_PORT, "GATEWAY_GRPC_PORT").close()  # gRPC opens its port itself
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises the signal once more after it has drained: being told to stop is no failure.
            signal.signal(stop_signal, signal.SIG_IGN)
        serve_metrics(settings.GATEWAY_METRICS_PORT, "GATEWAY_METRICS_PORT")
        Server(config, gateway).run(sockets=[server_socket])


class Server(uvicorn.Server):
    """Drains gRPC at the same time as REST."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.drain()
        await super().shutdown(sockets)


def _certificate() -> ServedCertificate | None:
    """What the settings name, if anything. Raises CommandError when it cannot be a certificate and its key."""
    if not (settings.TLS_CERT_FILE or settings.TLS_KEY_FILE):
        return None
    try:
        return ServedCertificate(Path(settings.TLS_CERT_FILE), Path(settings.TLS_KEY_FILE))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise CommandError(
            f"TLS_CERT_FILE ({settings.TLS_CERT_FILE or 'not set'}) and TLS_KEY_FILE "
            f"({settings.TLS_KEY_FILE or 'not set'}) are not a certificate and its key: {error}. "
            "`manage.py tls` makes a pair."
        ) from None


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket. Raises CommandError that names the setting when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
    except OSError as error:
        server.close()
        raise CommandError(
            f"The gateway cannot listen on {host}:{port} ({error.strerror}). Choose another port with {setting}."
        ) from None
    server.listen(BACKLOG)
    server.set_inheritable(True)
    return server
