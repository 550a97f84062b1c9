"""External providers that refuse, fail, are slow or answer nonsense."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest

from inference.client import InferenceError
from inference.worker.external import embedder
from tests.inference.asking import (
    ADA,
    COHERE,
    JINA,
    KEY_NAMES,
    OPENROUTER,
    asking,
    embed,
    embed_here,
    embed_together,
    header_keys,
    provider,
    running,
)
from tests.inference.conftest import Worker, text_inputs
from tests.inference.provider_server import ProviderServer, Reply, refusal

__all__ = ["asking", "provider", "running"]

NOW = {"Retry-After": "0"}


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
    assert pauses[0] >= 0.37
    assert pauses[1] >= 0.74
    assert pauses[2] >= 2
    assert sum(pauses) < 10


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


def test_more_requests_than_can_wait_are_refused_at_once(
    provider: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "MOST_REQUESTS", 1)
    provider.replies.append(Reply(500, headers={"Retry-After": "1"}))
    first, second = asyncio.run(embed_together(provider, 2))
    assert first.tokens == [1]
    assert (second.status, second.code, second.retry_after) == (429, "busy", 1)
    assert asyncio.run(embed_together(provider, 1))[0].tokens == [1]
