"""Run the programs that fetch and convert weights, watching what they write and able to stop them."""

import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from cloudconsole.paths import PROJECT_DIR

Progress = Callable[[float | None], None]

_LOOK_SECONDS = 0.25
_STOP_SECONDS = 5


class SourceFailed(Exception):
    """A source has no usable weights; the message says why in one sentence without its full stop."""


def run(
    module: str,
    arguments: list[str],
    *,
    measure: Callable[[], float | None],
    environment: dict[str, str],
    on_progress: Progress,
    stop: threading.Event,
    explain: Callable[[str], str],
) -> None:
    """Run ``python -m module arguments``, reporting the share of the work that ``measure`` finds done (0..1).

    Raises ``SourceFailed`` when ``stop`` is set (the program is ended then), and when the program fails, with what
    ``explain`` makes of what it wrote to its standard error.
    """
    done = 0.0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            cwd=PROJECT_DIR,
        )
        try:
            while True:
                try:
                    status = process.wait(_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if stop.is_set():
                        raise SourceFailed("the worker was stopped") from None
                    share = measure()
                    done = max(done, share or 0.0)
                    on_progress(done if share is not None else None)
        finally:
            _end(process)
        if status != 0:
            errors.seek(0)
            raise SourceFailed(explain(errors.read().decode(errors="replace")))


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def sizes(folder: Path) -> list[int]:
    """Bytes of every file in a folder that somebody writes to meanwhile."""
    found = []
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:  # temporary files are renamed meanwhile
            continue
        if stat.S_ISREG(status.st_mode):
            found.append(status.st_size)
    return found


def last_line(errors: str) -> str:
    """What a program said last, without its full stop."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it ended without a word"
