"""kill -9 around a change of the registry: the change is made or not, and nothing of it lies around."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.node.crash import open_node
from tests.clusters.node.registry_crash import CHANGES, MOMENTS
from tests.clusters.node.running import PROJECT_DIR

UNCHANGED = {"names": ["c"], "aliases": {}, "vectors": {"", "extra"}, "points": 10, "snapshots": 1}
CHANGED: dict[str, dict[str, Any]] = {
    "an alias": UNCHANGED | {"aliases": {"a": "c"}},
    "a new vector": UNCHANGED | {"vectors": {"", "extra", "new"}},
    "a removed vector": UNCHANGED | {"vectors": {""}},
    "a recovery": UNCHANGED | {"points": 0},
    "a deletion": {"names": [], "aliases": {}},
    "a creation": UNCHANGED | {"names": ["c", "d"]},
}


def found(folder: Path) -> dict[str, Any]:
    """What a node finds in its data folder; checks that there is nothing else."""
    collections, journal = open_node(folder)
    names = collections.names()
    state: dict[str, Any] = {"names": names, "aliases": collections.aliases}
    if "c" in names:
        collection = collections.get("c")
        points = collection.read("info").points_count
        snapshots = len(list(collection.snapshots.glob("*.snapshot")))
        state |= {"vectors": set(collection.vectors), "points": points, "snapshots": snapshots}
    assert len(list((folder / "collections").iterdir())) == len(names)
    assert len(list((folder / "snapshots").iterdir())) == ("c" in names)
    collections.close()
    journal.close()
    return state


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_a_crash_interrupts_is_made_or_not(tmp_path: Path, change: str, moment: str) -> None:
    folder = tmp_path / "node"
    crash = [sys.executable, "-m", "tests.clusters.node.registry_crash", str(folder), change, moment]
    ended = subprocess.run(crash, cwd=PROJECT_DIR, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert found(folder) == (UNCHANGED if moment == MOMENTS[0] else CHANGED[change])
