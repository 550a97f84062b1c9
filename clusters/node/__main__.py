"""``python -m clusters.node``: run the node of one cluster until SIGTERM.

``--standby`` instead of the options waits for them as a JSON list on standard input, with everything imported: most of
the time that a node takes to start is over then. It ends when nobody can send them any more.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import uvicorn
import uvloop

from cloudconsole.paths import link_beside
from clusters.http_protocol import WholeAnswers
from clusters.node.grpc.server import GrpcApi
from clusters.node.link import LinkApi
from clusters.node.log_lines import log_to_stdout
from clusters.node.node import Node
from clusters.node.parent import die_with
from clusters.node.rest import RestApi

log = logging.getLogger("clusters.node")

DRAIN_SECONDS = 30.0
LOCK_SECONDS = 45.0  # longer than a predecessor may take to drain
_CUT_OFF_SECONDS = 1  # for what the drain did not see the end of
_KEEP_ALIVE_SECONDS = 300
_BACKLOG = 2048


def main() -> None:
    """Parse the command line and serve; exits 0 after a drain and 1 when the node cannot run."""
    arguments = _awaited_arguments() if sys.argv[1:] == ["--standby"] else sys.argv[1:]
    options = _parse_options(arguments)
    log_to_stdout()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if options.parent_pid is not None:
        die_with(options.parent_pid)
    options.data_dir.mkdir(parents=True, exist_ok=True)
    with _exclusive(options.data_dir / "lock"), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_serve(options))
    _end(status)


def _end(status: int) -> NoReturn:
    """End at once: everything is on disk, and a restart would wait for the interpreter to take itself apart."""
    logging.shutdown()
    os._exit(status)


def _awaited_arguments() -> list[str]:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    arguments: list[str] = json.loads(line)
    return arguments


def _parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clusters.node", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the cluster's collections")
    listen = parser.add_mutually_exclusive_group(required=True)
    listen.add_argument("--socket", type=Path, help="unix socket to listen on")
    listen.add_argument("--port", type=int, help="loopback port to listen on; 0 chooses a free one")
    listen_grpc = parser.add_mutually_exclusive_group()
    listen_grpc.add_argument("--grpc-socket", type=Path, help="unix socket to serve gRPC on, with the gateway's beside")
    listen_grpc.add_argument("--grpc-port", type=int, help="loopback port to serve gRPC on; 0 chooses a free one")
    parser.add_argument("--cluster-id", required=True, help="UUID of the cluster")
    parser.add_argument("--version", required=True, help="the Qdrant version to report, such as 1.19.0")
    parser.add_argument("--inference", action="store_true", help="inference is on for the cluster")
    parser.add_argument("--parent-pid", type=int, help="end with this parent process")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _exclusive(file: Path) -> Iterator[None]:
    """Hold the data folder: two processes on one shard destroy it. Waits for a predecessor that is stopping."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit(f"another process holds {file.parent}")
            time.sleep(0.05)
    try:
        yield
    finally:
        os.close(handle)


def _listen(options: argparse.Namespace) -> socket.socket:
    if options.socket is None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options.port))
    else:
        options.socket.unlink(missing_ok=True)  # left over: the lock says that nobody listens there
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(options.socket))
        options.socket.chmod(0o600)
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: SIGTERM means drain first, and uvicorn would close its sockets at once."""
        yield


async def _serve(options: argparse.Namespace) -> int:
    node = Node(options.data_dir)
    version = options.version.removeprefix("v")
    api, grpc_api = RestApi(node, version), GrpcApi(node, version)
    link = LinkApi(grpc_api.answer, api.answer)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _listen(options) as listener:
        config = uvicorn.Config(
            api,
            http=WholeAnswers,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_CUT_OFF_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        # People read this in the cluster's logs: where a socket lies on this machine means nothing to them.
        where = {"address": listener.getsockname()} if listener.family == socket.AF_INET else {}
        log.info("listening", extra={**where, "cluster": options.cluster_id})
        await _serve_grpc(grpc_api, link, options)
        status = await _run_until_stopped(node, options, stop)
        api.drain()
        await asyncio.gather(_idle(api), grpc_api.server.stop(DRAIN_SECONDS), link.stop(DRAIN_SECONDS))
        server.should_exit = True
        await asyncio.gather(serving, node.stop())
    log.info("stopped")
    return status


async def _serve_grpc(api: GrpcApi, link: LinkApi, options: argparse.Namespace) -> None:
    if options.grpc_socket is not None:
        options.grpc_socket.unlink(missing_ok=True)
        await api.server.start(f"unix:{options.grpc_socket.absolute()}")
        options.grpc_socket.chmod(0o600)
        await link.start(link_beside(options.grpc_socket))
    elif options.grpc_port is not None:
        port = await api.server.start(f"127.0.0.1:{options.grpc_port}")
        log.info("listening for gRPC", extra={"address": ("127.0.0.1", port)})


async def _idle(api: RestApi) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(api.idle.wait(), DRAIN_SECONDS)


async def _run_until_stopped(node: Node, options: argparse.Namespace, stop: asyncio.Event) -> int:
    try:
        await node.start()
    except Exception:
        log.exception("the node cannot be loaded")
        return 1
    log.info("ready", extra={"cluster": options.cluster_id, "inference": options.inference})
    await stop.wait()
    log.info("draining")
    return 0


if __name__ == "__main__":
    main()
