"""Recommendation by average vector, which the engine leaves to its caller."""

from typing import Any

import numpy as np
import qdrant_edge as edge


def average_vector(positives: list[Any], negatives: list[Any]) -> Any:
    """Qdrant's average-vector target: the mean of the positives, pushed away from the mean of the negatives.

    Takes engine vectors of one kind (dense lists, multivector rows or sparse vectors), at least one positive.
    """
    if isinstance(positives[0], edge.SparseVector):
        return _sparse_average(positives, negatives)
    if isinstance(positives[0][0], list):
        kept = [row for vector in positives for row in vector]
        return kept + [[-number for number in row] for vector in negatives for row in vector]
    mean = np.mean(positives, axis=0)
    return (2 * mean - np.mean(negatives, axis=0) if negatives else mean).tolist()


def _sparse_average(positives: list[Any], negatives: list[Any]) -> Any:
    positive, negative = _sparse_mean(positives), _sparse_mean(negatives)
    if not negatives:
        return edge.SparseVector(list(positive), list(positive.values()))
    weights = {i: 2 * positive.get(i, 0.0) - negative.get(i, 0.0) for i in {**positive, **negative}}
    return edge.SparseVector(list(weights), list(weights.values()))


def _sparse_mean(vectors: list[Any]) -> dict[int, float]:
    mean: dict[int, float] = {}
    for vector in vectors:
        for index, value in zip(vector.indices, vector.values, strict=True):
            mean[index] = mean.get(index, 0.0) + value / len(vectors)
    return mean
