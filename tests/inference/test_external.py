"""Models of external providers: a real worker in front of a server of ours that speaks their protocols."""

from typing import Any

import numpy as np
import pytest

from inference.client import InferenceError
from inference.provider_keys import NO_KEYS
from tests.inference.asking import (
    ADA,
    COHERE,
    JINA,
    KEY_NAMES,
    OPENROUTER,
    asking,
    embed,
    header_keys,
    provider,
    running,
)
from tests.inference.conftest import Worker, text_inputs
from tests.inference.provider_server import KEY, ProviderServer, vector_of

__all__ = ["asking", "provider", "running"]


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
