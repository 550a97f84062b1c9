"""Before a model runs: does the collection exist, and will it take the vectors?"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson

from gateway.embedding import ModelCall
from gateway.errors import Refused, sentence_in
from gateway.records import ClusterRecord
from gateway.upstream import Upstreams
from inference.client import Kind

# Size of each dense vector by name ("" for the unnamed one); None for sparse ones.
Sizes = dict[str, int | None]

_MOST_CLUSTERS = 1000
_MOST_COLLECTIONS = 100  # of one cluster


class CollectionCheck:
    """Remembers the collections that searches asked for, so that the next search need not ask first.

    What it remembers may be out of date: a search that does not fit any more is refused by the cluster then, and
    ``forget`` has the next one ask.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._known: OrderedDict[UUID, dict[str, Sizes]] = OrderedDict()

    async def check(self, cluster: ClusterRecord, collection: str, calls: Iterable[ModelCall], kind: Kind) -> None:
        """Hold the vectors to come against ``collection`` (percent-encoded), and ask the cluster for it if need be.

        Raises Refused: the cluster's own answer when there is no such collection, 400 when a vector would not fit.
        """
        sizes = await self._ask(cluster, collection)
        for call in calls:
            _check_call(call, sizes, kind)
        if kind == "search":
            self._remember(cluster.id, collection, sizes)

    def fits(self, cluster: ClusterRecord, collection: str, calls: Iterable[ModelCall]) -> bool:
        """Whether the vectors of a search would fit the collection as it was when it was asked for."""
        sizes = self._known.get(cluster.id, {}).get(collection)
        if sizes is None:
            return False
        try:
            for call in calls:
                _check_call(call, sizes, "search")
        except Refused:
            return False
        return True

    def forget(self, cluster_id: UUID) -> None:
        """Have the next search of each of the cluster's collections ask."""
        self._known.pop(cluster_id, None)

    def _remember(self, cluster_id: UUID, collection: str, sizes: Sizes) -> None:
        of_cluster = self._known.setdefault(cluster_id, {})
        if len(of_cluster) >= _MOST_COLLECTIONS:
            of_cluster.clear()
        of_cluster[collection] = sizes
        while len(self._known) > _MOST_CLUSTERS:
            self._known.popitem(last=False)

    async def _ask(self, cluster: ClusterRecord, collection: str) -> Sizes:
        answer = await self._upstreams.fetch(cluster, f"/collections/{collection}")
        if not answer.ok:
            sentence = sentence_in(answer.body) or f"The collection cannot be read (status {answer.status})."
            raise Refused(answer.status, sentence, retry_after=1 if answer.status == 503 else None)
        return _vector_sizes(orjson.loads(answer.body)["result"]["config"]["params"])


def _vector_sizes(parameters: dict[str, Any]) -> Sizes:
    vectors = parameters.get("vectors") or {}
    if isinstance(vectors.get("size"), int):
        vectors = {"": vectors}
    sizes: Sizes = {name: facts["size"] for name, facts in vectors.items()}
    return sizes | dict.fromkeys(parameters.get("sparse_vectors") or {})


def _check_call(call: ModelCall, sizes: Sizes, kind: Kind) -> None:
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
