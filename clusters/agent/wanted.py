"""What the console wants of a node, kept on disk so that an agent that starts again knows it."""

import dataclasses
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters.node.files import write_atomically
from clusters.provisioners.owner import Owner

_FILE = "node.json"
_DELETED = ".deleted"
GRAVE_SECONDS = 7 * 24 * 3600  # no worker is paused for longer


@dataclass(frozen=True)
class Configuration:
    """What a node runs with: the Qdrant version it reports, and whether inference is on."""

    version: str
    inference_enabled: bool


@dataclass(frozen=True)
class WantedNode:
    """One cluster's wanted state. ``floor`` is the last owner that had the say: earlier ones are refused."""

    cluster_id: str
    generation: int
    configuration: Configuration
    running: bool
    floor: Owner


class WantedNodes:
    """The wanted nodes in ``<data>/clusters/<cluster id>/node.json``, next to each cluster's storage."""

    def __init__(self, clusters_dir: Path) -> None:
        self._folder = clusters_dir

    def all(self) -> Iterator[WantedNode]:
        """Every wanted node; finishes deletions that a crash interrupted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._forget_old_graves()
        for folder in self._folder.iterdir():
            if folder.name.endswith(_DELETED):
                shutil.rmtree(folder, ignore_errors=True)
            elif (folder / _FILE).exists():
                yield _wanted_node(json.loads((folder / _FILE).read_bytes()))

    def save(self, node: WantedNode) -> None:
        """Write a wanted state, durably."""
        folder = self._folder / node.cluster_id
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _FILE, json.dumps(dataclasses.asdict(node), indent=1).encode())

    def delete(self, cluster_id: str) -> None:
        """Remove a cluster's folder with all its data; renamed first, so that it is gone at once."""
        folder = self._folder / cluster_id
        doomed = folder.with_name(folder.name + _DELETED)
        shutil.rmtree(doomed, ignore_errors=True)
        if folder.exists():
            folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def bury(self, cluster_id: str, owner: Owner) -> None:
        """Remember, durably, in whose name a cluster was deleted."""
        self._graves.mkdir(parents=True, exist_ok=True)
        write_atomically(self._graves / cluster_id, json.dumps(owner).encode())

    def buried_by(self, cluster_id: str) -> Owner:
        """In whose name the cluster was deleted; an owner before all others if it was not."""
        try:
            return Owner(*json.loads((self._graves / cluster_id).read_bytes()))
        except FileNotFoundError:
            return Owner(0)

    def _forget_old_graves(self) -> None:
        for grave in self._graves.glob("*"):
            if time.time() - grave.stat().st_mtime > GRAVE_SECONDS:
                grave.unlink()

    @property
    def _graves(self) -> Path:
        return self._folder / "deleted"

    def storage(self, cluster_id: str) -> Path:
        """Where a cluster's node keeps its data."""
        return self._folder / cluster_id / "storage"


def _wanted_node(values: dict[str, Any]) -> WantedNode:
    floor = values.pop("floor", None) or (max(values["generation"], values.pop("stopped_below", 0)), 0)
    return WantedNode(**{**values, "configuration": Configuration(**values["configuration"]), "floor": Owner(*floor)})
