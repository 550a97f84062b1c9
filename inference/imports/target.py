"""The collection that an import fills: whether it takes the model's vectors, and making one that does."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cloudconsole.errors import Code, ServiceError
from clusters.rules.access import COLLECTION_NAME
from inference.catalogue import ModelSpec

SPARSE_NAME = "words"  # sparse vectors always have a name; the one that the programs to copy use


@dataclass(frozen=True)
class Target:
    """``vector`` is the name of the vector to fill, empty for the unnamed one; not ``there`` yet: to be made."""

    there: bool
    vector: str


def collections_of(data_plane: httpx.Client) -> list[str]:
    """Names of the cluster's collections. Raises ServiceError UNAVAILABLE with the data plane's sentence."""
    answer = _ask(data_plane, "GET", "/collections")
    return sorted(one["name"] for one in answer.json()["result"]["collections"])


def find_target(data_plane: httpx.Client, *, collection: str, spec: ModelSpec, vector: str = "") -> Target:
    """Where the model's vectors go. ``vector`` chooses one of several that would take them.

    Raises ServiceError: INVALID_ARGUMENT with the field at fault, UNAVAILABLE when the data plane does not answer.
    """
    if not COLLECTION_NAME.fullmatch(collection):
        sentence = "Names of collections have letters, digits, “-”, “_” and “.”, 255 of them at most."
        raise ServiceError(Code.INVALID_ARGUMENT, sentence, "collection")
    answer = _ask(data_plane, "GET", _path(collection), missing=404)
    if answer.status_code == 404:
        return Target(False, vector or (SPARSE_NAME if spec.vector_type == "sparse" else ""))
    fitting = _fitting(answer.json()["result"]["config"]["params"], spec)
    if not fitting:
        raise ServiceError(
            Code.INVALID_ARGUMENT,
            f"Collection {collection} has no vector that {spec.title} could fill: it makes {_described(spec)}. "
            "Choose another collection, or the name of a new one.",
            "collection",
        )
    if vector in fitting:
        return Target(True, vector)
    if vector or len(fitting) > 1:
        names = ", ".join(name or "(the unnamed one)" for name in fitting)
        raise ServiceError(Code.INVALID_ARGUMENT, f"Choose one of the vectors that fit: {names}.", "vector")
    return Target(True, fitting[0])


def make_collection(data_plane: httpx.Client, *, collection: str, spec: ModelSpec, vector: str) -> None:
    """A collection of the model's size and distance; one that is there already is left alone. Raises ServiceError."""
    _ask(data_plane, "PUT", _path(collection), missing=409, json=_parameters(spec, vector))


def points_path(collection: str) -> str:
    """Where points are put."""
    return f"{_path(collection)}/points"


def _path(collection: str) -> str:
    return f"/collections/{quote(collection, safe='')}"


def _parameters(spec: ModelSpec, vector: str) -> dict[str, Any]:
    if spec.vector_type == "sparse":
        # BM25 leaves the rarity of a word to the collection; learned sparse models have it in their weights.
        bm25 = spec.weights is not None and spec.weights.family == "bm25"
        return {"sparse_vectors": {vector: {"modifier": "idf" if bm25 else "none"}}}
    facts: dict[str, Any] = {"size": spec.dimensions, "distance": "Cosine"}
    if spec.vector_type == "multi":
        facts["multivector_config"] = {"comparator": "max_sim"}
    return {"vectors": {vector: facts} if vector else facts}


def _fitting(parameters: dict[str, Any], spec: ModelSpec) -> list[str]:
    if spec.vector_type == "sparse":
        return list(parameters.get("sparse_vectors") or {})
    vectors = parameters.get("vectors") or {}
    if isinstance(vectors.get("size"), int):
        vectors = {"": vectors}
    multi = spec.vector_type == "multi"
    return [
        name
        for name, facts in vectors.items()
        if facts["size"] == spec.dimensions and bool(facts.get("multivector_config")) == multi
    ]


def _described(spec: ModelSpec) -> str:
    kinds = {"dense": "dense vectors", "multi": "several vectors for each text", "sparse": "sparse vectors"}
    return kinds[spec.vector_type] + (f" of {spec.dimensions} dimensions" if spec.dimensions else "")


def _ask(data_plane: httpx.Client, method: str, path: str, *, missing: int | None = None, **content: Any) -> Any:
    try:
        answer = data_plane.request(method, path, **content)
    except httpx.HTTPError as error:
        sentence = f"The gateway does not answer ({error or type(error).__name__}). Try again in a moment."
        raise ServiceError(Code.UNAVAILABLE, sentence) from error
    if answer.status_code not in (200, missing):
        raise ServiceError(Code.UNAVAILABLE, sentence_of(answer))
    return answer


def sentence_of(answer: httpx.Response) -> str:
    """What the data plane says about a request that it refused."""
    try:
        return str(answer.json()["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return f"The data plane answered {answer.status_code}."
