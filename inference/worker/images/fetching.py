"""The worker's side of the fetcher: starts the process when an address comes, and again after it has died."""

import asyncio
import contextlib
import itertools
import logging
import socket
import sys
from typing import Any

import orjson

from cloudconsole.paths import PROJECT_DIR
from inference.fetcher.limits import LARGEST_IMAGE, MOST_AT_ONCE, TOTAL_SECONDS
from inference.worker.images.problems import BadImage
from inference.worker.protocol import InferenceError

log = logging.getLogger(__name__)

# How long the fetcher may take beyond the time of one fetch before it counts as frozen; its start is in it.
_PATIENCE_SECONDS = 10
_SENTENCES = {
    "refused": "The image's address is not allowed.",
    "failed": "The image could not be fetched from its address.",
}


class _Connection:
    """A running fetcher, and who waits for it to answer."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.alive = True
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self.listening = asyncio.create_task(self._listen())

    async def fetch(self, address: str) -> bytes:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "url": address})
        try:
            async with asyncio.timeout(TOTAL_SECONDS + _PATIENCE_SECONDS):
                return await self._waiting[number]
        except TimeoutError:
            self.kill()
            raise _stopped() from None
        except asyncio.CancelledError:
            self._send({"id": number})
            raise
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(orjson.dumps(message) + b"\n")

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._take(orjson.loads(line))
        except (OSError, EOFError, ValueError, KeyError) as error:
            log.warning("the image fetcher broke off: %s", error)
        finally:
            self.kill()
            self._writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(_stopped())
        log.warning("the image fetcher ended with status %s", await self.process.wait())

    async def _take(self, answer: dict[str, Any]) -> None:
        body = None
        if "size" in answer:
            if not 0 <= answer["size"] <= LARGEST_IMAGE:
                raise ValueError("an answer is larger than any image")
            body = await self._reader.readexactly(answer["size"])
        future = self._waiting.get(answer["id"])
        if future is None or future.done():
            return
        if body is None:
            future.set_exception(BadImage(_SENTENCES[answer["problem"]]))
        else:
            future.set_result(body)


class FetcherProcess:
    """At most one fetcher. Belongs to one event loop, whose thread must live as long as the fetcher shall."""

    def __init__(self, *, allow_http: bool = False, module: str = "inference.fetcher") -> None:
        """``module`` is another program in tests only."""
        self._command = [sys.executable, "-m", module, *(["--http"] if allow_http else [])]
        self._connection: _Connection | None = None
        self._starting = asyncio.Lock()
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def fetch(self, address: str) -> bytes:
        """The bytes at an address. Raises ``BadImage``, and ``InferenceError`` 503 when the fetcher dies meanwhile."""
        async with self._free:
            connection = await self._connected()
            return await connection.fetch(address)

    @property
    def pid(self) -> int | None:
        """The running fetcher's, or None."""
        return self._connection.process.pid if self._connection and self._connection.alive else None

    def close(self) -> None:
        """End the fetcher."""
        if self._connection is not None:
            self._connection.listening.cancel()
            self._connection.kill()

    async def _connected(self) -> _Connection:
        async with self._starting:
            if self._connection is None or not self._connection.alive:
                self._connection = await self._start()
            return self._connection

    async def _start(self) -> _Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                cwd=PROJECT_DIR,
                start_new_session=True,  # Ctrl-C reaches the worker only, which finishes what is in flight
                # Nothing of ours: the environment of the worker may hold secrets. The one setting keeps the threads
                # of look-ups from reserving address space each.
                env={"MALLOC_ARENA_MAX": "1"},
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return _Connection(process, reader, writer)


def _stopped() -> InferenceError:
    sentence = "The process that fetches images has stopped. Try again in a few seconds."
    return InferenceError(503, "worker_unavailable", sentence, retry_after=1)
