"""A gateway and nodes as their clients see them."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import uvicorn
from django.conf import settings

from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from clusters.provisioners.node_agent import NodeAgentProvisioner
from gateway.app import Gateway
from gateway.management.commands.gateway import listen
from tests.waiting import wait_until


@contextlib.contextmanager
def running_gateway() -> Iterator[str]:
    """A gateway on a free port, in a thread so that it sees the test database; its URL."""
    server_socket = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        Gateway(), loop="uvloop", http="httptools", lifespan="on", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [server_socket]})
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), seconds=20, what="the gateway has started")
        host, port = server_socket.getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(40)


@contextlib.contextmanager
def running_node(cluster_id: uuid.UUID, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A node process where the gateway looks for the cluster's, ready."""
    place = NodeAgentProvisioner(settings.PATHS.run).upstream(cluster_id)
    command = [sys.executable, "-m", "clusters.node", "--data-dir", str(folder), "--socket", place]
    process = subprocess.Popen(
        [*command, "--cluster-id", str(cluster_id), "--version", "1.19.0"],
        cwd=PROJECT_DIR,
        env=os.environ,
        preexec_fn=die_with_parent,
    )
    try:
        wait_until(lambda: _ready(place), seconds=30, what="the node is ready")
        yield process
    finally:
        process.terminate()
        process.wait(40)


def _ready(place: str) -> bool:
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=place)) as client:
            return client.get("http://node/readyz").is_success
    except httpx.TransportError:
        return False


def raw_request(url: str, head: str, body: bytes = b"", *, seconds: float = 10) -> bytes:
    """What a server answers to exactly these bytes, until it closes the connection or falls silent."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        answer = b""
        with contextlib.suppress(TimeoutError):
            while chunk := connection.recv(65536):
                answer += chunk
        return answer
