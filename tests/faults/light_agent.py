"""The node agent with engines that are nothing but a folder: everything around them, fencing too, is the real one.

Every start and stop of an engine is a line of ``engines.jsonl`` in the data folder, so that a second effect shows.
While the file ``unready`` is there no engine becomes ready.
"""

import json
import sys
from pathlib import Path
from typing import Any

from clusters.agent import nodes
from clusters.agent.server import run_agent
from clusters.agent.spare import SpareProcess
from clusters.agent.wanted import WantedNode

DATA, RUN = Path(sys.argv[1]), Path(sys.argv[2])


class LightKeeper:
    """What ``NodeKeeper`` is for processes."""

    def __init__(self, storage: Path, socket: Path, spare: SpareProcess) -> None:
        self._storage = storage
        self._running: WantedNode | None = None

    def start(self, wanted: WantedNode) -> None:
        self._storage.mkdir(parents=True, exist_ok=True)
        self._running = wanted
        self._tell("start")

    async def stop(self) -> None:
        if self._running:
            self._tell("stop")
        self._running = None

    def report(self) -> dict[str, Any]:
        ready = self._running is not None and not (DATA / "unready").exists()
        return {
            "state": "running" if self._running else "stopped",
            "ready": ready,
            "pid": None,
            "started_at": None,
            "restarts": 0,
            "socket": None,
            "memory_bytes": 2**28,
        }

    def _tell(self, what: str) -> None:
        assert self._running
        line = {"what": what, "cluster": self._running.cluster_id, "generation": self._running.generation}
        with (DATA / "engines.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    nodes.NodeKeeper = LightKeeper  # type: ignore[misc]
    run_agent(data_dir=DATA, run_dir=RUN)
