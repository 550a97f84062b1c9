"""Weights from the model hub, fetched by ``hub.py`` in a process of its own."""

import os
import shutil
import threading
from pathlib import Path

from inference.catalogue import ModelSpec
from inference.worker.sources import fetch
from inference.worker.sources.fetch import Progress, SourceFailed
from inference.worker.sources.hub import DAMAGED, EXPECTED_SIZE
from inference.worker.weight_files import missing_files, sha256_of


def write_weights(spec: ModelSpec, folder: Path, parts: Path, on_progress: Progress, stop: threading.Event) -> str:
    """Write the model's files into the new folder ``folder`` and return where they came from.

    ``parts`` keeps what an interrupted download has got so far, and the next one goes on from there.
    Raises ``SourceFailed``; what turned out to be damaged is not kept.
    """
    weights = spec.weights
    assert weights is not None
    assert weights.hub_repo is not None
    assert weights.model_file is not None
    try:
        fetch.run(
            "inference.worker.sources.hub",
            [weights.hub_repo, weights.model_file, str(parts), str(folder)],
            measure=lambda: _share(parts),
            # Without the hub's chunk store, which cannot go on from half a file.
            environment={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"},
            on_progress=on_progress,
            stop=stop,
            explain=fetch.last_line,
        )
        if missing := missing_files(spec, folder):
            raise SourceFailed(f"the repository lacks {', '.join(missing)}")
        if weights.sha256 is not None and (found := sha256_of(folder / weights.model_file)) != weights.sha256:
            raise SourceFailed(f"{weights.model_file} {DAMAGED}: the SHA-256 {found} instead of {weights.sha256}")
    except SourceFailed as failure:
        if DAMAGED in str(failure):
            shutil.rmtree(parts, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(parts, ignore_errors=True)
    return f"hub {weights.hub_repo}"


def _share(parts: Path) -> float | None:
    try:
        expected = int((parts / EXPECTED_SIZE).read_text())
    except (OSError, ValueError):
        return None
    return min(sum(fetch.sizes(parts)) / expected, 1.0) if expected else None
