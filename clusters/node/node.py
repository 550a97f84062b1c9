"""The running node: one engine thread that every request passes through, in the order of arrival.

The engine's binding holds the interpreter lock during every call, so more threads would gain nothing; one thread
makes the order of reads and writes plain and lets writes that wait together share one flush.
"""

import asyncio
import logging
import os
import shutil
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from clusters.node.engine.commit import GroupCommit, WriteRequest
from clusters.node.engine.journal import Form, Journal, JournalEntry
from clusters.node.engine.optimisation import Optimiser
from clusters.node.engine.registry import Collections
from clusters.node.engine.strict_mode import check_strict_mode
from clusters.node.errors import EngineFailure, FormatError, NodeError, is_panic, refusal_of
from clusters.node.grpc.methods import parse_message
from clusters.node.operations import OPERATIONS, Kind, Operation
from clusters.node.results import Applied

log = logging.getLogger(__name__)

LARGEST_GROUP_BYTES = 8 * 1024 * 1024  # bounds how long one group keeps everybody waiting


@dataclass
class Call:
    """One request: a parsed body, and the raw one, in its form, for the journal.

    ``timeout`` in seconds, if the caller set one.
    """

    operation: Operation
    collection: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes = b""
    wait: bool = True
    timeout: int | None = None
    form: Form = "json"


@dataclass
class _Waiting:
    call: Call
    answer: "asyncio.Future[Any]"


