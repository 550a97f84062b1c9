"""Vector indexes, built beside the requests: a process optimises a copy, which then takes the collection's place.

The engine's own ``optimize`` would hold the interpreter lock for seconds to minutes. So a process of its own copies
the flushed shard (writes of this collection wait meanwhile, reads do not) and optimises the copy. What was written
since is then repeated on the copy, a slice at a time between requests, and the registry names the copy. Until that
moment the collection is the old one, whatever crashes; then the old one is deleted.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clusters.node.engine.collection import Collection, Step
from clusters.node.engine.commit import WriteRequest
from clusters.node.engine.configuration import indexing_threshold
from clusters.node.engine.progress import CATCHING_UP, INDEXING, Progress, described_progress
from clusters.node.engine.registry import Collections
from clusters.node.errors import EngineFailure, NodeError
from clusters.node.files import size_on_disk, sync_tree
from clusters.node.models import m
from clusters.node.optimiser import COPIED, OPTIMISED

log = logging.getLogger(__name__)

QUIET_SECONDS = 1.0  # without a write, before a collection is optimised
PATIENCE_SECONDS = 10.0  # after which one that is always written to is optimised all the same
LARGEST_MISSED_BYTES = 128 * 1024 * 1024  # of requests kept for a copy; with more, another copy is made later
_SLICE_SECONDS = 0.01
_COPIES = 3  # of a collection: the copy, its indexes, and space for others to write
_JSON_PER_BYTE = 3  # characters of JSON for a byte of a vector, about
_STORING = {"upsert_points", "update_vectors", "batch_update"}


def wants_index(collection: Collection) -> bool:
    """Whether so much was stored since the last optimisation that the engine may have something to build."""
    threshold = indexing_threshold(collection.configuration)
    return bool(threshold) and collection.unindexed_bytes >= threshold * 1024


def status_of(collection: Collection) -> tuple[m.CollectionStatus, str | dict[str, str]]:
    """Qdrant's ``status`` and ``optimizer_status`` of a collection."""
    busy = collection.progress is not None or wants_index(collection)
    error = collection.optimiser_error
    return m.CollectionStatus.YELLOW if busy else m.CollectionStatus.GREEN, {"error": error} if error else "ok"


def get_optimizations(collections: Collections, name: str, _body: None, **query: str) -> dict[str, Any]:
    """How far the optimisation of a collection has come; ``query`` holds what else is asked for."""
    collection = collections.get(name)
    waiting = collection.progress is None and wants_index(collection)
    return described_progress(collection, waiting=waiting, query=query)


@dataclass
class _Job:
    """A collection being optimised: its copy, the process, and what was written since the copy."""

    collection: Collection
    configuration: m.CreateCollection
    copy: Collection
    process: "subprocess.Popen[bytes]"
    counted: float
    output: bytes = b""
    missed: deque[Step] = field(default_factory=deque)
    missed_bytes: int = 0
    opened: bool = False

    @property
    def progress(self) -> Progress:
        """What there is to tell of it."""
        assert self.collection.progress is not None
        return self.collection.progress

    @property
    def copied(self) -> bool:
        """Whether the copy is whole; until then the collection must not be written to."""
        return self.output.startswith(COPIED.encode())


@dataclass
class _Candidate:
    collection: Collection
    since: float
    written: float


