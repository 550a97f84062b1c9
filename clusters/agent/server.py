"""The agent's process: holds the machine's nodes, answers on its socket, takes the nodes along when it ends."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from prometheus_client import REGISTRY

from clusters.agent.api import create_api
from clusters.agent.metrics import NodeMetrics
from clusters.agent.nodes import Nodes
from clusters.agent.usage import UsageReader

log = logging.getLogger(__name__)

SOCKET_NAME = "agent.sock"


class AgentRunsAlready(Exception):
    """Another agent serves this data folder."""


def run_agent(*, data_dir: Path, run_dir: Path) -> None:
    """Run until SIGTERM or SIGINT; all nodes are drained and stopped before this returns.

    ``data_dir`` holds ``clusters/<id>/``, ``run_dir`` the sockets. Raises AgentRunsAlready.
    """
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_agent(run_dir / "agent.lock"):
        asyncio.run(_serve(Nodes(data_dir / "clusters", run_dir), run_dir / SOCKET_NAME))
        (run_dir / SOCKET_NAME).unlink(missing_ok=True)


@contextlib.contextmanager
def _only_agent(file: Path) -> Iterator[None]:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AgentRunsAlready(f"another node agent holds {file}") from None
    finally:
        os.close(handle)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the agent goes on answering while its nodes drain."""
        yield


async def _serve(nodes: Nodes, address: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    nodes.start_wanted()
    usage = UsageReader(nodes.running)
    reading = asyncio.create_task(usage.run())
    REGISTRY.register(NodeMetrics(nodes, usage))
    with _listen(address) as listener:
        config = uvicorn.Config(create_api(nodes, usage), lifespan="off", log_config=None, access_log=False, ws="none")
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        log.info("node agent listens on %s", address)
        await stop.wait()
        log.info("node agent stops its nodes")
        reading.cancel()
        await nodes.shut_down()
        server.should_exit = True
        await serving


def _listen(address: Path) -> socket.socket:
    address.unlink(missing_ok=True)  # left over from an agent that was killed: the lock says that none runs
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(address))
    address.chmod(0o600)
    listener.setblocking(False)
    return listener
