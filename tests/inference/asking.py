"""A worker that asks a server of ours instead of the providers, and ways to ask it."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from inference.catalogue import CATALOGUE
from inference.client import Embeddings, InferenceClient
from inference.provider_keys import ProviderKeys
from inference.worker.external.embedder import ExternalEmbedder
from tests.inference.conftest import Worker, running_worker
from tests.inference.provider_server import KEY, ProviderServer, running_provider

ADA = "openai/text-embedding-3-small"
COHERE = "cohere/embed-v4.0"
JINA = "jinaai/jina-embeddings-v3"
OPENROUTER = "openrouter/mistralai/mistral-embed-2312"
KEY_NAMES = {ADA: "openai-api-key", COHERE: "cohere-api-key", JINA: "jina-api-key", OPENROUTER: "openrouter-api-key"}


@pytest.fixture(scope="module")
def running() -> Iterator[ProviderServer]:
    with running_provider() as server:
        yield server


@pytest.fixture(scope="module")
def asking(running: ProviderServer) -> Iterator[Worker]:
    """A worker that asks our server instead of the providers."""
    with running_worker(INFERENCE_OFFLINE="1", **running.environment) as worker:
        yield worker


@pytest.fixture
def provider(running: ProviderServer) -> ProviderServer:
    running.forget()
    return running


def header_keys(**keys: str) -> ProviderKeys:
    return ProviderKeys({name.replace("_", "-"): key for name, key in keys.items()}.get)


def embed(
    worker: Worker, model: str, inputs: list[dict[str, Any]], kind: str = "update", keys: ProviderKeys | None = None
) -> Embeddings:
    """One request with the right key in its header, unless other keys are given."""
    own = header_keys(**{KEY_NAMES.get(model, "openai-api-key"): KEY}) if keys is None else keys

    async def ask() -> Embeddings:
        client = InferenceClient(worker.address)
        try:
            return await client.embed(model, kind, inputs, own)
        finally:
            await client.close()

    return asyncio.run(ask())


def embed_here(provider: ProviderServer, text: str, *, seconds: float) -> Embeddings:
    """Without a worker process, so that the deadline may be short."""
    [answer] = asyncio.run(embed_together(provider, 1, text, seconds=seconds))
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def embed_together(provider: ProviderServer, requests: int, text: str = "a", *, seconds: float = 60) -> list[Any]:
    """What becomes of so many equal requests at once, without a worker process: embeddings or errors."""
    external = ExternalEmbedder(provider.urls, seconds)
    arguments = (CATALOGUE["openai/*"], ADA, "update", [SimpleNamespace(text=text, options={})])
    keys = header_keys(openai_api_key=KEY)
    try:
        asked = (external.embed(*arguments, keys) for _ in range(requests))
        return await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await external.close()
