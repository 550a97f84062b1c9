"""BM25, computed by the Qdrant engine itself, so that the vectors equal a real server's."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import qdrant_edge

from inference.worker.protocol import SparseEmbedding

# With b = 0 and k without bound, the weight of a word is the number of times it stands in the text.
_COUNTING = {"k": 1e15, "b": 0.0}
_PLAIN_OPTIONS = (
    "k",
    "b",
    "avg_len",
    "language",
    "lowercase",
    "ascii_folding",
    "min_token_len",
    "max_token_len",
)


class Bm25Model:
    """Needs no files and no batches; a call holds the interpreter lock for about 40 ms per MB of text."""

    def embed(self, text: str, kind: str, options: dict[str, Any]) -> tuple[SparseEmbedding, int]:
        """The vector of a text (``kind`` "update") or of a query ("search"), and the number of words it kept.

        ``options`` are those of the server's ``Bm25Config``; others are ignored. Raises ``ValueError`` when one of
        them has a wrong value.
        """
        try:
            key = orjson.dumps(options, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise ValueError(str(error)) from error
        model, counter = _engines(key)
        vector = model.embed_query(text) if kind == "search" else model.embed_document(text)
        words = round(sum(counter.embed_document(text).values))
        return SparseEmbedding(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32)), words

    def count_tokens(self, texts: list[str]) -> list[int]:
        """The number of words it would keep of each text."""
        return [self.embed(text, "update", {})[1] for text in texts]


@lru_cache(maxsize=64)
def _engines(options: bytes) -> tuple[qdrant_edge.Bm25, qdrant_edge.Bm25]:
    """The engine for these options and one that counts the words it keeps."""
    settings = _settings(orjson.loads(options))
    try:
        model = qdrant_edge.Bm25(qdrant_edge.Bm25Config(**settings))
        counter = qdrant_edge.Bm25(qdrant_edge.Bm25Config(**settings | _COUNTING))
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return model, counter


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    settings = {name: options[name] for name in _PLAIN_OPTIONS if options.get(name) is not None}
    if (tokenizer := options.get("tokenizer")) is not None:
        settings["tokenizer"] = _member(qdrant_edge.TokenizerType, tokenizer, "tokenizer")
    if (stopwords := options.get("stopwords")) is not None:
        settings["stopwords"] = _stopwords(stopwords)
    if (stemmer := options.get("stemmer")) is not None:
        settings["stemmer"] = _stemmer(stemmer)
    return settings


def _stopwords(value: Any) -> Any:
    if not isinstance(value, dict):
        return _member(qdrant_edge.Language, value, "stopwords")
    languages = {_member(qdrant_edge.Language, name, "stopwords") for name in _texts(value, "languages")}
    return qdrant_edge.StopwordsSet(languages=languages or None, custom=set(_texts(value, "custom")) or None)


def _texts(value: dict[str, Any], field: str) -> Iterable[str]:
    texts = value.get(field) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"stopwords.{field} must be a list of texts")
    return texts


def _stemmer(value: Any) -> Any:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "none":
        return qdrant_edge.DisabledStemmer()
    if kind == "snowball":
        language = _member(qdrant_edge.SnowballLanguage, value.get("language"), "stemmer.language")
        return qdrant_edge.SnowballParams(language)
    raise ValueError('stemmer must be {"type": "snowball", "language": …} or {"type": "none"}')


def _member(enumeration: Any, value: Any, field: str) -> Any:
    names = [name for name in vars(enumeration) if name[0].isupper()]
    if not isinstance(value, str) or value.lower() not in {name.lower() for name in names}:
        raise ValueError(f"{field} must be one of {', '.join(sorted(name.lower() for name in names))}")
    return getattr(enumeration, value.capitalize())
