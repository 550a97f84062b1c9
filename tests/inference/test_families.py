"""Each kind of model gives what fastembed or the engine itself gives, in batches and with exact token counts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge
from fastembed import LateInteractionTextEmbedding, SparseTextEmbedding, TextEmbedding

from inference.catalogue import CATALOGUE
from inference.worker import families
from inference.worker.devices import Devices

TEXTS = ["abc", "", "hello, world! 123", "z" * 40 + " end", "a b c d e f g h", "long words here " * 20]


def _load(name: str, root: Path) -> Any:
    return families.load(CATALOGUE[name], root / name, Devices(threads=1))


def _dense(name: str, root: Path) -> TextEmbedding:
    fastembed_id = CATALOGUE[name].weights.fastembed_id
    return TextEmbedding(fastembed_id, cache_dir=str(root), specific_model_path=str(root / name))


def _run(model: Any, texts: list[str], kind: str) -> tuple[list[Any], list[int]]:
    return model.run(model.tokenize(texts, kind), kind)


def test_e5_gets_its_prefixes_by_kind_and_never_twice(tiny_models_dir: Path) -> None:
    name = "intfloat/multilingual-e5-small"
    model = _load(name, tiny_models_dir)
    reference = _dense(name, tiny_models_dir)
    asked = ["abc", "query: abc", "passage: abc"]
    expected = {
        "search": ["query: abc", "query: abc", "passage: abc"],
        "update": ["passage: abc", "query: abc", "passage: abc"],
    }
    for kind, prefixed in expected.items():
        vectors, _ = _run(model, asked, kind)
        np.testing.assert_allclose(vectors, list(reference.embed(prefixed)), atol=1e-6)


def test_mxbai_prefixes_only_queries(tiny_models_dir: Path) -> None:
    name = "mixedbread-ai/mxbai-embed-large-v1"
    model = _load(name, tiny_models_dir)
    prompt = CATALOGUE[name].prefixes.query
    plain, asked = list(_dense(name, tiny_models_dir).embed(["abc", prompt + "abc"]))
    np.testing.assert_allclose(_run(model, ["abc"], "update")[0][0], plain, atol=1e-6)
    np.testing.assert_allclose(_run(model, ["abc"], "search")[0][0], asked, atol=1e-6)


def test_clip_gives_fastembeds_vectors(tiny_models_dir: Path) -> None:
    name = "qdrant/clip-vit-b-32-text"
    vectors, _ = _run(_load(name, tiny_models_dir), TEXTS, "update")
    np.testing.assert_allclose(vectors, list(_dense(name, tiny_models_dir).embed(TEXTS)), atol=1e-6)


def test_splade_gives_fastembeds_weights(tiny_models_dir: Path) -> None:
    name = "prithivida/splade_pp_en_v1"
    reference = SparseTextEmbedding(
        CATALOGUE[name].weights.fastembed_id,
        cache_dir=str(tiny_models_dir),
        specific_model_path=str(tiny_models_dir / name),
    )
    vectors, tokens = _run(_load(name, tiny_models_dir), TEXTS, "update")
    for vector, wanted in zip(vectors, reference.embed(TEXTS), strict=True):
        np.testing.assert_array_equal(vector.indices, wanted.indices)
        np.testing.assert_allclose(vector.values, wanted.values, atol=1e-6)
    assert any(len(vector.indices) for vector in vectors)
    assert tokens == [5, 2, 17, 45, 10, 64]


@pytest.mark.parametrize("kind", ["update", "search"])
def test_colbert_gives_fastembeds_rows_in_batches_too(tiny_models_dir: Path, kind: str) -> None:
    name = "answerdotai/answerai-colbert-small-v1"
    reference = LateInteractionTextEmbedding(
        CATALOGUE[name].weights.fastembed_id,
        cache_dir=str(tiny_models_dir),
        specific_model_path=str(tiny_models_dir / name),
    )
    # One by one: fastembed embeds queries so, and pads no document to another's length.
    embed = reference.query_embed if kind == "search" else reference.embed
    expected = [next(iter(embed(text))) for text in TEXTS]
    vectors, tokens = _run(_load(name, tiny_models_dir), TEXTS, kind)
    assert [vector.shape for vector in vectors] == [wanted.shape for wanted in expected]
    for vector, wanted in zip(vectors, expected, strict=True):
        np.testing.assert_allclose(vector, wanted, atol=1e-6)
    assert tokens == [6, 3, 18, 46, 11, 64]  # with the marker


def test_weights_of_another_size_than_the_catalogues_are_refused(tiny_models_dir: Path) -> None:
    other = tiny_models_dir / "mixedbread-ai/mxbai-embed-large-v1"
    with pytest.raises(ValueError, match="1024 dimensions, the catalogue says 384"):
        families.load(CATALOGUE["intfloat/multilingual-e5-small"], other, Devices(threads=1))


BM25_TEXTS = [
    "",
    "the",
    "Running runners run; foo_bar & café naïve 42!",
    "深度学习 мир hello 🙂",
    "word " * 500 + "other",
    "\x00 \u200b",
]
BM25_OPTIONS = [
    ({}, {}),
    ({"k": 2.0, "b": 0.1, "avg_len": 10}, {"k": 2.0, "b": 0.1, "avg_len": 10}),
    ({"language": "german", "lowercase": False}, {"language": "german", "lowercase": False}),
    (
        {"tokenizer": "multilingual", "ascii_folding": True, "min_token_len": 2, "max_token_len": 6},
        {
            "tokenizer": qdrant_edge.TokenizerType.Multilingual,
            "ascii_folding": True,
            "min_token_len": 2,
            "max_token_len": 6,
        },
    ),
    (
        {"stopwords": {"languages": ["german"], "custom": ["hello"]}, "stemmer": {"type": "none"}},
        {
            "stopwords": qdrant_edge.StopwordsSet(languages={qdrant_edge.Language.German}, custom={"hello"}),
            "stemmer": qdrant_edge.DisabledStemmer(),
        },
    ),
    (
        {"stopwords": "french", "stemmer": {"type": "snowball", "language": "french"}, "unknown": 1},
        {
            "stopwords": qdrant_edge.Language.French,
            "stemmer": qdrant_edge.SnowballParams(qdrant_edge.SnowballLanguage.French),
        },
    ),
]


@pytest.mark.parametrize(("options", "settings"), BM25_OPTIONS)
def test_bm25_equals_the_engines(options: dict[str, Any], settings: dict[str, Any]) -> None:
    model = families.load(CATALOGUE["qdrant/bm25"], None, Devices(threads=1))
    engine = qdrant_edge.Bm25(qdrant_edge.Bm25Config(**settings))
    for text in BM25_TEXTS:
        for kind, embed in (("update", engine.embed_document), ("search", engine.embed_query)):
            vector, _ = model.embed(text, kind, options)
            wanted = embed(text)
            weights = dict(zip(wanted.indices, wanted.values, strict=True))
            got = dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))
            assert got == weights


def test_bm25_counts_the_words_it_kept() -> None:
    model = families.load(CATALOGUE["qdrant/bm25"], None, Devices(threads=1))
    counted = {
        "the cat and the hat": 2,
        "": 0,
        "cat cat cat": 3,
        "word " * 100_000: 100_000,
    }
    for kind in ("update", "search"):
        assert {text: model.embed(text, kind, {})[1] for text in counted} == counted


@pytest.mark.parametrize(
    "options",
    [
        {"language": "klingon"},
        {"k": "much"},
        {"b": 2},
        {"avg_len": 0},
        {"tokenizer": "words"},
        {"min_token_len": -1},
        {"language": "\ud83d"},
        {"stopwords": ["a"]},
        {"stopwords": {"custom": "a"}},
        {"stemmer": "none"},
        {"stemmer": {"type": "snowball", "language": "chinese"}},
    ],
)
def test_wrong_bm25_options_are_a_value_error(options: dict[str, Any]) -> None:
    model = families.load(CATALOGUE["qdrant/bm25"], None, Devices(threads=1))
    with pytest.raises(ValueError):
        model.embed("text", "update", options)
