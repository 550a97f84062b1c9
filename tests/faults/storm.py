"""A write storm over ten collections through one door, and what must be true of them after any kill.

Every request writes a whole block of points as one version, which payload, dense vector, multivector and sparse
vector all tell; each block belongs to one writer, who does not go on before a request is answered or cut off.
"""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import grpc
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

COLLECTIONS, BLOCKS, BLOCK_SIZE, WRITERS = 10, 4, 6, 4
CUT_OFF = (ResponseHandlingException, UnexpectedResponse, grpc.RpcError, OSError)
Block = tuple[str, int]


@dataclass(frozen=True)
class Door:
    """Where the storm goes in."""

    url: str
    grpc_port: int
    api_key: str | None = None

    def client(self, *, over_grpc: bool = False) -> QdrantClient:
        return QdrantClient(
            url=self.url,
            grpc_port=self.grpc_port,
            api_key=self.api_key,
            prefer_grpc=over_grpc,
            timeout=10,
            check_compatibility=False,
        )


def names() -> list[str]:
    return [f"storm-{number}" for number in range(COLLECTIONS)]


def create_collections(door: Door) -> None:
    client = door.client()
    late = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    for name in names():
        client.create_collection(
            name,
            vectors_config={
                "dense": models.VectorParams(size=8, distance=models.Distance.DOT),
                "late": models.VectorParams(size=2, distance=models.Distance.DOT, multivector_config=late),
            },
            sparse_vectors_config={"words": models.SparseVectorParams()},
        )
        client.create_payload_index(name, "block", models.PayloadSchemaType.INTEGER)
        client.create_payload_index(name, "version", models.PayloadSchemaType.INTEGER)


@dataclass
class Storm:
    """The writers; ``acknowledged`` and ``sent`` are the last version of each block that was."""

    door: Door
    seed: int
    acknowledged: dict[Block, int] = field(default_factory=dict)
    sent: dict[Block, int] = field(default_factory=dict)
    mistakes: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, door: Door | None = None) -> None:
        self.door = door or self.door
        self._stop.clear()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not self.mistakes, self.mistakes

    @property
    def answers(self) -> int:
        """How many writes were acknowledged so far."""
        return sum(self.acknowledged.values())

    def _write(self, number: int) -> None:
        choose = random.Random(f"{self.seed} {number} {self.answers}")
        over_grpc = bool(number % 2)
        client = self.door.client(over_grpc=over_grpc)
        try:
            while not self._stop.is_set():
                block = choose.choice(names()), choose.randrange(number % BLOCKS, BLOCKS, WRITERS)
                version = self.sent[block] = self.sent.get(block, 0) + 1
                try:
                    _write_version(client, *block, version)
                except CUT_OFF as error:
                    _must_be_cut_off(error)
                    time.sleep(0.05)
                    continue
                self.acknowledged[block] = version
        except BaseException as error:  # told by ``stop``
            self.mistakes.append(error)
        finally:
            client.close()


def _must_be_cut_off(error: Any) -> None:
    """A server that dies or comes back may say so; it must not refuse what is right."""
    if isinstance(error, UnexpectedResponse):
        assert error.status_code in (408, 429, 503, 504), error.content
    if isinstance(error, grpc.RpcError):
        codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
        assert error.code() in codes, error.details()


def _ids(block: int) -> list[int]:
    return list(range(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE))


def _write_version(client: QdrantClient, name: str, block: int, version: int) -> None:
    """Every fifth version is a deletion, and one in five a request of several updates."""
    if version % 5 == 0:
        client.delete(name, _ids(block))
        return
    points = [_point(id, block, version) for id in _ids(block)]
    if version % 5 == 3:
        marked = models.SetPayload(payload={"marked": version}, points=_ids(block))
        client.batch_update_points(
            name,
            [
                models.UpsertOperation(upsert=models.PointsList(points=points)),
                models.SetPayloadOperation(set_payload=marked),
            ],
        )
    else:
        client.upsert(name, points)


def _point(id: int, block: int, version: int) -> models.PointStruct:
    number = float(version)
    return models.PointStruct(
        id=id,
        vector={
            "dense": [number] * 8,
            "late": [[number, 1.0]] * 2,
            "words": models.SparseVector(indices=[1, version + 1], values=[number, 1.0]),
        },
        payload={"block": block, "version": version},
    )


def everything_is_as_acknowledged(storm: Storm, door: Door) -> None:
    """Acknowledged writes are there, each request whole or not at all, nothing else is, and the indexes agree."""
    client = door.client()
    for name in names():
        points, offset = [], None
        while True:
            page, offset = client.scroll(name, limit=7, offset=offset, with_vectors=True)
            points += page
            if offset is None:
                break
        assert len({point.id for point in points}) == len(points) == client.count(name).count
        for block in range(BLOCKS):
            mine = [point for point in points if point.id in _ids(block)]
            first, last = storm.acknowledged.get((name, block), 0), storm.sent.get((name, block), 0)
            assert _version_of(mine, first, last) in range(first, last + 1), (name, block)
            _indexes_agree(client, name, block, mine)
        assert {point.id for point in points} <= {id for block in range(BLOCKS) for id in _ids(block)}
    client.close()


def _version_of(points: list[Any], first: int, last: int) -> int:
    """The one version that all of a block's points tell in every part of theirs; a block that is gone was deleted."""
    if not points:
        return next(version for version in range(first, last + 1) if version % 5 == 0)
    [version] = {point.payload["version"] for point in points}
    assert len(points) == BLOCK_SIZE
    for point in points:
        expected = _point(point.id, point.payload["block"], version)
        assert point.vector == expected.vector
        marked = {"marked": version} if version % 5 == 3 else {}
        assert point.payload == expected.payload | marked
    return version


def _indexes_agree(client: QdrantClient, name: str, block: int, points: list[Any]) -> None:
    condition = models.FieldCondition(key="block", match=models.MatchValue(value=block))
    of_block = models.Filter(must=[condition])
    assert client.count(name, of_block).count == len(points)
    found = client.query_points(name, [1.0] * 8, using="dense", query_filter=of_block, limit=100).points
    assert {point.id for point in found} == {point.id for point in points}
    if points:
        version = points[0].payload["version"]
        sparse = models.SparseVector(indices=[version + 1], values=[1.0])
        by_words = client.query_points(name, sparse, using="words", query_filter=of_block, limit=100).points
        assert {point.id for point in by_words} == {point.id for point in points}
