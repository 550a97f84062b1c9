"""The fetcher's process, as the worker has it: few rights, no secrets, replaced when it dies."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from inference.worker.images.fetching import FetcherProcess
from inference.worker.images.problems import BadImage
from inference.worker.protocol import InferenceError
from tests.inference.image_server import WebServer
from tests.inference.pictures import picture
from tests.waiting import wait_until

NOT_ALLOWED = "The image's address is not allowed."
NOT_FETCHED = "The image could not be fetched from its address."


def with_process(use: Callable[[FetcherProcess], Any], **how: Any) -> Any:
    """Run ``use`` with a fetcher in its process, as the worker has it."""

    async def run() -> Any:
        fetcher = FetcherProcess(allow_http=True, **how)
        try:
            return await use(fetcher)
        finally:
            fetcher.close()

    return asyncio.run(run())


LOOPBACK = {"module": "tests.inference.loopback_fetcher"}


def test_the_process_fetches_and_says_the_same_of_everything_it_refuses(web: WebServer, internal: WebServer) -> None:
    async def use(fetcher: FetcherProcess) -> list[Any]:
        paths = ["/picture", "/other", "/missing", "/gzip", f"/redirect?{internal.url('/picture')}"]
        urls = [*map(web.url, paths), internal.url("/picture"), "file:///etc/passwd", "https://nobody.invalid/"]
        return await asyncio.gather(*map(fetcher.fetch, urls), return_exceptions=True)

    got = with_process(use, **LOOPBACK)
    assert got[:2] == [picture(), picture(colour=(0, 200, 0))]
    assert all(isinstance(problem, BadImage) for problem in got[2:])
    assert list(map(str, got[2:])) == [NOT_FETCHED] * 2 + [NOT_ALLOWED] * 4
    assert internal.requested == []


def test_the_real_process_asks_nobody_on_this_machine(web: WebServer) -> None:
    async def use(fetcher: FetcherProcess) -> list[Any]:
        return await asyncio.gather(
            *(
                fetcher.fetch(web.url("/picture", host))
                for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "bücher.invalid")
            ),
            return_exceptions=True,
        )

    before = len(web.requested)
    assert list(map(str, with_process(use))) == [NOT_ALLOWED] * 5
    assert web.requested[before:] == []


def test_the_process_has_no_secrets_and_few_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCONSOLE_SECRET_KEY", "canary")

    async def use(fetcher: FetcherProcess) -> None:
        with pytest.raises(BadImage):
            await fetcher.fetch("http://127.0.0.1/")
        process = psutil.Process(fetcher.pid)
        assert "canary" not in str(process.environ())
        assert set(process.environ()) <= {"MALLOC_ARENA_MAX", "LC_CTYPE"}
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        for name, most in (("address space", 1 << 30), ("file size", 0), ("open files", 128), ("core file size", 0)):
            [hard] = re.findall(rf"^Max {name} +\d+ +(\d+)", limits, re.MULTILINE)
            assert int(hard) <= most, name
        assert "NoNewPrivs:\t1" in Path(f"/proc/{process.pid}/status").read_text()
        if os.geteuid() == 0:
            assert set(process.uids()) == {65534}
            assert set(process.gids()) == {65534}

    with_process(use)


def test_a_dead_or_frozen_process_is_replaced(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(fetcher: FetcherProcess) -> None:
        for stop in (signal.SIGKILL, signal.SIGSTOP):
            assert await fetcher.fetch(web.url("/picture")) == picture()
            pid = fetcher.pid
            waiting = asyncio.create_task(fetcher.fetch(web.url("/slow")))
            await asyncio.to_thread(wait_until, lambda: "/slow" in web.paths, seconds=10, what="the fetch has begun")
            web.requested.clear()
            os.kill(pid, stop)
            with pytest.raises(InferenceError) as refused:
                await waiting
            assert (refused.value.status, refused.value.retry_after) == (503, 1)
            assert await fetcher.fetch(web.url("/picture")) == picture()
            assert fetcher.pid != pid

    monkeypatch.setattr("inference.worker.images.fetching.TOTAL_SECONDS", 1)
    monkeypatch.setattr("inference.worker.images.fetching._PATIENCE_SECONDS", 2)
    with_process(use, **LOOPBACK)


def test_a_fetch_whose_caller_left_is_given_up(web: WebServer) -> None:
    async def use(fetcher: FetcherProcess) -> None:
        waiting = asyncio.create_task(fetcher.fetch(web.url("/slow")))
        await asyncio.to_thread(wait_until, lambda: "/slow" in web.paths, seconds=10, what="the fetch has begun")
        process = psutil.Process(fetcher.pid)
        waiting.cancel()
        await asyncio.to_thread(
            wait_until,
            lambda: not any(c.raddr and c.raddr.port == web.port for c in process.net_connections("tcp")),
            seconds=5,
            what="the connection is closed",
        )
        assert await fetcher.fetch(web.url("/picture")) == picture()

    web.requested.clear()
    with_process(use, **LOOPBACK)


def test_the_process_stays_small_under_bombs(web: WebServer) -> None:
    async def use(fetcher: FetcherProcess) -> None:
        assert await fetcher.fetch(web.url("/picture")) == picture()
        process = psutil.Process(fetcher.pid)
        at_rest = process.memory_info().rss
        for _ in range(3):
            paths = ["/gigabyte", "/endless?", "/endless?chunked", "/gzip"] * 3
            got = await asyncio.gather(*(fetcher.fetch(web.url(path)) for path in paths), return_exceptions=True)
            assert list(map(str, got)) == [NOT_FETCHED] * len(paths)
        # Six endless bodies at once hold up to 10 MB each; nothing of them stays.
        assert process.memory_info().rss - at_rest < 80_000_000

    with_process(use, **LOOPBACK)


def test_the_process_dies_with_its_worker() -> None:
    program = """
import asyncio, sys
from inference.worker.images.fetching import FetcherProcess
async def main():
    fetcher = FetcherProcess()
    try:
        await fetcher.fetch("https://127.0.0.1/")
    except ValueError:
        print(fetcher.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    pid = int(worker.stdout.readline())
    assert psutil.pid_exists(pid)
    worker.kill()
    worker.wait()
    wait_until(lambda: not psutil.pid_exists(pid), seconds=10, what="the fetcher is gone")
