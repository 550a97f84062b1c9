"""What the console wants of a node, kept on disk so that an agent that starts again knows it."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clusters.node.files import write_atomically

_FILE = "node.json"
_DELETED = ".deleted"


@dataclass(frozen=True)
class Configuration:
    """What a node runs with: the Qdrant version it reports, and whether inference is on."""

    version: str
    inference_enabled: bool


@dataclass(frozen=True)
class WantedNode:
    """One cluster's wanted state. ``stopped_below``: older generations were stopped and must not start again."""

    cluster_id: str
    generation: int
    configuration: Configuration
    running: bool
    stopped_below: int = 0


class WantedNodes:
    """The wanted nodes in ``<data>/clusters/<cluster id>/node.json``, next to each cluster's storage."""

    def __init__(self, clusters_dir: Path) -> None:
        self._folder = clusters_dir

    def all(self) -> Iterator[WantedNode]:
        """Every wanted node; finishes deletions that a crash interrupted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in self._folder.iterdir():
            if folder.name.endswith(_DELETED):
                shutil.rmtree(folder, ignore_errors=True)
            elif (folder / _FILE).exists():
                values = json.loads((folder / _FILE).read_bytes())
                yield WantedNode(**{**values, "configuration": Configuration(**values["configuration"])})

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

    def storage(self, cluster_id: str) -> Path:
        """Where a cluster's node keeps its data."""
        return self._folder / cluster_id / "storage"
