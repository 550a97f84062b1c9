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
) -> None:
    """Run ``python -m module arguments``, reporting how much of a file of ``expected_size`` bytes lies in ``watched``.

    Raises ``SourceFailed`` with the program's last words when it fails, or when ``stop`` is set (it is ended then).
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
            raise SourceFailed(_last_words(errors.read().decode(errors="replace"), status))


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


def _last_words(errors: str, status: int) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("ERROR:")] or lines
    sentence = said[-1].removeprefix("ERROR:").strip() if said else f"it ended with status {status}"
    return sentence.rstrip(".")
