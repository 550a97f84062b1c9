"""``manage.py gateway`` as a process: its port, its start without servers, its end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from cloudconsole.paths import PROJECT_DIR
from gateway.management.commands.gateway import listen
from tests.gateway.conftest import Door
from tests.gateway.running import running_grpc_mirror, running_mirror
from tests.running_cloud import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_a_taken_port_is_an_error_that_names_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(CommandError, match="GATEWAY_GRPC_PORT"):
        listen("127.0.0.1", other.getsockname()[1], "GATEWAY_GRPC_PORT")


def test_told_to_stop_it_finishes_what_is_in_flight(open_door: Callable[..., Door]):
    door = open_door("draining", node=False)
    port, grpc_port = free_port(), free_port()
    name, folder = connection.settings_dict["NAME"], settings.PATHS.postgres_socket_dir
    environment = {
        "DJANGO_SETTINGS_MODULE": "cloudconsole.settings",
        "DATABASE_URL": f"postgresql://postgres@/{name}?host={folder}",
        "REDIS_URL": "redis://127.0.0.1:1",
        "GATEWAY_REST_PORT": str(port),
        "GATEWAY_GRPC_PORT": str(grpc_port),
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "gateway"], cwd=PROJECT_DIR, env={**os.environ, **environment}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), seconds=30, what="the gateway answers")
        with (
            running_mirror(door.cluster.pk) as mirror,
            running_grpc_mirror(door.cluster.pk) as grpc_mirror,
            grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
            ThreadPoolExecutor(1) as thread,
        ):
            mirror.held.add(b"/slow")
            grpc_mirror.held.add("/slow/Call")
            asked = thread.submit(httpx.post, f"{url}/slow", content=b"body", headers={"api-key": door.secret})
            called = channel.unary_unary("/slow/Call").future(b"message", metadata=[("api-key", door.secret)])
            wait_until(lambda: mirror.seen and grpc_mirror.seen, seconds=10, what="the requests are in flight")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not _answers(url), seconds=5, what="nobody new is let in")
            wait_until(lambda: not _answers_grpc(grpc_port), seconds=5, what="nobody new is let in by gRPC")
            mirror.may_answer.set()
            grpc_mirror.may_answer.set()
            assert asked.result(10).content == b"body"
            assert called.result(10) == b"message"
        assert process.wait(10) == 0
    finally:
        process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False


def _answers_grpc(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return bool(channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=2))
        except grpc.RpcError:
            return False
