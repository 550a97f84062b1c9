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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import uvicorn
from django.conf import settings

from cloudconsole.paths import PROJECT_DIR, grpc_socket
from clusters.provisioners.node_agent import NodeAgentProvisioner
from gateway.app import Gateway
from gateway.management.commands.gateway import Server, listen
from tests.waiting import wait_until


@dataclass(frozen=True)
class RunningGateway:
    """``url`` of REST, ``grpc_port`` on the same host."""

    url: str
    grpc_port: int


@contextlib.contextmanager
def running_gateway() -> Iterator[str]:
    """A gateway as its REST clients see it: its URL."""
    with running_both_ports() as gateway:
        yield gateway.url


@contextlib.contextmanager
def running_both_ports() -> Iterator[RunningGateway]:
    """A gateway on free ports, in a thread so that it sees the test database."""
    server_socket = listen("127.0.0.1", 0, "GATEWAY_REST_PORT")
    gateway = Gateway("127.0.0.1:0")
    config = uvicorn.Config(gateway, loop="uvloop", http="httptools", lifespan="on", log_config=None, access_log=False)
    with in_a_thread(Server(config, gateway), "the gateway", sockets=[server_socket]):
        host, port = server_socket.getsockname()
        yield RunningGateway(f"http://{host}:{port}", gateway.grpc_port)


@contextlib.contextmanager
def in_a_thread(server: uvicorn.Server, name: str, sockets: list[socket.socket] | None = None) -> Iterator[None]:
    """The server, from when it has started until it has stopped."""
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), seconds=20, what=f"{name} has started")
        assert server.started, f"{name} has started"
        yield
    finally:
        server.should_exit = True
        thread.join(40)
        assert not thread.is_alive(), f"{name} has stopped"


@contextlib.contextmanager
def running_node(cluster_id: uuid.UUID, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A node process where the gateway looks for the cluster's, ready."""
    place = NodeAgentProvisioner(settings.PATHS.run).upstream(cluster_id)
    command = [sys.executable, "-m", "clusters.node", "--data-dir", str(folder), "--socket", place]
    command += ["--grpc-socket", str(grpc_socket(Path(place)))]
    # Nothing of Python may run between fork and exec: a gRPC channel may be open in this process.
    command += ["--cluster-id", str(cluster_id), "--version", "1.19.0", "--parent-pid", str(os.getpid())]
    process = subprocess.Popen(command, cwd=PROJECT_DIR, env=os.environ)
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
    with in_a_thread(uvicorn.Server(config), "the mirror"):
        yield mirror


class GrpcMirror(grpc.GenericRpcHandler):
    """The same for gRPC: answers every method with the message that reached it.

    ``answers`` has other answers by path; a path in ``held`` is answered once ``may_answer`` is set.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes, dict[str, Any]]] = []
        self.seconds: list[float | None] = []
        self.answers: dict[str, bytes] = {}
        self.held: set[str] = set()
        self.may_answer = threading.Event()
        self.gone = threading.Event()

    def service(self, handler_call_details: Any) -> Any:
        def behave(message: bytes, context: grpc.ServicerContext) -> bytes:
            path = handler_call_details.method
            self.seconds.append(context.time_remaining())
            context.add_callback(lambda: None if self.may_answer.is_set() else self.gone.set())
            self.seen.append((path, message, dict(context.invocation_metadata())))
            if path in self.held:
                self.may_answer.wait(10)
            context.set_trailing_metadata((("x-from-node", "1"),))
            return self.answers.get(path, message)

        return grpc.unary_unary_rpc_method_handler(behave)


@contextlib.contextmanager
def running_grpc_mirror(cluster_id: uuid.UUID) -> Iterator[GrpcMirror]:
    """A mirror where the gateway looks for the cluster's gRPC."""
    mirror = GrpcMirror()
    place = NodeAgentProvisioner(settings.PATHS.run).upstream(cluster_id)
    server = grpc.server(ThreadPoolExecutor(8), handlers=[mirror])
    server.add_insecure_port(f"unix:{grpc_socket(Path(place))}")
    server.start()
    try:
        yield mirror
    finally:
        mirror.may_answer.set()
        server.stop(0).wait()
