"""How each provider's API is spoken: where, how many texts at once, what is sent and what comes back.

Sources: the providers' API references (platform.openai.com/docs/api-reference/embeddings,
docs.cohere.com/reference/embed, jina.ai/embeddings, openrouter.ai/docs/api-reference/embeddings).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_VECTOR = 65_536  # dimensions; what a collection takes
_MOST_TOKENS = 1_000_000_000  # no call comes near it; a larger count is a mistake and would not fit the ledger

Fields = dict[str, Any]


class MalformedAnswer(ValueError):
    """A good status with something else than the embeddings asked for; the message says what is wrong."""


@dataclass(frozen=True)
class Provider:
    """One provider's protocol. ``defaults`` are fields that the caller's options may replace; ``fixed`` are not."""

    url: str  # of the API, unless the operator names another
    path: str
    most_texts: int  # in one call
    texts_field: str
    defaults: Callable[[str, str], Fields]  # of the provider's name of the model, and "search" or "update"
    fixed: Fields
    vectors: Callable[[Any], list[Any]]  # in the parsed answer, in the order of the texts
    tokens: Callable[[Any], Any]  # in the parsed answer; what the provider bills

    def request(self, model: str, kind: str, options: Fields, texts: list[str]) -> Fields:
        """The body of a call. ``options`` go through as they are, but cannot replace what the answer depends on."""
        return self.defaults(model, kind) | options | self.fixed | {"model": model, self.texts_field: texts}

    def read(self, answer: Any, texts: int) -> tuple[list[NDArray[np.float32]], int]:
        """The vectors and the tokens in a parsed answer to so many texts. Raises ``MalformedAnswer``."""
        try:
            found = list(self.vectors(answer))
            tokens = self.tokens(answer)
        except (KeyError, TypeError, AttributeError) as error:
            raise MalformedAnswer("no embeddings") from error
        if len(found) != texts:
            raise MalformedAnswer(f"{len(found)} embeddings for {texts} texts")
        return [_vector(one) for one in found], _count(tokens)


def _vector(numbers: Any) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            vector = np.asarray(numbers, np.float32)
    except (TypeError, ValueError) as error:
        raise MalformedAnswer("an embedding that is not a list of numbers") from error
    if vector.ndim != 1 or not 1 <= vector.size <= LARGEST_VECTOR or not np.isfinite(vector).all():
        raise MalformedAnswer("an embedding that is not a list of finite numbers")
    return vector


def _count(tokens: Any) -> int:
    """A provider may leave the count out (0); some write whole numbers as floats."""
    if tokens is None:
        return 0
    if type(tokens) not in (int, float) or not 0 <= tokens <= _MOST_TOKENS or int(tokens) != tokens:
        raise MalformedAnswer("a count of tokens that is no whole number")
    return int(tokens)


def _no_defaults(model: str, kind: str) -> Fields:
    return {}


def _cohere_defaults(model: str, kind: str) -> Fields:
    return {"input_type": "search_query" if kind == "search" else "search_document"}


def _jina_defaults(model: str, kind: str) -> Fields:
    # The second generation has no tasks, and the models for images and code have others.
    if not model.startswith("jina-embeddings-") or model.startswith("jina-embeddings-v2"):
        return {}
    return {"task": "retrieval.query" if kind == "search" else "retrieval.passage"}


def _listed_vectors(answer: Any) -> list[Any]:
    entries = answer["data"]
    places = [entry.get("index", position) for position, entry in enumerate(entries)]
    if sorted(places) != list(range(len(entries))):
        raise MalformedAnswer("embeddings whose indices are not those of the texts")
    return [entry["embedding"] for _, entry in sorted(zip(places, entries, strict=True), key=lambda pair: pair[0])]


def _listed_tokens(answer: Any) -> Any:
    return (answer.get("usage") or {}).get("total_tokens")


def _cohere_vectors(answer: Any) -> list[Any]:
    vectors: list[Any] = answer["embeddings"]["float"]
    return vectors


def _cohere_tokens(answer: Any) -> Any:
    return ((answer.get("meta") or {}).get("billed_units") or {}).get("input_tokens")


PROVIDERS = {
    # OpenAI takes 2,048 texts; a quarter of that keeps an answer with the longest vectors within some 40 MB.
    "openai": Provider(
        url="https://api.openai.com/v1",
        path="/embeddings",
        most_texts=512,
        texts_field="input",
        defaults=_no_defaults,
        fixed={"encoding_format": "float"},
        vectors=_listed_vectors,
        tokens=_listed_tokens,
    ),
    "cohere": Provider(
        url="https://api.cohere.com/v2",
        path="/embed",
        most_texts=96,
        texts_field="texts",
        defaults=_cohere_defaults,
        fixed={"embedding_types": ["float"]},
        vectors=_cohere_vectors,
        tokens=_cohere_tokens,
    ),
    "jinaai": Provider(
        url="https://api.jina.ai/v1",
        path="/embeddings",
        most_texts=512,
        texts_field="input",
        defaults=_jina_defaults,
        fixed={"embedding_type": "float"},
        vectors=_listed_vectors,
        tokens=_listed_tokens,
    ),
    # OpenRouter passes on to many providers and names no limit of its own: the smallest of the others.
    "openrouter": Provider(
        url="https://openrouter.ai/api/v1",
        path="/embeddings",
        most_texts=96,
        texts_field="input",
        defaults=_no_defaults,
        fixed={"encoding_format": "float"},
        vectors=_listed_vectors,
        tokens=_listed_tokens,
    ),
}