class Optimiser:
    """Optimises one collection at a time. Every method runs on the engine thread and returns at once."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._candidates: dict[str, _Candidate] = {}
        self._job: _Job | None = None
        self._next = 0.0

    @property
    def copying(self) -> bool:
        """Whether writes of some collection have to wait."""
        return self._job is not None and not self._job.copied

    @property
    def wait_seconds(self) -> float | None:
        """After which time of idleness ``work`` has something to do; None for never."""
        if self._job is not None:
            return 0.0 if self._job.opened else 0.2 if self._job.copied else 0.01
        return 0.2 if self._candidates else None

    def holds(self, name: str | None) -> bool:
        """Whether what changes the collection of this name or alias has to wait for the copy."""
        return self.copying and name is not None and self._collections.find(name) is self._current.collection

    def consider(self, name: str | None) -> None:
        """Have a collection optimised, after a quiet moment, if it wants to be."""
        collection = self._collections.find(name) if name else None
        if collection is not None and wants_index(collection):
            now = time.monotonic()
            known = self._candidates.setdefault(collection.folder.name, _Candidate(collection, now, now))
            known.written = now

    def note(self, requests: Iterable[WriteRequest]) -> None:
        """Take notice of writes that are done."""
        for request in requests:
            applied = request.steps[: len(request.operation_ids)]
            if applied and request.entry.operation in _STORING:
                size = len(request.entry.body) / (_JSON_PER_BYTE if request.entry.form == "json" else 1)
                applied[0].collection.unindexed_bytes += size
            if self._job is not None and request.steps and request.steps[0].collection is self._job.collection:
                self._follow(self._job, request, applied)
            for step in applied[:1]:
                self.consider(step.collection.name)

    def work(self) -> None:
        """Do what is due, in about ten milliseconds but for the last step, which puts the copy in place."""
        now = time.monotonic()
        if now < self._next:
            return
        if self._job is None:
            self._start_one(now)
        else:
            try:
                self._advance(self._job)
            except (NodeError, OSError) as error:
                self._abandon(f"the optimised copy could not be used: {error}")
        self._next = time.monotonic() + (self.wait_seconds or 0.0)

    def stop(self) -> None:
        """Give up what is under way."""
        if self._job is not None:
            self._abandon(None)

    @property
    def _current(self) -> _Job:
        assert self._job is not None
        return self._job

    def _start_one(self, now: float) -> None:
        for folder, candidate in list(self._candidates.items()):
            if now - candidate.written < QUIET_SECONDS and now - candidate.since < PATIENCE_SECONDS:
                continue
            del self._candidates[folder]
            collection = candidate.collection
            if self._collections.find(collection.name) is collection and wants_index(collection):
                try:
                    self._start(collection)
                except (NodeError, OSError) as error:
                    log.error("optimisation not started: %s", error, extra={"folder": folder})
                    collection.optimiser_error, collection.unindexed_bytes = str(error), 0.0
                return

    def _start(self, collection: Collection) -> None:
        collection.flush()
        if shutil.disk_usage(collection.folder).free < _COPIES * size_on_disk(collection.folder):
            raise OSError("too little disk space for a copy")
        points = collection.read("info").points_count
        copy = self._collections.draft(collection.name, collection.configuration)
        command = [sys.executable, "-m", "clusters.node.optimiser"]
        command += [str(collection.folder), str(copy.folder), str(os.getpid())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._job = _Job(collection, collection.configuration, copy, process, collection.unindexed_bytes)
        collection.progress = Progress(collection.folder.name, copy.folder.name, points)
        collection.unindexed_bytes = 0.0

    def _follow(self, job: _Job, request: WriteRequest, applied: list[Step]) -> None:
        job.missed += applied
        job.missed_bytes += len(request.entry.body)
        if isinstance(request.error, EngineFailure):
            self._abandon("a request failed while an optimisation was under way")  # what it did is not known
        elif job.missed_bytes > LARGEST_MISSED_BYTES:
            log.info("optimisation given up for too many writes", extra={"folder": job.collection.folder.name})
            self._abandon(None)

    def _advance(self, job: _Job) -> None:
        changed = job.collection.configuration is not job.configuration
        if changed or self._collections.find(job.collection.name) is not job.collection:
            self._abandon(None)
        elif job.opened:
            self._catch_up(job)
        else:
            self._listen(job)

    def _listen(self, job: _Job) -> None:
        assert job.process.stdout is not None
        ended = job.process.poll() is not None
        job.output += job.process.stdout.read() or b""
        if job.copied:
            job.progress.step(INDEXING)
        if not ended:
            return
        if job.process.returncode != 0:
            self._abandon(f"the optimiser ended with {job.process.returncode}; see the node's log")
        elif OPTIMISED.encode() in job.output:
            job.copy.load()
            job.opened = True
            job.progress.step(CATCHING_UP)
        else:
            self._end(job, error=None, status="done")
            job.copy.remove()

    def _catch_up(self, job: _Job) -> None:
        """Repeat a slice of what the copy lacks; put the copy in place when it lacks nothing."""
        deadline = time.monotonic() + _SLICE_SECONDS
        while job.missed and time.monotonic() < deadline:
            job.copy.apply(job.missed.popleft())
        if job.missed:
            return
        job.copy.flush()
        sync_tree(job.copy.folder)
        job.copy.continue_from(job.collection)
        try:
            self._collections.register(job.copy)
        except OSError as error:
            raise RuntimeError("the registry on disk may name either folder") from error
        job.copy.unindexed_bytes = job.collection.unindexed_bytes
        self._end(job, error=None, status="done")
        log.info("collection optimised", extra={"folder": job.copy.folder.name})

    def _abandon(self, error: str | None) -> None:
        """Keep the collection as it is. Without an error it is tried again after the next writes."""
        job = self._current
        job.process.kill()
        job.process.wait()
        job.copy.remove()
        if error is None:
            job.collection.unindexed_bytes += job.counted
        else:
            log.error("optimisation failed: %s", error, extra={"folder": job.collection.folder.name})
        self._end(job, error=error, status={"error": error} if error else {"cancelled": "it will be tried again"})
        self.consider(job.collection.name)

    def _end(self, job: _Job, *, error: str | None, status: Any) -> None:
        if job.process.stdout is not None:
            job.process.stdout.close()
        job.progress.end(status)
        job.collection.ended.appendleft(job.progress)
        job.collection.progress, job.collection.optimiser_error = None, error
        self._job = None
