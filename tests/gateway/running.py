"""A gateway and nodes as their clients see them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + body)
        answer = b""
        with contextlib.suppress(TimeoutError):
            while chunk := connection.recv(65536):
                answer += chunk
        return answer


class Mirror:
    """Stands in a node's place and answers with what reached it; ``seen`` keeps the requests.

    ``answers`` has other answers by path; requests to a path in ``held`` are answered once ``may_answer`` is set.
    """

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answers: dict[bytes, bytes] = {}
        self.held: set[bytes] = set()
        self.may_answer = threading.Event()
        self.gone = threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, path = await self._read(receive), scope["raw_path"]
        request = {"method": scope["method"], "path": path, "query": scope["query_string"], "body": body}
        self.seen.append(request | {"headers": scope["headers"]})
        if path == b"/hangs":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()
            return
        if path in self.held:
            await asyncio.to_thread(self.may_answer.wait, 10)
        headers = [(b"x-from-node", b"1"), (b"connection", b"x-hop"), (b"x-hop", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        answer = self.answers.get(path, body)
        for start in range(0, len(answer), 100_000):
            await send({"type": "http.response.body", "body": answer[start : start + 100_000], "more_body": True})
            if path == b"/dies":
                return
        await send({"type": "http.response.body", "body": b""})

    async def _read(self, receive: Any) -> bytes:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        return body


@contextlib.contextmanager
def running_mirror(cluster_id: uuid.UUID) -> Iterator[Mirror]:
    """A mirror where the gateway looks for the cluster's node."""
    mirror = Mirror()
    place = NodeAgentProvisioner(settings.PATHS.run).upstream(cluster_id)
    config = uvicorn.Config(mirror, uds=place, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, seconds=20, what="the mirror has started")
        yield mirror
    finally:
        server.should_exit = True
        thread.join(20)
