"""A process that has imported all that a node needs and waits for its options: whoever needs one next starts faster."""

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
# Nodes that start have the processors to themselves first.
PREPARE_AFTER_SECONDS = 1.0
_LONGEST_LINE = 64 * 1024
log = logging.getLogger(__name__)


class SpareProcess:
    """At most one process in waiting. Nothing depends on it: where there is none a node starts as it would without."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None

    async def take(self, arguments: list[str]) -> Process:
        """A process of ``python -m clusters.node`` with these arguments. Raises OSError when none can be started."""
        spare, self._process = self._process, None
        if spare is not None and spare.returncode is None:
            assert spare.stdin is not None
            with contextlib.suppress(ConnectionError):  # it died just now
                spare.stdin.write(json.dumps(arguments).encode() + b"\n")
                await spare.stdin.drain()
                return spare
        return await _start(arguments, stdin=DEVNULL)

    def prepare(self) -> None:
        """Have the next one ready, a moment after the last call."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(PREPARE_AFTER_SECONDS, self._begin)

    async def close(self) -> None:
        """End what waits."""
        if self._timer is not None:
            self._timer.cancel()
        if self._starting is not None:
            await self._starting
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _begin(self) -> None:
        self._starting = asyncio.create_task(self._start())

    async def _start(self) -> None:
        if self._process is not None and self._process.returncode is None:
            return
        try:
            self._process = await _start(["--standby"], stdin=PIPE)
        except OSError as error:
            log.warning("no process can be kept in waiting: %s", error)


async def _start(arguments: list[str], *, stdin: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "clusters.node",
        *arguments,
        cwd=PROJECT_DIR,
        stdin=stdin,
        stdout=PIPE,
        stderr=STDOUT,
        limit=_LONGEST_LINE,
        start_new_session=True,  # a terminal's Ctrl-C reaches nodes through the agent only
    )
