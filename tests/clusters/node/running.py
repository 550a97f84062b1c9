"""A node process for tests, reached over a loopback port."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

PROJECT_DIR = Path(__file__).resolve().parents[3]


class RunningNode:
    """A real node process on a free port; ``lines`` is what it has logged."""

    def __init__(self, data_dir: Path, *, wait: bool = True, version: str = "v1.19.0") -> None:
        self.data_dir = data_dir
        arguments = ["--data-dir", str(data_dir), "--port", "0", "--grpc-port", "0", "--cluster-id", str(uuid.uuid4())]
        arguments += ["--version", version, "--parent-pid", str(os.getpid())]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clusters.node", *arguments],
            cwd=PROJECT_DIR,
            env={**os.environ, "RUST_BACKTRACE": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the node answers; fails with its log when it does not."""
        if not self._ready.wait(20):
            self.kill()
            raise AssertionError(f"the node did not become ready: {self.lines}")
        self.url = f"http://127.0.0.1:{self._port('message=listening')}"
        self.grpc_port = self._port('message="listening for gRPC"')
        self.http = httpx.Client(base_url=self.url, timeout=20)

    def waits_for_lock(self) -> bool:
        """Whether the process has the data folder's lock file open."""
        return any(file.path == str(self.data_dir / "lock") for file in psutil.Process(self.process.pid).open_files())

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if "message=ready" in line:
                self._ready.set()

    def _port(self, message: str) -> int:
        line = next((line for line in self.lines if f"{message} " in line), "")
        found = re.search(r"127\.0\.0\.1\D+(\d+)", line)
        assert found, self.lines
        return int(found[1])

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A request whose body is JSON of ``body``, or ``content=`` bytes."""
        return self.http.request(method, path, json=body, **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The result of a request that must succeed."""
        answer = self.request(method, path, body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    @contextmanager
    def stopped_at_end(self) -> Iterator["RunningNode"]:
        """The node, stopped cleanly when the block ends."""
        try:
            yield self
        finally:
            assert self.stop() == 0

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def error_of(answer: httpx.Response) -> str:
    """The sentence of an answer that refuses."""
    body = answer.json()
    assert set(body) == {"status", "time"}
    return body["status"]["error"]
