"""Trying models out: texts and images through the cluster's data plane, and how alike their vectors are."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from clusters.data_plane import open_data_plane
from clusters.models import Cluster
from inference.catalogue import CATALOGUE, ModelSpec
from inference.queries import OfferedModel

TIMEOUT_SECONDS = 60
SHOWN_NUMBERS = 8


@dataclass(frozen=True)
class Input:
    """Something to embed. ``data`` is the text, or an image's file in base64."""

    label: str
    data_type: str  # "text" or "image"
    data: str


@dataclass(frozen=True)
class TriedInput:
    """What a model made of one input: ``tokens`` it processed, its vector, and where a text was cut.

    ``kept``: from and up to which character the model saw the text (``label``); None for all of it.
    """

    label: str
    tokens: int
    kept: tuple[int, int] | None
    vector: Any

    @property
    def cut(self) -> list[tuple[bool, str]]:
        """The text in pieces, each with whether the model saw it; none for an input that it saw whole."""
        if self.kept is None:
            return []
        start, end = self.kept
        pieces = [(False, self.label[:start]), (True, self.label[start:end]), (False, self.label[end:])]
        return [(seen, piece) for seen, piece in pieces if piece]

    @property
    def first_numbers(self) -> str:
        """The vector's beginning as people write it; of several vectors the first one's."""
        if isinstance(self.vector, dict):
            pairs = zip(self.vector["indices"], self.vector["values"], strict=True)
            return ", ".join(f"{index}: {value:.4f}" for index, value in list(pairs)[:SHOWN_NUMBERS])
        numbers = self.vector[0] if isinstance(self.vector[0], list) else self.vector
        return ", ".join(f"{number:.4f}" for number in numbers[:SHOWN_NUMBERS])

    @property
    def size(self) -> str:
        if isinstance(self.vector, dict):
            return f"{len(self.vector['indices'])} not zero"
        if isinstance(self.vector[0], list):
            return f"{len(self.vector)} × {len(self.vector[0])}"
        return str(len(self.vector))


@dataclass(frozen=True)
class Tried:
    """One model's answer; ``refusal`` is the data plane's sentence when there is none."""

    model: OfferedModel
    milliseconds: float = 0
    inputs: tuple[TriedInput, ...] = ()
    refusal: str | None = None

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.inputs)

    @property
    def list_cost_millicents(self) -> Decimal:
        """At the list price, before any free allowance."""
        return Decimal(self.tokens) * self.model.price_millicents_per_million / 1_000_000


@dataclass(frozen=True)
class Resemblance:
    """How alike the inputs are to models that share a space: rows of (label, cells) with values from -1 to 1."""

    title: str
    labels: list[str]
    rows: list[tuple[str, list[float]]]


def try_model(*, cluster: Cluster, model: OfferedModel, inputs: Sequence[Input], kind: str) -> Tried:
    """Embed the inputs that the model takes, as ``kind`` ("update" or "search"). Billed like any other request."""
    wanted = [one for one in inputs if one.data_type == model.spec.modality]
    request = {
        "inputs": [{"data": one.data, "data_type": one.data_type, "model": model.spec.name} for one in wanted],
        "inference": kind,
    }
    begun = time.perf_counter()
    try:
        with open_data_plane(cluster, timeout_seconds=TIMEOUT_SECONDS) as data_plane:
            token = data_plane.headers["api-key"]
            answer = data_plane.post("/inference", json=request | {"token": token})
    except httpx.HTTPError as error:
        return Tried(model, refusal=f"The gateway does not answer: {error or type(error).__name__}.")
    milliseconds = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        return Tried(model, refusal=answer.json()["error"])
    found = answer.json()
    tried = [
        TriedInput(one.label, facts["tokens"], facts.get("kept"), vector)
        for one, facts, vector in zip(wanted, found["inputs"], found["embeddings"], strict=True)
    ]
    return Tried(model, milliseconds, tuple(tried))


def resemblances(tried: Sequence[Tried]) -> list[Resemblance]:
    """One table for each space with two inputs or more; a text model that finds images shares theirs."""
    spaces: dict[str, list[Tried]] = {}
    for one in tried:
        if one.inputs:
            spaces.setdefault(one.model.spec.images_by or one.model.spec.name, []).append(one)
    return [_resemblance(together) for together in spaces.values() if sum(len(one.inputs) for one in together) > 1]


def _resemblance(together: Sequence[Tried]) -> Resemblance:
    inputs = [one for tried in together for one in tried.inputs]
    labels = [one.label for one in inputs]
    spec = together[0].model.spec
    rows = [(one.label, [_similarity(spec, one.vector, other.vector) for other in inputs]) for one in inputs]
    return Resemblance(" and ".join(tried.model.spec.title for tried in together), labels, rows)


def _similarity(spec: ModelSpec, one: Any, other: Any) -> float:
    """Cosine; of several vectors the mean over ``one``'s of the most similar one of ``other`` (MaxSim)."""
    if spec.vector_type == "sparse":
        left, right = (dict(zip(v["indices"], v["values"], strict=True)) for v in (one, other))
        product = sum(value * right.get(index, 0.0) for index, value in left.items())
        return _ratio(product, np.linalg.norm(list(left.values())) * np.linalg.norm(list(right.values())))
    left_rows, right_rows = _unit_rows(one), _unit_rows(other)
    return float((left_rows @ right_rows.T).max(axis=1).mean())


def _unit_rows(vector: Any) -> NDArray[np.float64]:
    rows = np.atleast_2d(np.asarray(vector, np.float64))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def _ratio(product: float, lengths: np.floating[Any]) -> float:
    return float(product / lengths) if lengths else 0.0


def models_to_try() -> list[str]:
    """Names of the models that run here; others need a key of their provider's."""
    return [spec.name for spec in CATALOGUE.values() if not spec.is_external]
