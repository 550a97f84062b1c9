"""The official Python clients, sync and async, over REST and gRPC, each as if it were a plain QdrantClient."""

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qdrant_client import AsyncQdrantClient, QdrantClient

KINDS = ["sync, REST", "sync, gRPC", "async, REST", "async, gRPC"]


class Recorded:
    """A client that remembers which of its methods were called. Those of an async one are waited for."""

    def __init__(self, client: Any) -> None:
        self.called: set[str] = set()
        self._client = client
        self._loop = asyncio.new_event_loop()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.called.add(name)
            answer = method(*arguments, **named)
            return self._loop.run_until_complete(answer) if inspect.isawaitable(answer) else answer

        return call

    def end(self) -> None:
        self.close()
        self._loop.close()


@contextmanager
def official_client(kind: str, **options: Any) -> Iterator[Recorded]:
    """One of ``KINDS``."""
    made = AsyncQdrantClient if kind.startswith("async") else QdrantClient
    client = Recorded(made(prefer_grpc=kind.endswith("gRPC"), timeout=60, **options))
    try:
        yield client
    finally:
        client.end()


def methods() -> set[str]:
    """Every public method of the official client."""
    return {name for name, _ in inspect.getmembers(QdrantClient, inspect.isfunction) if not name.startswith("_")}
