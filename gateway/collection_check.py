"""Before a model runs: does the collection exist, and will it take the vectors?"""

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.embedding import ModelCall
from gateway.errors import Refused, sentence_in
from gateway.records import ClusterRecord
from gateway.upstream import Upstreams
from inference.client import Kind


async def check_collection(
    upstreams: Upstreams, cluster: ClusterRecord, collection: str, calls: Iterable[ModelCall], kind: Kind
) -> None:
    """Ask the cluster for ``collection`` (percent-encoded) and hold the vectors to come against it.

    Raises Refused: the cluster's own answer when there is no such collection, 400 when a vector would not fit.
    """
    answer = await upstreams.fetch(cluster, f"/collections/{collection}")
    if not answer.ok:
        sentence = sentence_in(answer.body) or f"The collection cannot be read (status {answer.status})."
        raise Refused(answer.status, sentence, retry_after=1 if answer.status == 503 else None)
    parameters: dict[str, Any] = orjson.loads(answer.body)["result"]["config"]["params"]
    sizes = _vector_sizes(parameters)
    for call in calls:
        _check_call(call, sizes, kind)


def _vector_sizes(parameters: dict[str, Any]) -> dict[str, int | None]:
    """Size of each dense vector by name (``""`` for the unnamed one); None for sparse ones."""
    vectors = parameters.get("vectors") or {}
    if isinstance(vectors.get("size"), int):
        vectors = {"": vectors}
    sizes: dict[str, int | None] = {name: facts["size"] for name, facts in vectors.items()}
    return sizes | dict.fromkeys(parameters.get("sparse_vectors") or {})


def _check_call(call: ModelCall, sizes: dict[str, int | None], kind: Kind) -> None:
    for one, slots in zip(call.inputs, call.slots, strict=True):
        got = _dimensions(call, one)
        for slot in slots:
            name = slot.vector_name
            if call.spec.vector_type == "sparse" and not name and kind == "update":
                raise Refused(400, f"Bad request: Sparse vector from {_word(one)} inference must be named")
            if name not in sizes:
                raise Refused(400, f"Wrong input: Not existing vector name error: {name}")
            expected = sizes[name]
            if expected is not None and got is not None and expected != got:
                raise Refused(
                    400,
                    f"Wrong input: Vector dimension error: expected dim: {expected}, got {got}. "
                    f"Model {call.name} makes vectors of size {got}; use it with a collection of that size.",
                )


def _dimensions(call: ModelCall, one: dict[str, Any]) -> int | None:
    """The size of the vector that the model will make of this input, if it is known beforehand."""
    if call.spec.vector_type == "sparse":
        return None
    options = one["options"] or {}
    if call.spec.is_external:
        size = options.get("dimensions", options.get("output_dimension"))
        return size if type(size) is int else None
    size = options.get("mrl")
    return size if call.spec.matryoshka and type(size) is int else call.spec.dimensions


def _word(one: dict[str, Any]) -> str:
    return {"text": "document"}.get(one["data_type"], one["data_type"])
