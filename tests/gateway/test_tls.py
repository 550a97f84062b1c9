"""Both ports of the gateway speak TLS when a certificate is configured, and nothing else then."""

import io
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from qdrant_client import QdrantClient
from qdrant_client import grpc as q

from cloudconsole.paths import PROJECT_DIR
from cloudconsole.tls import ensure_certificate
from tests.gateway.conftest import Door
from tests.running_cloud import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def served(open_door: Callable[..., Door]) -> Iterator[Any]:
    """A gateway process with the certificate of ``manage.py tls``, and a cluster behind it."""
    door = open_door("tls")
    call_command("tls", stdout=io.StringIO())
    folder, ports = settings.TLS_DIR, (free_port(), free_port())
    name, sockets = connection.settings_dict["NAME"], settings.PATHS.postgres_socket_dir
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cloudconsole.settings",
        "DATABASE_URL": f"postgresql://postgres@/{name}?host={sockets}",
        "REDIS_URL": "redis://127.0.0.1:1",
        "GATEWAY_REST_PORT": str(ports[0]),
        "GATEWAY_GRPC_PORT": str(ports[1]),
        "TLS_CERT_FILE": str(folder / "server.crt"),
        "TLS_KEY_FILE": str(folder / "server.key"),
    }
    process = subprocess.Popen([sys.executable, "manage.py", "gateway"], cwd=PROJECT_DIR, env=environment)
    try:
        wait_until(lambda: reachable(ports[0], folder / "ca.crt"), seconds=60, what="the gateway answers")
        yield door, ports, folder / "ca.crt"
    finally:
        process.terminate()
        process.wait(40)


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def reachable(port: int, authority: Path) -> bool:
    try:
        return httpx.get(f"https://localhost:{port}/readyz", verify=trusting(authority)).is_success
    except httpx.TransportError:
        return False


def test_clients_work_over_both_ports(served):
    door, (rest, remote), authority = served
    client = QdrantClient(url=f"https://localhost:{rest}", api_key=door.secret, verify=trusting(authority))
    assert client.get_collections().collections == []
    client.close()
    credentials = grpc.ssl_channel_credentials(authority.read_bytes())
    with grpc.secure_channel(f"localhost:{remote}", credentials) as channel:
        listing = q.CollectionsStub(channel).List(
            q.ListCollectionsRequest(), metadata=[("api-key", door.secret)], timeout=20
        )
    assert not listing.collections


def test_a_clusters_own_host_name_is_certified(served):
    _, (rest, _), authority = served
    host = "00000000-0000-4000-8000-000000000000.us-east-1.aws.localhost"
    with httpx.Client(verify=trusting(authority)) as http:
        answer = http.get(f"https://127.0.0.1:{rest}/readyz", extensions={"sni_hostname": host})
    assert answer.is_success


def test_plain_text_gets_no_answer(served):
    door, (rest, remote), _ = served
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{rest}/collections", headers={"api-key": door.secret})
    with grpc.insecure_channel(f"127.0.0.1:{remote}") as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/qdrant.Qdrant/HealthCheck")(b"", timeout=5)


def test_a_client_that_does_not_know_the_authority_refuses(served):
    _, (rest, _), _ = served
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://localhost:{rest}/readyz")


def test_a_renewed_certificate_is_shown_without_a_restart(served):
    _, ports, authority = served
    first = [shown(port) for port in ports]
    files = ensure_certificate(settings.TLS_DIR, ["renewed.example"])
    renewed = [shown(port) for port in ports]
    assert first[0] == first[1] != renewed[0] == renewed[1]
    whole = files.key.read_text()
    files.key.write_text(whole[:100])
    assert [shown(port) for port in ports] == renewed
    assert reachable(ports[0], authority)
    files.key.write_text(whole)


def shown(port: int) -> bytes:
    """The certificate that a client of this port is shown."""
    context = trusting(settings.TLS_DIR / "ca.crt")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
    assert certificate
    return certificate


def test_files_that_are_no_certificate_are_named(tmp_path: Path):
    (tmp_path / "broken").write_text("no certificate")
    environment = os.environ | {"TLS_CERT_FILE": str(tmp_path / "broken"), "GATEWAY_REST_PORT": str(free_port())}
    run = subprocess.run(
        [sys.executable, "manage.py", "gateway"],
        cwd=PROJECT_DIR,
        env=environment | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode
    assert "TLS_CERT_FILE" in run.stderr
    assert "manage.py tls" in run.stderr
