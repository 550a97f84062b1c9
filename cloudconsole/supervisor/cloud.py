"""The supervisor: starts a whole cloud in order, keeps it running, stops it cleanly."""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from typing import TextIO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from cloudconsole.paths import Paths
from cloudconsole.supervisor.child import Child, ChildSpecification, say
from cloudconsole.supervisor.children import processes, servers
from cloudconsole.supervisor.demo import seed_demo
from cloudconsole.supervisor.folders import StartRefused, prepare_folders
from cloudconsole.supervisor.running import RunningProcesses, configured_ports
from cloudconsole.supervisor.status import CloudStatus, read_status

SERVER_SECONDS = 60
PROCESS_SECONDS = 900  # the first start fetches weights; progress is in the worker's lines
STOP_SECONDS = 40


class Cloud:
    """All processes of one data folder."""

    def __init__(self, *, demo: bool) -> None:
        self.demo = demo
        self.children: list[Child] = []
        self._stop_asked = asyncio.Event()

    async def run(self) -> None:
        """Start everything, say when it is ready, and keep it running until somebody asks to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask_to_stop)
        stop_asked = asyncio.create_task(self._stop_asked.wait())
        starting = asyncio.create_task(self._start())
        try:
            await asyncio.wait({starting, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stop_asked
        finally:
            starting.cancel()
            await self._stop()

    def _ask_to_stop(self) -> None:
        if self._stop_asked.is_set():  # the second Ctrl-C: no more patience
            for child in self.children:
                if child.process and child.process.returncode is None:
                    child.process.kill()
            return
        say("supervisor", "stopping everything (once more to stop at once)")
        self._stop_asked.set()

    async def _start(self) -> None:
        started = time.monotonic()
        for server in await asyncio.to_thread(servers):
            await self._start_and_wait(server, SERVER_SECONDS)
        await sync_to_async(_prepare_database)(demo=self.demo)
        waiting = [self._start_child(specification) for specification in processes()]
        for child in waiting:
            if not await child.wait_ready(PROCESS_SECONDS):
                say("supervisor", f"{child.specification.name} is not ready; look at its lines above")
        status = await self._await_clusters()
        _print_banner(status, time.monotonic() - started)

    async def _await_clusters(self) -> CloudStatus:
        deadline = time.monotonic() + SERVER_SECONDS
        while True:
            status = await sync_to_async(read_status)()
            if status["ready"] or time.monotonic() > deadline:
                return status
            await asyncio.sleep(0.2)

    def _start_child(self, specification: ChildSpecification) -> Child:
        child = Child(specification, on_start=self._write_down)
        self.children.append(child)
        child.start()
        return child

    def _write_down(self) -> None:
        ids = {child.specification.name: child.process.pid for child in self.children if child.process}
        RunningProcesses(*configured_ports(), ids).write(settings.PATHS.processes)

    async def _start_and_wait(self, specification: ChildSpecification, seconds: float) -> None:
        if not await self._start_child(specification).wait_ready(seconds):
            raise StartRefused(f"{specification.name} did not answer within {seconds:g} s; its lines above say why.")

    async def _stop(self) -> None:
        """Processes first, all at once; then the servers that they use."""
        server_names = {"postgres", "redis"}
        mine = [child for child in self.children if child.specification.name not in server_names]
        await asyncio.gather(*(child.stop(STOP_SECONDS) for child in mine))
        for child in reversed(self.children):
            if child.specification.name in server_names:
                await child.stop(STOP_SECONDS)
        say("supervisor", "stopped")


def _prepare_database(*, demo: bool) -> None:
    call_command("migrate", verbosity=0)
    if demo:
        seed_demo()
    connections.close_all()


def run_cloud(*, demo: bool) -> None:
    """Run a cloud in the foreground. Raises StartRefused when it cannot start."""
    lock = lock_data_folder(settings.PATHS)
    check_ports()
    with lock:
        asyncio.run(Cloud(demo=demo).run())


def check_ports() -> None:
    """Raises StartRefused, with the setting that changes it, for the first port that cannot be used."""
    for address, port, option in (
        (settings.BIND, settings.CONSOLE_PORT, "CLOUDCONSOLE_PORT"),
        (settings.BIND, settings.GATEWAY_REST_PORT, "GATEWAY_REST_PORT"),
        (settings.BIND, settings.GATEWAY_GRPC_PORT, "GATEWAY_GRPC_PORT"),
        (settings.BIND, settings.API_GRPC_PORT, "CLOUDCONSOLE_GRPC_PORT"),
        (settings.METRICS_BIND, settings.CONSOLE_METRICS_PORT, "CONSOLE_METRICS_PORT"),
        (settings.METRICS_BIND, settings.GATEWAY_METRICS_PORT, "GATEWAY_METRICS_PORT"),
        (settings.METRICS_BIND, settings.API_METRICS_PORT, "API_METRICS_PORT"),
        (settings.METRICS_BIND, settings.TASKS_METRICS_PORT, "TASKS_METRICS_PORT"),
        (settings.METRICS_BIND, settings.NODE_AGENT_METRICS_PORT, "NODE_AGENT_METRICS_PORT"),
    ):
        _check_port(address, port, option)


def lock_data_folder(paths: Paths) -> TextIO:
    """Held as long as the file is open: a killed supervisor holds nothing. Raises StartRefused when taken."""
    prepare_folders(paths)
    path = paths.data / "supervisor.lock"
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise StartRefused(
            f"A cloud is running on {path.parent} already (process {file.read() or 'unknown'}). "
            "Stop it first, or set CLOUDCONSOLE_DATA_DIR to start another one."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _check_port(address: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise StartRefused(
                f"Port {port} cannot be used ({os.strerror(error.errno or 0)}). "
                f"Choose another one with {option}, for example: {option}={port + 10000} make run"
            ) from None


def _print_banner(status: CloudStatus, seconds: float) -> None:
    state = "ready" if status["ready"] else "up, but not everything is ready,"
    lines = ["", f"cloudconsole is {state} after {seconds:.1f} s"]
    lines += [f"  not ready:      {name}" for name, ready in status["components"].items() if not ready]
    lines += [
        f"  Console:        {status['urls']['console']}",
        f"  Data plane:     {status['urls']['rest']} (gRPC: {status['urls']['grpc']})",
        f"  Admin API:      {status['urls']['api']} (gRPC with TLS: {status['urls']['api_grpc']})",
    ]
    if demo := status["demo"]:
        lines += [
            f"  Sign in:        {demo['email']}  /  {demo['password']}",
            f"  Management key: {demo['management_key']}",
        ]
        lines += [
            f"  API key:        {cluster['api_key']}  ({cluster['name']})"
            for cluster in status["clusters"]
            if cluster["inference"]["applied"] and cluster["api_key"]
        ]
    python = os.path.relpath(sys.executable)
    lines += [f"  Everything:     {python} manage.py status", "  Stop:           Ctrl-C", ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
