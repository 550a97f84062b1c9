"""One node process: started, its output passed on, asked whether it is ready, and stopped."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from cloudconsole.paths import grpc_socket
from cloudconsole.unix_sockets import async_unix_transport
from clusters.agent.spare import SpareProcess
from clusters.agent.wanted import WantedNode

KILL_AFTER_SECONDS = 40.0
_PREFIX_LENGTH = 8
_READY_POLL_SECONDS = 0.05
Lines = deque[tuple[str, str]]  # of a node's output: when (ISO 8601), and what


class NodeProcess:
    """A running ``python -m clusters.node``."""

    def __init__(self, process: asyncio.subprocess.Process, cluster_id: str, socket: Path, lines: Lines) -> None:
        self._process = process
        self._socket = socket
        self._lines = lines
        self._output = asyncio.create_task(self._pass_output_on(cluster_id[:_PREFIX_LENGTH]))
        self.pid = process.pid
        self.started_at = datetime.now(UTC)

    @classmethod
    async def start(
        cls, wanted: WantedNode, storage: Path, socket: Path, lines: Lines, spare: SpareProcess
    ) -> "NodeProcess":
        """Start a node; it removes stale sockets itself and ends with this process. Its output goes to ``lines``."""
        arguments = ["--data-dir", str(storage), "--socket", str(socket), "--cluster-id", wanted.cluster_id]
        arguments += ["--grpc-socket", str(grpc_socket(socket))]
        arguments += ["--version", wanted.configuration.version.removeprefix("v"), "--parent-pid", str(os.getpid())]
        if wanted.configuration.inference_enabled:
            arguments.append("--inference")
        process = await spare.take(arguments)
        return cls(process, wanted.cluster_id, socket, lines)

    async def wait(self) -> int:
        """Wait for the end; returns the exit status, negative for a signal."""
        status = await self._process.wait()
        await self._output
        return status

    async def wait_ready(self) -> None:
        """Wait until the node answers that its collections are loaded."""
        async with httpx.AsyncClient(transport=async_unix_transport(self._socket)) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("http://node/readyz")).is_success:
                        return
                await asyncio.sleep(_READY_POLL_SECONDS)

    async def stop(self) -> None:
        """Ask the node to drain and wait until it is gone; kill it when that takes too long."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), KILL_AFTER_SECONDS)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def memory_bytes(self) -> int | None:
        """What the process holds in memory; None once it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _pass_output_on(self, prefix: str) -> None:
        output = self._process.stdout
        assert output is not None
        while True:
            try:
                line = await output.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                line = error.partial
            except asyncio.LimitOverrunError as error:
                line = await output.readexactly(error.consumed)
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            self._lines.append((datetime.now(UTC).isoformat(), text))
            with contextlib.suppress(OSError):  # nobody reads us any more; the node must not stall for that
                print(f"{prefix} {text}", flush=True)
