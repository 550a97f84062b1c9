"""A node for the tests of one module, and collections to ask it about."""

import uuid
from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode

SQUARE = {1: [1.0, 0.0], 2: [0.9, 0.1], 3: [0.0, 1.0], 4: [-1.0, 0.0]}


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


@pytest.fixture
def square(client: QdrantClient) -> str:
    """Four points around a circle; 1 and 2 are red, 3 and 4 blue."""
    name = f"square-{uuid.uuid4()}"
    client.create_collection(name, vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE))
    client.upsert(
        name,
        [
            models.PointStruct(id=id, vector=vector, payload={"colour": "red" if id < 3 else "blue", "rank": id})
            for id, vector in SQUARE.items()
        ],
    )
    return name


@pytest.fixture
def hybrid(client: QdrantClient) -> str:
    """Three points with a dense, a sparse and a multivector each."""
    name = f"hybrid-{uuid.uuid4()}"
    client.create_collection(
        name,
        vectors_config={
            "dense": models.VectorParams(size=2, distance=models.Distance.DOT),
            "late": models.VectorParams(
                size=2,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    client.upsert(
        name,
        [
            models.PointStruct(
                id=id,
                vector={
                    "dense": [float(id), 0.0],
                    "late": [[float(id), 0.0], [0.0, 1.0]],
                    "words": models.SparseVector(indices=[id, 10], values=[1.0, 0.5]),
                },
                payload={"id": id},
            )
            for id in (1, 2, 3)
        ],
    )
    return name


def ids(points: list) -> list:
    return [point.id for point in points]


@pytest.fixture(scope="module")
def collection(node: RunningNode) -> str:
    """The path of a collection with a dense, a multi and a sparse vector, and one point in it."""
    path = f"/collections/{uuid.uuid4()}"
    node.ok(
        "PUT",
        path,
        {
            "vectors": {
                "dense": {"size": 3, "distance": "Dot"},
                "late": {"size": 2, "distance": "Dot", "multivector_config": {"comparator": "max_sim"}},
            },
            "sparse_vectors": {"words": {}},
        },
    )
    node.ok(
        "PUT", f"{path}/points?wait=true", {"points": [{"id": 1, "vector": {"dense": [1, 2, 3]}, "payload": {"n": 1}}]}
    )
    return path
