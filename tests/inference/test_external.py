"""Models of external providers: a real worker in front of a server of ours that speaks their protocols."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inference.catalogue import CATALOGUE
from inference.client import Embeddings, InferenceClient, InferenceError
from inference.provider_keys import NO_KEYS, ProviderKeys
from inference.worker.external.embedder import ExternalEmbedder
from tests.inference.conftest import Worker, running_worker, text_inputs
from tests.inference.provider_server import KEY, ProviderServer, Reply, refusal, running_provider, vector_of

ADA = "openai/text-embedding-3-small"
COHERE = "cohere/embed-v4.0"
JINA = "jinaai/jina-embeddings-v3"
OPENROUTER = "openrouter/mistralai/mistral-embed-2312"
KEY_NAMES = {ADA: "openai-api-key", COHERE: "cohere-api-key", JINA: "jina-api-key", OPENROUTER: "openrouter-api-key"}
NOW = {"Retry-After": "0"}


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


def embed_here(provider: ProviderServer, *texts: str, seconds: float) -> Embeddings:
    """Without a worker process, so that the deadline may be short."""

    async def ask() -> Embeddings:
        embedder = ExternalEmbedder(provider.urls, seconds)
        inputs = [SimpleNamespace(text=text, options={}) for text in texts]
        try:
            return await embedder.embed(CATALOGUE["openai/*"], ADA, "update", inputs, header_keys(openai_api_key=KEY))
        finally:
            await embedder.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("model", "kind", "sent"),
    [
        (ADA, "update", {"model": "text-embedding-3-small", "encoding_format": "float"}),
        (ADA, "search", {"model": "text-embedding-3-small", "encoding_format": "float"}),
        (COHERE, "update", {"model": "embed-v4.0", "embedding_types": ["float"], "input_type": "search_document"}),
        (COHERE, "search", {"model": "embed-v4.0", "embedding_types": ["float"], "input_type": "search_query"}),
        (JINA, "update", {"model": "jina-embeddings-v3", "embedding_type": "float", "task": "retrieval.passage"}),
        (JINA, "search", {"model": "jina-embeddings-v3", "embedding_type": "float", "task": "retrieval.query"}),
        (OPENROUTER, "update", {"model": "mistralai/mistral-embed-2312", "encoding_format": "float"}),
    ],
)
def test_each_provider_is_asked_in_its_own_protocol(
    asking: Worker, provider: ProviderServer, model: str, kind: str, sent: dict[str, Any]
) -> None:
    embeddings = embed(asking, model, text_inputs("two words", "one", ""), kind)
    assert (embeddings.model, embeddings.vector_type) == (model, "dense")
    np.testing.assert_allclose(embeddings.vectors, [vector_of("two words"), vector_of("one"), vector_of("")], rtol=1e-6)
    assert (embeddings.tokens, embeddings.truncated) == ([3, 0, 0], [False] * 3)
    [call] = provider.calls
    texts = call["body"].pop("texts" if model == COHERE else "input")
    assert (texts, call["body"]) == (["two words", "one", ""], sent)
    assert call["headers"]["Authorization"] == f"Bearer {KEY}"
    assert not any(name.lower().endswith("api-key") for name in call["headers"])


def test_an_older_jina_model_has_no_tasks(asking: Worker, provider: ProviderServer) -> None:
    embed(asking, "jinaai/jina-embeddings-v2-base-en", text_inputs("a"), keys=header_keys(jina_api_key=KEY))
    assert "task" not in provider.calls[0]["body"]


def test_the_key_may_stand_in_the_options_and_goes_no_further(asking: Worker, provider: ProviderServer) -> None:
    inputs = text_inputs("a", **{"openai-api-key": KEY, "cohere-api-key": "another", "dimensions": 7})
    assert embed(asking, ADA, inputs, keys=header_keys(openai_api_key="wrong")).vectors[0].shape == (7,)
    [call] = provider.calls
    assert call["body"] == {"model": ADA[7:], "input": ["a"], "encoding_format": "float", "dimensions": 7}


def test_options_go_through_and_replace_what_follows_from_the_kind(asking: Worker, provider: ProviderServer) -> None:
    options = {"output_dimension": 6, "input_type": "classification", "truncate": "END", "texts": ["no"]}
    assert embed(asking, COHERE, text_inputs("a", **options)).vectors[0].shape == (6,)
    sent = {"output_dimension": 6, "input_type": "classification", "truncate": "END", "texts": ["a"]}
    assert provider.calls[0]["body"] == sent | {"model": "embed-v4.0", "embedding_types": ["float"]}


def test_inputs_with_different_options_or_keys_are_asked_apart(asking: Worker, provider: ProviderServer) -> None:
    inputs = [
        *text_inputs("a", dimensions=3),
        *text_inputs("bb"),
        *text_inputs("ccc", dimensions=3),
        *text_inputs("dddd", **{"openai-api-key": KEY}),
    ]
    vectors = embed(asking, ADA, inputs).vectors
    assert [len(vector) for vector in vectors] == [3, 4, 3, 4]
    assert [vector[0] for vector in vectors] == [1, 2, 3, 4]
    assert sorted(call["body"]["input"] for call in provider.calls) == [["a", "ccc"], ["bb", "dddd"]]


@pytest.mark.parametrize(("model", "most"), [(ADA, 2048), (COHERE, 96), (JINA, 512), (OPENROUTER, 2048)])
def test_many_texts_go_in_calls_within_the_providers_limit(
    asking: Worker, provider: ProviderServer, model: str, most: int
) -> None:
    texts = [f"text {'x' * (n % 700)}" for n in range(1100)]
    embeddings = embed(asking, model, text_inputs(*texts))
    assert [int(vector[0]) for vector in embeddings.vectors] == [len(text) for text in texts]
    assert sum(embeddings.tokens) == sum(len(text.split()) for text in texts)
    sent = [call["body"]["texts" if model == COHERE else "input"] for call in provider.calls]
    assert len(sent) == sum(count > 0 for count in embeddings.tokens)
    assert max(len(part) for part in sent) <= most
    assert max(sum(len(text) for text in part) for part in sent) <= 300_000


def test_nothing_to_embed_asks_nobody(asking: Worker, provider: ProviderServer) -> None:
    assert embed(asking, ADA, []).vectors == []
    assert provider.calls == []


@pytest.mark.parametrize("model", [ADA, COHERE, JINA, OPENROUTER])
def test_without_a_key_the_sentence_says_where_to_put_it(asking: Worker, provider: ProviderServer, model: str) -> None:
    with pytest.raises(InferenceError) as refused:
        embed(asking, model, text_inputs("a"), keys=NO_KEYS)
    assert (refused.value.status, refused.value.code) == (400, "missing_key")
    assert refused.value.sentence.count(KEY_NAMES[model]) == 2
    assert provider.calls == []


@pytest.mark.parametrize("key", [5, "two\nlines", "ümlaut", "x" * 5000, ["a"]])
def test_what_cannot_be_a_key_is_refused_without_being_repeated(
    asking: Worker, provider: ProviderServer, key: Any
) -> None:
    with pytest.raises(InferenceError, match="Input 0 has a openai-api-key that cannot be a key") as refused:
        embed(asking, ADA, text_inputs("a", **{"openai-api-key": key}))
    assert refused.value.status == 400
    assert provider.calls == []


def test_other_things_than_texts_are_refused(asking: Worker) -> None:
    with pytest.raises(InferenceError, match="embeds text") as refused:
        embed(asking, ADA, [{"data": "aGVsbG8=", "data_type": "image", "options": None}])
    assert refused.value.code == "wrong_modality"


@pytest.mark.parametrize("model", [ADA, COHERE, JINA, OPENROUTER])
def test_the_providers_refusal_is_told_without_the_key(asking: Worker, provider: ProviderServer, model: str) -> None:
    wrong = "sk-wrong-0123456789abcdef"
    with pytest.raises(InferenceError, match=r"refused the request \(status 401\): Incorrect API key") as refused:
        embed(asking, model, text_inputs("a"), keys=header_keys(**{KEY_NAMES[model]: wrong}))
    assert refused.value.status == 400
    assert "Find yours at your page" in refused.value.sentence
    for part in (wrong, wrong[:4], wrong[-4:]):
        assert part not in refused.value.sentence
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"detail": [{"loc": ["body"], "msg": "no such task"}]}, ": no such task"),
        (404, {"error": {"message": "The model does not exist", "code": 404}}, ": The model does not exist"),
        (402, {"error": "Insufficient credits"}, ": Insufficient credits"),
        (413, b"<html>too large</html>", "(status 413)."),
        (422, {"message": "long " * 1000}, ": long long"),
    ],
)
def test_a_refusal_of_any_shape_becomes_a_sentence(
    asking: Worker, provider: ProviderServer, status: int, body: Any, said: str
) -> None:
    provider.replies.append(Reply(status, body))
    with pytest.raises(InferenceError) as refused:
        embed(asking, ADA, text_inputs("a"))
    assert refused.value.status == 400
    assert said in refused.value.sentence
    assert len(refused.value.sentence) < 600
    assert len(provider.calls) == 1


def test_it_is_tried_again_while_that_may_help(asking: Worker, provider: ProviderServer) -> None:
    provider.replies += [Reply(429, headers=NOW), Reply(500, headers=NOW), Reply(503, b"<html>", NOW)]
    assert embed(asking, ADA, text_inputs("two words")).tokens == [2]
    assert len(provider.calls) == 4


def test_the_pauses_grow_and_the_providers_own_is_kept(asking: Worker, provider: ProviderServer) -> None:
    provider.replies += [Reply(502), Reply(429), Reply(429, headers={"Retry-After": "2"})]
    embed(asking, ADA, text_inputs("a"))
    pauses = np.diff(provider.at)
    assert 0.3 < pauses[0] < 0.7 < pauses[1] < 1.4
    assert pauses[2] >= 2


@pytest.mark.parametrize(
    ("reply", "status", "wait"),
    [
        (refusal("openai", 429, "Rate limit reached"), 429, 1),
        (refusal("openai", 500, "The server had an error"), 503, 1),
    ],
)
def test_in_the_end_it_is_given_up_with_the_providers_sentence(
    asking: Worker, provider: ProviderServer, reply: Reply, status: int, wait: int
) -> None:
    reply.headers = NOW
    provider.replies += [reply] * 20
    with pytest.raises(InferenceError) as refused:
        embed(asking, ADA, text_inputs("a"))
    assert (refused.value.status, refused.value.retry_after) == (status, wait)
    assert reply.body["error"]["message"] in refused.value.sentence
    assert len(provider.calls) == 5


@pytest.mark.parametrize("as_date", [False, True])
def test_a_pause_beyond_the_deadline_is_the_callers_to_wait(
    asking: Worker, provider: ProviderServer, as_date: bool
) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True) if as_date else "120"
    provider.replies.append(Reply(429, headers={"Retry-After": later}))
    begun = time.monotonic()
    with pytest.raises(InferenceError, match="no more requests") as refused:
        embed(asking, ADA, text_inputs("a"))
    assert refused.value.status == 429
    assert 110 < refused.value.retry_after <= 120
    assert time.monotonic() - begun < 5


def test_a_slow_provider_ends_with_the_deadline(provider: ProviderServer) -> None:
    provider.replies += [Reply(500, headers=NOW), Reply(200, {}, after=3)]
    begun = time.monotonic()
    with pytest.raises(InferenceError, match="did not answer in time") as refused:
        embed_here(provider, "a", seconds=0.7)
    assert (refused.value.status, refused.value.code) == (503, "provider_unavailable")
    assert time.monotonic() - begun < 2


def test_a_provider_that_is_not_there_is_told_within_the_deadline() -> None:
    with pytest.raises(InferenceError, match="OpenAI cannot be reached") as refused:
        embed_here(ProviderServer("http://127.0.0.1:1"), "a", seconds=1)
    assert (refused.value.status, refused.value.retry_after) == (503, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        [],
        {"data": None},
        {"data": []},
        {"data": 7},
        {"data": ["a"]},
        {"error": {"message": "something upstream"}},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [2.0]}]},
        {"data": [{"index": 3, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [1e39]}]},
        {"data": [{"index": 0, "embedding": [None]}]},
        {"data": [{"index": 0, "embedding": [[1.0]]}]},
        {"data": [{"index": 0, "embedding": "AACAPw=="}]},
        {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"total_tokens": -1}},
        {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"total_tokens": 10**15}},
        {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"total_tokens": "5"}},
    ],
)
def test_a_malformed_answer_is_an_error_and_not_asked_for_again(
    asking: Worker, provider: ProviderServer, body: Any
) -> None:
    provider.replies.append(Reply(200, body))
    with pytest.raises(InferenceError, match="OpenAI answered with something") as refused:
        embed(asking, ADA, text_inputs("a"))
    assert refused.value.status == 503
    assert len(provider.calls) == 1


def test_a_provider_that_counts_no_tokens_is_believed(asking: Worker, provider: ProviderServer) -> None:
    provider.replies.append(Reply(200, {"data": [{"embedding": [1, 2.5]}]}))
    embeddings = embed(asking, OPENROUTER, text_inputs("a"))
    assert (embeddings.vectors[0].tolist(), embeddings.tokens) == ([1.0, 2.5], [0])


def test_a_redirect_does_not_carry_the_key_away(asking: Worker, provider: ProviderServer) -> None:
    away = Reply(307, headers={"Location": f"{provider.address}/cohere/embed", **NOW})
    provider.replies += [away] * 20
    with pytest.raises(InferenceError, match=r"failed \(status 307\)"):
        embed(asking, ADA, text_inputs("a"))
    assert {call["provider"] for call in provider.calls} == {"openai"}


def test_one_failed_call_fails_the_request_and_ends_the_others(asking: Worker, provider: ProviderServer) -> None:
    provider.replies += [Reply(400, {"message": "too long"})] + [Reply(429, headers={"Retry-After": "20"})] * 20
    begun = time.monotonic()
    with pytest.raises(InferenceError, match="too long"):
        embed(asking, COHERE, text_inputs(*(str(n) for n in range(300))))
    assert time.monotonic() - begun < 5
