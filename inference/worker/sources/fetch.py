"""Run the programs that fetch and convert weights, watching what they write and able to stop them."""

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
    watched: Path,
    expected_size: int | None,
    environment: dict[str, str],
    on_progress: Progress,
    stop: threading.Event,
    explain: Callable[[str], str],
) -> None:
    """Run ``python -m module arguments``, reporting how much of a file of ``expected_size`` bytes lies in ``watched``.

    Raises ``SourceFailed`` when ``stop`` is set (the program is ended then), and when the program fails, with what
    ``explain`` makes of what it wrote to its standard error.
    """
    written = 0
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
                    if expected_size:
                        written = max(written, _largest_file(watched))
                        on_progress(min(written / expected_size, 1.0))
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


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file: pip writes what it downloads into its cache at the same time."""
    largest = 0
    for path in folder.rglob("*"):
        try:
            largest = max(largest, path.lstat().st_size)
        except FileNotFoundError:  # temporary files are renamed meanwhile
            continue
    return largest


def last_line(errors: str) -> str:
    """What a program said last, without its full stop."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it ended without a word"
