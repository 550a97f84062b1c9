"""Token counts are exact, and cutting long texts short first changes no token."""

import asyncio
import random
import string
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from inference.catalogue import CATALOGUE, Prefixes
from inference.worker.embedding import Embedder
from inference.worker.families.tokens import MOST_CHARACTERS, WindowTokenizer
from inference.worker.weights import WeightStore
from tests.inference.conftest import MINILM, text_inputs
from tests.inference.embedders import running_embedder

ODD = [
    "",
    " ",
    "\t\n\r\x0b\x00\x01\x7f\u200b\ufeff",
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
    "深度学习模型的向量检索",
    "ベクトル検索エンジン",
    "البحث المتجهي في النصوص",
    "חיפוש וקטורי\u200f",
    "é́̂e\u0301\u0302 ﬁ ﷺ ẞ İ Σίσυφος",
    "ไม่มีช่องว่างระหว่างคำ",
    "supercalifragilisticexpialidocious" * 5,
    "don't-stop_me now!!! #1 (really?)",
    "a" * 120,
    "1,234.56e-7",
]
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)
pieces = st.one_of(st.sampled_from(ODD), texts, st.text(alphabet="ab cd,.-\n", max_size=60))
# Joined with and without spaces, and repeated up to 100 kB.
long_texts = st.builds(
    lambda parts, glue, times: (glue.join(parts) * times)[:100_000],
    st.lists(pieces, min_size=1, max_size=12),
    st.sampled_from([" ", "", "\n", ", "]),
    st.sampled_from([1, 2, 20, 1000]),
)
slow = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def _byte_level() -> Tokenizer:
    """As CLIP's: byte pairs over words found by a pattern."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(ODD * 3, trainer)
    return tokenizer


def _unigram() -> Tokenizer:
    """As multilingual E5's: pieces of words that begin with a mark."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" " * 2, " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(ODD * 3, trainers.UnigramTrainer(vocab_size=300, unk_token="<unk>"))
    return tokenizer


