"""A node for the tests of one module."""

from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient

from tests.clusters.node.running import RunningNode


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    running = RunningNode(tmp_path_factory.mktemp("node"))
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture(scope="module")
def client(node: RunningNode) -> Iterator[QdrantClient]:
    """The official client, as users have it."""
    official = QdrantClient(url=node.url, timeout=20)
    yield official
    official.close()
