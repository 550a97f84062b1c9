"""The whole path: a running cloud's gateway, asked with plain HTTP."""

from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import aiohttp
import orjson

from inference.catalogue import CATALOGUE
from tests.benchmarks.inference.load import Waited, drive
from tests.benchmarks.load import Ask, Request, Target, connect

MODEL = CATALOGUE["sentence-transformers/all-minilm-l6-v2"]
POINTS_PER_REQUEST = 64
IMPORTERS = 4
_COLLECTION = "benchmark"
_SEARCH = Request("POST", f"/collections/{_COLLECTION}/points/query", "")


class WholePath:
    """One collection of one cluster."""

    def __init__(self, session: aiohttp.ClientSession, rest: str, api_key: str) -> None:
        self._session = session
        self._collection = f"{rest}/collections/{_COLLECTION}"
        address = urlsplit(rest)
        self._gateway = Target("gateway", "rest", f"{address.hostname}:{address.port}", api_key)
        self._connections: list[tuple[Ask, Callable[[], Awaitable[None]]]] = []

    async def create(self) -> None:
        """Make the collection, empty."""
        async with self._session.delete(self._collection) as answer:
            answer.raise_for_status()
        body = {"vectors": {"size": MODEL.dimensions, "distance": "Cosine"}}
        async with self._session.put(self._collection, json=body) as answer:
            answer.raise_for_status()

    async def upsert(self, points: list[tuple[int, str]]) -> int:
        """Store texts as points; the tokens that were billed."""
        body = {"points": [{"id": i, "vector": {"text": text, "model": MODEL.name}} for i, text in points]}
        async with self._session.put(f"{self._collection}/points", json=body, params={"wait": "true"}) as answer:
            answer.raise_for_status()
            usage = (await answer.json())["usage"]["inference"]["models"]
        return int(usage[MODEL.name]["tokens"])

    async def search(self, text: str) -> None:
        body = orjson.dumps({"query": {"text": text, "model": MODEL.name}, "limit": 5})
        connection = self._connections.pop() if self._connections else await connect(self._gateway, _SEARCH)
        await connection[0](body)
        self._connections.append(connection)

    async def close(self) -> None:
        for _, close in self._connections:
            await close()

    async def import_all(self, texts: list[str]) -> tuple[int, Waited]:
        """Upsert all texts, many points a request, several requests at once: tokens billed, and how long it took."""
        tokens: list[int] = []

        async def one(points: list[tuple[int, str]]) -> None:
            tokens.append(await self.upsert(points))

        waited = await drive(IMPORTERS, _chunks(texts), one, seconds=3600)
        return sum(tokens), waited


def _chunks(texts: list[str]) -> Iterator[list[tuple[int, str]]]:
    numbered = list(enumerate(texts))
    for start in range(0, len(numbered), POINTS_PER_REQUEST):
        yield numbered[start : start + POINTS_PER_REQUEST]
