"""What travels between the worker and its clients: embeddings as raw numbers, errors as a code and a sentence.

Where the worker listens on a unix socket it takes the same requests over a link (``clusters.message_link``) besides,
for half the cost of HTTP: the text is the request's headers in JSON, the status HTTP's, the sentence of a refusal its
``Retry-After``.

An answer is a little-endian u32 (the length of the header), a JSON header, and raw bytes:

- dense: all vectors, float32, one after the other; ``lengths`` counts the numbers of each (they differ only when
  inputs asked for different Matryoshka sizes, and ``dimensions`` is null then);
- sparse: all indices as u32, then all values as float32; ``lengths`` counts the non-zero entries of each input;
- multi: all rows as float32; ``lengths`` counts the rows of each input.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

TRACE_HEADER = "x-request-id"  # names the request in the worker's log as in the gateway's
SECONDS_HEADER = "x-seconds-left"  # how long the caller waits for the answer

_HEADER_LENGTH = struct.Struct("<I")
_FLOAT = np.dtype("<f4")
_INDEX = np.dtype("<u4")


@dataclass(frozen=True)
class SparseEmbedding:
    """The non-zero entries of a sparse vector: ``indices`` (uint32, unique) and ``values`` (float32), equally long."""

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Embeddings:
    """The vectors of one request, in the order of its inputs.

    ``vectors``: 1-D float32 arrays (dense), ``SparseEmbedding`` (sparse) or 2-D float32 arrays, one row per token
    (multi). ``tokens``: what the model processed for each input, special tokens included; 0 for an input that
    repeats an earlier one of the request, which was processed once. So their sum is what the request cost.
    ``kept``: from and up to which character the model saw a text that is longer than its context window; None for
    inputs that it saw whole.
    """

    model: str
    vector_type: str
    vectors: list[Any]
    tokens: list[int]
    kept: list[tuple[int, int] | None]

    @property
    def truncated(self) -> list[bool]:
        return [kept is not None for kept in self.kept]


class InferenceError(Exception):
    """Why a request got no embeddings: an HTTP status, a stable code, a sentence, and seconds to wait if that helps."""

    def __init__(self, status: int, code: str, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after


def encode_embeddings(embeddings: Embeddings) -> bytes:
    """The bytes of an answer."""
    vectors = embeddings.vectors
    if embeddings.vector_type == "sparse":
        lengths = [len(vector.indices) for vector in vectors]
        arrays = [np.asarray(vector.indices, _INDEX) for vector in vectors]
        arrays += [np.asarray(vector.values, _FLOAT) for vector in vectors]
        dimensions = None
    else:
        lengths = [len(vector) for vector in vectors]
        arrays = [np.asarray(vector, _FLOAT) for vector in vectors]
        sizes = {vector.shape[-1] for vector in vectors}
        dimensions = sizes.pop() if len(sizes) == 1 else None
    header = orjson.dumps(
        {
            "model": embeddings.model,
            "vector_type": embeddings.vector_type,
            "dimensions": dimensions,
            "tokens": embeddings.tokens,
            "kept": embeddings.kept,
            "lengths": lengths,
        }
    )
    return b"".join([_HEADER_LENGTH.pack(len(header)), header, *(array.tobytes() for array in arrays)])


def decode_embeddings(body: bytes) -> Embeddings:
    """The embeddings in an answer; the arrays are read-only views of ``body``.

    Raises ``ValueError`` when ``body`` is not such an answer.
    """
    try:
        (header_length,) = _HEADER_LENGTH.unpack_from(body)
        start = _HEADER_LENGTH.size + header_length
        header = orjson.loads(body[_HEADER_LENGTH.size : start])
        return Embeddings(
            model=header["model"],
            vector_type=header["vector_type"],
            vectors=_vectors(header, memoryview(body)[start:]),
            tokens=header["tokens"],
            kept=[None if kept is None else (kept[0], kept[1]) for kept in header["kept"]],
        )
    except (struct.error, KeyError, TypeError) as error:
        raise ValueError(f"not an answer of the inference worker: {error}") from error


def _vectors(header: dict[str, Any], raw: memoryview) -> list[Any]:
    lengths = header["lengths"]
    ends = np.cumsum(lengths)[:-1]
    if header["vector_type"] == "sparse":
        half = sum(lengths) * _INDEX.itemsize
        indices = np.split(np.frombuffer(raw[:half], _INDEX), ends)
        values = np.split(np.frombuffer(raw[half:], _FLOAT), ends)
        return [SparseEmbedding(i, v) for i, v in zip(indices, values, strict=True)][: len(lengths)]
    numbers = np.frombuffer(raw, _FLOAT)
    if header["vector_type"] == "multi" and lengths:
        numbers = numbers.reshape(sum(lengths), header["dimensions"])
    return list(np.split(numbers, ends))[: len(lengths)]