@pytest.fixture(scope="module")
def word_pieces(minilm_folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(minilm_folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module", params=["word pieces", "byte level", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    makers: dict[str, Callable[[], Tokenizer]] = {
        "word pieces": lambda: request.getfixturevalue("word_pieces"),
        "byte level": _byte_level,
        "unigram": _unigram,
    }
    return makers[request.param]()


@slow
@given(texts=st.lists(long_texts, min_size=1, max_size=3))
def test_the_window_shows_the_first_tokens_of_the_whole_text(tokenizer: Tokenizer, texts: list[str]) -> None:
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.no_truncation()
    window = 16
    cut = Tokenizer.from_str(tokenizer.to_str())
    special = whole.num_special_tokens_to_add(is_pair=False)
    encodings = WindowTokenizer(cut, window).encode(texts)
    for text, encoding in zip(texts, encodings, strict=True):
        plain = whole.encode(text, add_special_tokens=False)
        content = [i for i, mask in zip(encoding.ids, encoding.special_tokens_mask, strict=True) if not mask]
        assert content == plain.ids[: window - special]
        assert bool(encoding.overflowing) == (len(plain.ids) > window - special)


@settings(slow, max_examples=15)
@given(texts=st.lists(long_texts, min_size=1, max_size=4), kind=st.sampled_from(["search", "update"]))
def test_a_batch_is_counted_as_the_tokenizer_counts_each_text(
    minilm: Any, word_pieces: Tokenizer, texts: list[str], kind: str
) -> None:
    tokenized = minilm.tokenize(texts, kind)
    _, tokens = minilm.run(tokenized, kind)
    expected = [len(word_pieces.encode(text).ids) for text in texts]
    assert tokens == [min(count, 256) for count in expected]
    assert [text.kept is not None for text in tokenized] == [count > 256 for count in expected]


def test_a_text_without_any_end_of_a_word_is_still_counted_exactly(minilm: Any, word_pieces: Tokenizer) -> None:
    endless = "x" * 50_000
    assert minilm.tokenize([endless], "update")[0].ids == word_pieces.encode(endless).ids


@settings(slow, max_examples=30)
@given(text=long_texts)
def test_what_is_kept_of_a_text_has_every_token_that_the_model_saw(minilm: Any, text: str) -> None:
    [whole] = minilm.tokenize([text], "update")
    if whole.kept is not None:
        start, end = whole.kept
        [kept] = minilm.tokenize([text[:end]], "update")
        assert (start, kept.ids[:-1]) == (0, whole.ids[:-1])


def test_the_place_of_a_cut_is_counted_in_the_text_as_it_was_sent(minilm: Any) -> None:
    words = ["naïve", "日本", "🍪", "don't", "flour\u200b"]
    text = "  \n" + " ".join(words * 100)
    [cut] = minilm.tokenize([text], "update")
    assert cut.kept is not None
    [kept] = minilm.tokenize([text[: cut.kept[1]]], "update")
    assert (kept.kept, kept.ids) == (None, cut.ids)


def test_the_prefix_that_a_model_wants_is_not_of_the_text(minilm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "word " * 300
    [plain] = minilm.tokenize([text], "search")
    monkeypatch.setattr(minilm, "spec", replace(minilm.spec, prefixes=Prefixes(query="query: ", passage="")))
    [prefixed] = minilm.tokenize([text], "search")
    assert plain.kept == (0, 254 * 5 - 1)
    assert prefixed.kept == (0, 252 * 5 - 1)


def test_where_the_front_is_cut_off_the_end_is_kept(word_pieces: Tokenizer) -> None:
    tokenizer = Tokenizer.from_str(word_pieces.to_str())
    tokenizer.enable_truncation(max_length=5, direction="left")
    windowed = WindowTokenizer(tokenizer, 256)
    for text in ("one two three four five", "one " * MOST_CHARACTERS + "three four five"):
        [encoding] = windowed.encode([text])
        kept = windowed.kept(text, encoding)
        assert kept is not None
        assert text[slice(*kept)] == "three four five"


def test_a_narrower_window_in_the_tokenizer_is_kept(word_pieces: Tokenizer) -> None:
    tokenizer = Tokenizer.from_str(word_pieces.to_str())
    tokenizer.enable_truncation(max_length=8)
    assert len(WindowTokenizer(tokenizer, 256).encode(["one two three four five six seven"])[0].ids) == 8


def test_where_the_front_is_cut_off_the_end_of_the_text_is_shown(word_pieces: Tokenizer) -> None:
    tokenizer = Tokenizer.from_str(word_pieces.to_str())
    tokenizer.enable_truncation(max_length=8, direction="left")
    text = "word " * 5000 + "the very end"
    assert WindowTokenizer(tokenizer, 256).encode([text])[0].tokens[-4:-1] == ["the", "very", "end"]


def test_a_word_without_end_is_cut_where_reading_ends(minilm: Any) -> None:
    begun = time.process_time()
    [text] = minilm.tokenize(["x" * 10_000_000], "update")
    assert time.process_time() - begun < 5  # reading all of it takes fourteen seconds on the slowest machine at hand
    assert (len(text.ids), text.kept) == (3, (0, MOST_CHARACTERS))
    assert minilm.tokenize(["x" * MOST_CHARACTERS], "update")[0].kept is None


class TestAThousandTexts:
    """The same texts in batches of many compositions: what each counts and becomes is always the same."""

    def texts(self, longest: int) -> list[str]:
        chance = random.Random(7)
        alphabets = ["abc de", "深度学习 ", "אבגד ", "👍🏽🇩🇪é ", "\x00\x07\u200b a", "ส วั", string.printable]
        made = [
            "".join(chance.choices(chance.choice(alphabets), k=chance.randint(0, chance.choice([12, longest]))))
            for _ in range(990)
        ]
        return [*made, *ODD[:5], *("".join(chance.choices(string.printable, k=100_000)) for _ in range(5))]

    async def embed(self, embedder: Embedder, name: str, texts: list[str], kind: str, seed: int) -> dict[str, Any]:
        """Vector and tokens by text, asked for in requests of random sizes at the same time."""
        chance = random.Random(seed)
        shuffled = chance.sample(texts, len(texts))
        requests = []
        while shuffled:
            size = chance.choice([1, 3, 40, 200])
            requests.append(shuffled[:size])
            shuffled = shuffled[size:]
        answers = await asyncio.gather(*(embedder.embed(name, kind, text_inputs(*texts)) for texts in requests))
        return {
            text: (vector, tokens)
            for texts, answer in zip(requests, answers, strict=True)
            for text, vector, tokens in zip(texts, answer.vectors, answer.tokens, strict=True)
        }

    @pytest.mark.parametrize(
        ("name", "longest"), [(MINILM.name, 40), ("intfloat/multilingual-e5-small", 3000)], ids=["MiniLM", "tiny"]
    )
    def test_every_composition_gives_the_tokenizers_counts_and_the_same_vectors(
        self,
        minilm_folder: Path,
        tiny_models_dir: Path,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        longest: int,
    ) -> None:
        monkeypatch.setattr("inference.worker.queues.MOST_WAITING", {"search": 10_000, "update": 10_000})
        texts = sorted(set(self.texts(longest)))
        assert len(texts) > 900
        if name == MINILM.name:  # a real model takes its time
            texts = texts[::4]
        store = WeightStore(django_settings.INFERENCE_CACHE_DIR, tiny_models_dir, offline=True)
        spec = CATALOGUE[name]

        async def compositions() -> list[dict[str, Any]]:
            async with running_embedder(store, [spec]) as embedder:
                return [await self.embed(embedder, name, texts, "update", seed) for seed in (1, 2)]

        one, other = asyncio.run(compositions())
        folder = store.find(spec)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(min(spec.context_window, 256 if name == MINILM.name else 64))
        prefix = spec.prefixes.passage
        for text in texts:
            expected = len(tokenizer.encode(text if text.startswith(prefix) else prefix + text).ids)
            # An equal list of tokens in the same request is computed and counted once.
            assert {one[text][1], other[text][1]} <= {expected, 0}
            np.testing.assert_allclose(one[text][0], other[text][0], atol=1e-5)
