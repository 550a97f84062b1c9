"""What the worker sends is what its clients receive."""

from typing import Any

import numpy as np
import pytest

from inference.worker.protocol import Embeddings, SparseEmbedding, decode_embeddings, encode_embeddings


def _floats(*shape: int) -> Any:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("vector_type", "vectors"),
    [
        ("dense", [_floats(384), _floats(384)]),
        ("dense", [_floats(1024), _floats(64), _floats(1)]),
        ("multi", [_floats(5, 96), _floats(1, 96), _floats(0, 96)]),
        ("multi", [_floats(0, 96)]),
        ("dense", []),
        ("sparse", []),
        ("multi", []),
    ],
)
def test_dense_and_multi_vectors_arrive_unchanged(vector_type: str, vectors: list[Any]) -> None:
    count = len(vectors)
    sent = Embeddings("some/model", vector_type, vectors, list(range(count)), [(0, n) for n in range(count)])
    received = decode_embeddings(encode_embeddings(sent))
    assert (received.model, received.vector_type) == ("some/model", vector_type)
    assert (received.tokens, received.kept) == (sent.tokens, sent.kept)
    assert [vector.shape for vector in received.vectors] == [vector.shape for vector in vectors]
    for got, wanted in zip(received.vectors, vectors, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_sparse_vectors_arrive_unchanged_even_when_some_are_empty() -> None:
    largest = np.iinfo(np.uint32).max
    pairs = [([7, largest], [0.5, -1.0]), ([], []), ([0], [3.0])]
    vectors = [SparseEmbedding(np.array(i, np.uint32), np.array(v, np.float32)) for i, v in pairs]
    received = decode_embeddings(encode_embeddings(Embeddings("m", "sparse", vectors, [1, 0, 1], [None] * 3)))
    assert [(v.indices.tolist(), v.values.tolist()) for v in received.vectors] == pairs


@pytest.mark.parametrize("body", [b"", b"\x01", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}", b"<html></html>"])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_embeddings(body)
