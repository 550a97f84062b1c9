"""One supervised process: started, watched, restarted with back-off, stopped; its output prefixed with its name."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cloudconsole.lifeline import die_with_parent

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 10.0
STEADY_AFTER_SECONDS = 30.0  # a child that ran this long starts again without extra waiting
LINE_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class ChildSpecification:
    """How to start a process and how to tell that it does its work."""

    name: str
    command: list[str]
    ready: Callable[[], Awaitable[bool]]
    user: str | None = None
    prepare: Callable[[], None] | None = None  # before every start, for what a killed run left behind
    stop_signal: signal.Signals = signal.SIGTERM
    environment: dict[str, str] | None = None


def say(name: str, line: str) -> None:
    """One line of the common log."""
    sys.stdout.write(f"{name:>16} | {line}\n")
    sys.stdout.flush()


@dataclass
class Child:
    """Keeps one process running until ``stop``."""

    specification: ChildSpecification
    on_start: Callable[[], None]
    process: asyncio.subprocess.Process | None = None
    _keeper: asyncio.Task[None] | None = None
    _stopping: bool = field(default=False)

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep_running(), name=self.specification.name)

    async def wait_ready(self, seconds: float) -> bool:
        """Whether it became ready in time."""
        deadline = time.monotonic() + seconds
        while not await self.specification.ready():
            if time.monotonic() > deadline or self._stopping:
                return False
            await asyncio.sleep(0.1)
        return True

    async def _keep_running(self) -> None:
        name, backoff = self.specification.name, FIRST_BACKOFF_SECONDS
        while True:
            started = time.monotonic()
            code = await self._run_once()
            if self._stopping:
                return
            if time.monotonic() - started > STEADY_AFTER_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            say("supervisor", f"{name} ended with {_describe(code)}; starting it again in {backoff:g} s")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    async def _run_once(self) -> int:
        spec = self.specification
        if spec.prepare:
            spec.prepare()
        self.process = await asyncio.create_subprocess_exec(
            *spec.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            user=spec.user,
            cwd="/" if spec.user else None,
            env=spec.environment,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which then stops all in order
            preexec_fn=die_with_parent,
            limit=LINE_LIMIT,
        )
        self.on_start()
        assert self.process.stdout
        reader = asyncio.create_task(self._repeat_output(self.process.stdout))
        code = await self.process.wait()
        reader.cancel()
        return code

    async def _repeat_output(self, output: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await output.readline()
            except ValueError:  # a line over the limit; its beginning is dropped with it
                continue
            if not line:
                return
            say(self.specification.name, line.decode(errors="replace").rstrip())

    async def stop(self, seconds: float) -> None:
        """End it with its stop signal, or kill it when it takes longer than ``seconds``."""
        self._stopping = True
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.specification.stop_signal)
            try:
                await asyncio.wait_for(self.process.wait(), seconds)
            except TimeoutError:
                say("supervisor", f"{self.specification.name} did not stop within {seconds:g} s; killing it")
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper


def _describe(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
