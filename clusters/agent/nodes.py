"""All nodes of a machine: every call names its owner, a generation and a token, so repeating one changes nothing.

A generation is started once. A newer one replaces it only after it was stopped, and an older one never comes back.
"""

import asyncio
import dataclasses
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

from clusters.agent.keeper import NodeKeeper
from clusters.agent.spare import SpareProcess
from clusters.agent.usage import RunningNode
from clusters.agent.wanted import Configuration, WantedNode, WantedNodes
from clusters.provisioners.owner import Owner

log = logging.getLogger(__name__)


class GenerationConflict(Exception):
    """The request does not fit the generation that runs or was asked for."""


class Nodes:
    """Starts, stops and reports the nodes that the console asks for."""

    def __init__(self, clusters_dir: Path, socket_dir: Path) -> None:
        self._store = WantedNodes(clusters_dir)
        self._socket_dir = socket_dir
        self._spare = SpareProcess()
        self._wanted: dict[str, WantedNode] = {}
        self._keepers: dict[str, NodeKeeper] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def start_wanted(self) -> None:
        """Start every node that was running when the last agent ended."""
        for stale in self._socket_dir.glob("[ng]-*.*"):
            stale.unlink()
        for wanted in self._store.all():
            self._wanted[wanted.cluster_id] = wanted
            if wanted.running:
                self._keeper(wanted.cluster_id).start(wanted)

    async def start(self, cluster_id: str, owner: Owner, configuration: Configuration) -> dict[str, Any]:
        """Run the owner's generation; returns its status without waiting for readiness. Raises GenerationConflict."""
        async with self._locks[cluster_id]:
            self._check_not_stale(cluster_id, owner)
            present = self._wanted.get(cluster_id)
            if present is not None and present.running:
                if present.generation != owner.generation:
                    raise GenerationConflict(f"generation {present.generation} is running, stop it first")
                self._want(dataclasses.replace(present, floor=owner))
                return self._status(cluster_id)
            self._want(WantedNode(cluster_id, owner.generation, configuration, True, owner))
            self._keeper(cluster_id).start(self._wanted[cluster_id])
            log.info("node %s started, generation %d", cluster_id, owner.generation)
            return self._status(cluster_id)

    async def stop(self, cluster_id: str, owner: Owner, including_own: bool) -> dict[str, Any] | None:
        """Stop what runs with an older generation, or the owner's too, and wait until it is gone.

        None for an unknown cluster. An owner that comes too late changes nothing.
        """
        async with self._locks[cluster_id]:
            present = self._wanted.get(cluster_id)
            if present is None:
                return None
            if owner < present.floor:
                return self._status(cluster_id)
            goes = present.generation < owner.generation or (including_own and present.generation == owner.generation)
            self._want(dataclasses.replace(present, running=present.running and not goes, floor=owner))
            if goes:
                await self._keeper(cluster_id).stop()
                log.info("node %s stopped, generation %d", cluster_id, present.generation)
            return self._status(cluster_id)

    async def delete(self, cluster_id: str, owner: Owner) -> None:
        """Stop a node and delete its data; an unknown cluster is no error. Raises GenerationConflict.

        No earlier owner starts it again: one that was paused may come with its call after the deletion.
        """
        async with self._locks[cluster_id]:
            self._check_not_stale(cluster_id, owner)
            await asyncio.to_thread(self._store.bury, cluster_id, owner)
            keeper = self._keepers.pop(cluster_id, None)
            if keeper is not None:
                await keeper.stop()
            await asyncio.to_thread(self._store.delete, cluster_id)
            self._wanted.pop(cluster_id, None)

    def _check_not_stale(self, cluster_id: str, owner: Owner) -> None:
        present = self._wanted.get(cluster_id)
        floor = present.floor if present else self._store.buried_by(cluster_id)
        if owner < floor:
            raise GenerationConflict(f"generation {owner.generation} is stale: a newer one was asked for")

    def status(self, cluster_id: str) -> dict[str, Any] | None:
        """A node's status, None for an unknown cluster."""
        return self._status(cluster_id) if cluster_id in self._wanted else None

    def statuses(self) -> list[dict[str, Any]]:
        """The status of every node."""
        return [self._status(cluster_id) for cluster_id in self._wanted]

    def lines(self, cluster_id: str) -> list[tuple[str, str]]:
        """The last lines of a node's output, each with its time; none of an unknown cluster."""
        keeper = self._keepers.get(cluster_id)
        return list(keeper.lines) if keeper else []

    def running(self) -> list[RunningNode]:
        """Every node that has a process."""
        nodes = [keeper.running(cluster_id) for cluster_id, keeper in self._keepers.items()]
        return [node for node in nodes if node]

    async def shut_down(self) -> None:
        """Stop all processes; what is wanted stays as it is."""
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))
        await self._spare.close()

    def _want(self, wanted: WantedNode) -> None:
        self._store.save(wanted)
        self._wanted[wanted.cluster_id] = wanted

    def _keeper(self, cluster_id: str) -> NodeKeeper:
        if cluster_id not in self._keepers:
            socket = self._socket_dir / f"n-{cluster_id}.sock"
            self._keepers[cluster_id] = NodeKeeper(self._store.storage(cluster_id), socket, self._spare)
        return self._keepers[cluster_id]

    def _status(self, cluster_id: str) -> dict[str, Any]:
        wanted = self._wanted[cluster_id]
        return {
            "cluster_id": cluster_id,
            "generation": wanted.generation,
            **self._keeper(cluster_id).report(),
        }
