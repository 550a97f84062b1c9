"""Vectors: what a collection's vectors must look like, checked before the engine sees them.

The engine trusts its caller: NaN is stored, sparse vectors with repeated indices corrupt its index, and rows of
unequal length make it panic and leave the shard half written. So everything is checked here.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import qdrant_edge as edge

from clusters.node.errors import ValidationFailed, WrongInput
from clusters.node.models import m

LARGEST_VECTOR = 65536  # dimensions; Qdrant's own limit
LARGEST_SPARSE_INDEX = 2**32 - 1
LONGEST_VECTOR_NAME = 200  # bytes; the engine names folders after vectors
DEFAULT_VECTOR = ""
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class VectorSchema:
    """What one vector of a collection must be; ``size`` is in dimensions, None for sparse vectors."""

    kind: Literal["dense", "multi", "sparse"]
    size: int | None


def vector_schemas(configuration: m.CreateCollection) -> dict[str, VectorSchema]:
    """The vectors of a collection by name; the unnamed one is ``""``."""
    dense = configuration.vectors or {}
    if isinstance(dense, m.VectorParams):
        dense = {DEFAULT_VECTOR: dense}
    schemas = {
        name: VectorSchema("multi" if params.multivector_config else "dense", params.size)
        for name, params in dense.items()
    }
    return schemas | {name: VectorSchema("sparse", None) for name in configuration.sparse_vectors or {}}


def check_vector_names(names: Iterable[str]) -> None:
    """Raise ValidationFailed for a name that no folder of the engine can have, or that leads out of it."""
    for name in names:
        if len(name.encode()) > LONGEST_VECTOR_NAME:
            raise ValidationFailed("vector_name", f"must be at most {LONGEST_VECTOR_NAME} bytes")
        if "/" in name or "\0" in name:
            raise ValidationFailed("vector_name", "must not contain a slash or a zero")


def stored_vector(value: Any, schemas: Mapping[str, VectorSchema]) -> Any:
    """The engine's form of a point's vectors: one vector, or a mapping of names to vectors.

    Raises WrongInput for a vector the collection does not have or of the wrong size or kind,
    ValidationFailed for values no vector may have.
    """
    if isinstance(value, dict):
        return {name: engine_vector(item, name, schemas) for name, item in value.items()}
    return engine_vector(value, DEFAULT_VECTOR, schemas)


def engine_vector(value: Any, name: str, schemas: Mapping[str, VectorSchema]) -> Any:
    """The engine's form of one vector that is to be stored or searched under ``name``."""
    schema = schemas.get(name)
    if schema is None:
        raise WrongInput(f"Not existing vector name error: {name}")
    if isinstance(value, (m.Document, m.Image, m.InferenceObject)):
        raise WrongInput("inference objects are turned into vectors before they reach a node; this one was not")
    if isinstance(value, m.SparseVector):
        if schema.kind != "sparse":
            raise WrongInput(f"Vector {name or 'without a name'} is {schema.kind}, got a sparse vector")
        return _sparse(value)
    if schema.kind == "sparse":
        raise WrongInput(f"Vector {name} is sparse, got a dense vector")
    if isinstance(value, np.ndarray):
        return _checked_array(value, schema)
    if not value:
        raise ValidationFailed("vector", "must not be empty")
    is_matrix = isinstance(value[0], list)
    if is_matrix and schema.kind != "multi":
        raise WrongInput(f"Vector {name or 'without a name'} is dense, got a multivector")
    for row in value if is_matrix else [value]:
        _check_row(row, schema.size)
    return value if is_matrix or schema.kind == "dense" else [value]


def searched_vector(vector: Any, schema: VectorSchema) -> Any:
    """A vector read back from a point, in the form a query takes."""
    return [vector] if schema.kind == "multi" and vector and not isinstance(vector[0], list) else vector


def is_point_id(value: Any) -> bool:
    """Whether a place that takes a vector or a point id holds an id."""
    return isinstance(value, (int, str, uuid.UUID))


def _checked_array(value: np.ndarray, schema: VectorSchema) -> Any:
    """A vector of 32-bit floats that are known to be finite. The engine reads its memory faster than a list."""
    if len(value) != schema.size:
        raise _wrong_size(schema.size, len(value))
    memory = value.data
    return [memory] if schema.kind == "multi" else memory


def _wrong_size(expected: int | None, got: int) -> WrongInput:
    return WrongInput(f"Vector dimension error: expected dim: {expected}, got {got}")


def _check_row(row: list[float], size: int | None) -> None:
    if len(row) != size:
        raise _wrong_size(size, len(row))
    _check_numbers(row)


def _check_numbers(values: list[float]) -> None:
    numbers = np.asarray(values, dtype=np.float64)
    if not (np.abs(numbers) <= _FLOAT32_MAX).all():
        raise ValidationFailed("vector", "values must be finite 32-bit floats")


def _sparse(value: m.SparseVector) -> Any:
    if len(value.indices) != len(value.values):
        raise ValidationFailed("values", "must be the same length as indices")
    if len(set(value.indices)) != len(value.indices):
        raise ValidationFailed("indices", "must be unique")
    if value.indices and not (min(value.indices) >= 0 and max(value.indices) <= LARGEST_SPARSE_INDEX):
        raise ValidationFailed("indices", f"must be from 0 to {LARGEST_SPARSE_INDEX}")
    _check_numbers(value.values)
    return edge.SparseVector(value.indices, value.values)