class Node:
    """The collections of one cluster, served by one engine thread."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.uploads = data_dir / "uploads"
        shutil.rmtree(self.uploads, ignore_errors=True)  # what a crash left of them
        self.uploads.mkdir(parents=True)
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._ready: deque[_Waiting | None] = deque()  # taken from the queue, and before it
        self._held: list[_Waiting] = []  # until a collection is copied
        self._thread = threading.Thread(target=self._run, name="engine")
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_ready(self) -> bool:
        """Whether all collections are loaded."""
        return self._loaded.done() and self._loaded.exception() is None

    async def start(self) -> None:
        """Load all collections; requests sent meanwhile wait. Raises what made loading fail."""
        self._thread.start()
        await asyncio.shield(self._loaded)

    async def execute(self, call: Call) -> Any:
        """Carry a request out and return its JSON result; raises NodeError."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(call, answer))
        return await answer

    async def stop(self) -> None:
        """Finish what waits, flush and close."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        collections = Collections(self._data_dir)
        journal = Journal(self._data_dir / "journal")
        engine = _Engine(collections, GroupCommit(journal), Optimiser(collections))
        try:
            collections.load()
            for name in collections.names():
                engine.optimiser.consider(name)
            engine.recover(*journal.read())
        except Exception as error:
            self._loop.call_soon_threadsafe(self._loaded.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._loaded.set_result, None)
        try:
            self._serve(engine)
        except BaseException:
            log.critical("the engine thread died", exc_info=True)
            os._exit(1)  # nothing would ever be answered again; the agent starts another process
        collections.close()
        journal.close()

    def _serve(self, engine: "_Engine") -> None:
        while (waiting := self._next(engine.optimiser)) is not None:
            group = [waiting]
            if waiting.call.operation.kind is Kind.WRITE:
                self._gather(group, engine.optimiser)
            outcomes = engine.execute([member.call for member in group])
            self._loop.call_soon_threadsafe(_answer, group, outcomes)

    def _next(self, optimiser: Optimiser) -> _Waiting | None:
        """The next request, or None to stop; the optimiser works meanwhile, and what it holds up comes after it."""
        while True:
            optimiser.work()
            if self._held and not optimiser.copying:
                self._ready.extendleft(reversed(self._held))
                self._held.clear()
            try:
                waiting = self._ready.popleft() if self._ready else self._queue.get(timeout=optimiser.wait_seconds)
            except Empty:
                continue
            if waiting is None:
                optimiser.stop()
                if not self._held:
                    return None
                self._ready.appendleft(None)
            elif _must_wait(waiting.call, optimiser):
                self._held.append(waiting)
            else:
                return waiting

    def _gather(self, group: list[_Waiting], optimiser: Optimiser) -> None:
        """Add the writes that wait already."""
        size = len(group[0].call.raw)
        while size < LARGEST_GROUP_BYTES:
            try:
                waiting = self._ready.popleft() if self._ready else self._queue.get_nowait()
            except Empty:
                return
            if waiting is None or waiting.call.operation.kind is not Kind.WRITE or _must_wait(waiting.call, optimiser):
                self._ready.appendleft(waiting)
                return
            group.append(waiting)
            size += len(waiting.call.raw)


def _must_wait(call: Call, optimiser: Optimiser) -> bool:
    return call.operation.kind is not Kind.READ and optimiser.holds(call.collection)


def _answer(group: list[_Waiting], outcomes: list[Any]) -> None:
    for waiting, outcome in zip(group, outcomes, strict=True):
        if waiting.answer.done():
            continue  # its caller left
        if isinstance(outcome, NodeError):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)


class _Engine:
    """Runs calls on the engine thread. Never raises: an outcome is a JSON result or a NodeError."""

    def __init__(self, collections: Collections, commit: GroupCommit, optimiser: Optimiser) -> None:
        self._collections = collections
        self._commit = commit
        self.optimiser = optimiser

    def execute(self, calls: list[Call]) -> list[Any]:
        """The outcomes of one read or registry change, or of a group of writes."""
        if calls[0].operation.kind is not Kind.WRITE:
            outcome = self._outcome(lambda: self._alone(calls[0]))
            if calls[0].operation.kind is Kind.REGISTRY:
                self.optimiser.consider(calls[0].collection)
            return [outcome]
        requests = [self._outcome(lambda call=call: self._allowed_write(call)) for call in calls]
        accepted = [request for request in requests if isinstance(request, WriteRequest)]
        failure = self._outcome(lambda: self._commit.commit(accepted)) if accepted else None
        for request in accepted:
            request.error = failure or request.error
        self.optimiser.note(accepted)
        return [self._write_outcome(call, request) for call, request in zip(calls, requests, strict=True)]

    def recover(self, entries: list[JournalEntry], steps_done: int) -> None:
        """Apply the writes that a crash interrupted."""
        if not entries:
            return
        requests = []
        for entry in entries:
            request = self._outcome(lambda entry=entry: self._journalled_request(entry))
            if isinstance(request, WriteRequest):
                requests.append(request)
            else:
                log.error("interrupted write dropped: %s", request, extra={"operation": entry.operation})
        self._commit.recover(requests, steps_done)
        log.info("interrupted writes applied", extra={"requests": len(requests)})

    def _journalled_request(self, entry: JournalEntry) -> WriteRequest:
        operation = OPERATIONS[entry.operation]
        collection = self._collections.in_folder(entry.folder)
        body = operation.parse(entry.body) if entry.form == "json" else parse_message(operation.name, entry.body)
        call = Call(operation, collection.name, entry.parameters, body, entry.body, form=entry.form)
        return self._write_request(call)

    def _alone(self, call: Call) -> Any:
        self._check_strict_mode(call)
        return call.operation.result(self._function_value(call))

    def _allowed_write(self, call: Call) -> WriteRequest:
        self._check_strict_mode(call)
        return self._write_request(call)

    def _check_strict_mode(self, call: Call) -> None:
        collection = self._collections.find(call.collection) if call.collection else None
        if collection is not None and call.operation.kind is not Kind.REGISTRY:
            check_strict_mode(collection, call.body, call.timeout)

    def _function_value(self, call: Call) -> Any:
        return call.operation.function(self._collections, call.collection, call.body, **call.parameters)

    def _write_request(self, call: Call) -> WriteRequest:
        steps = self._function_value(call)
        folder = self._collections.get(call.collection or "").folder.name
        entry = JournalEntry(call.operation.name, folder, call.parameters, call.raw, call.form)
        return WriteRequest(entry, steps)

    def _write_outcome(self, call: Call, request: Any) -> Any:
        if not isinstance(request, WriteRequest):
            return request
        if request.error is not None:
            return request.error
        return call.operation.result(Applied(request.operation_ids, call.wait))

    def _outcome(self, function: Any) -> Any:
        try:
            return function()
        except NodeError as error:
            return error
        except (ValueError, TypeError, OverflowError) as error:
            return refusal_of(error)  # a value the engine's own types refuse
        except RecursionError:
            return FormatError("recursion limit exceeded")
        except OSError as error:
            log.exception("request failed")
            return EngineFailure(error.strerror or "the disk failed")
        except Exception as error:
            log.exception("request failed")
            return EngineFailure(type(error).__name__)
        except BaseException as error:
            if not is_panic(error):
                raise
            log.exception("engine panicked outside of a shard")
            return EngineFailure("the engine failed on this request")
