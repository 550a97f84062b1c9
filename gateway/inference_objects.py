"""Finding the inference objects of a REST request: every place where a vector may stand, and no other.

The places and the order in which alternatives are tried are those of Qdrant's REST schema (``lib/api/src/rest``):
right under ``vector`` and ``vectors`` every key is a vector's name, and nothing in payloads or filters is ever an
inference object. What does not look like a request at all is left for the cluster to refuse in its own words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.errors import Refused
from inference.client import SparseEmbedding

# Everything behind the context window is cut off, so a longer text is a mistake that would only cost memory.
LONGEST_TEXT = 1_000_000  # characters

DataType = Literal["text", "image", "object"]
_NAMES: dict[DataType, str] = {"text": "Document", "image": "Image", "object": "Object"}


@dataclass(frozen=True, slots=True)
class InferenceObject:
    """What stands in place of a vector: text, image (URL, base64 or data URL) or anything, and who embeds it."""

    data_type: DataType
    data: Any
    model: str
    options: dict[str, Any] | None = field(repr=False)  # a provider's key may be among them


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a parsed request where an inference object stands and its vector will.

    ``vector_name`` is the collection's vector it is stored in or compared with, ``""`` for the unnamed one.
    """

    object: InferenceObject
    vector_name: str
    holder: Any = field(repr=False)
    key: str | int

    def put(self, vector: Any) -> None:
        """Write the embedding in place, as Qdrant's JSON has it (arrays are serialised as lists)."""
        if isinstance(vector, SparseEmbedding):
            vector = {"indices": vector.indices, "values": vector.values}
        self.holder[self.key] = vector


Slots = Iterator[Slot]


def upsert_slots(body: Any, place: str = "") -> Slots:
    """The list form ``{"points": […]}`` and the batch form ``{"batch": {"ids", "vectors", "payloads"}}``."""
    for point, at in _items(_get(body, "points"), f"{place}points"):
        yield from _point_slots(point, at)
    vectors, at = _get(_get(body, "batch"), "vectors"), f"{place}batch.vectors"
    for vector, _ in _items(vectors, at):
        if _is_inference_object(vector):
            raise Refused(
                400,
                f"Direct {_kind_of(vector, at)} processing is not supported in top-level batch vectors. "
                "Use named vectors.",
            )
    if isinstance(vectors, dict):
        for name, column in vectors.items():
            for index, (_, where) in enumerate(_items(column, f"{at}.{name}")):
                yield from _slot(column, index, name, where)


def update_vectors_slots(body: Any, place: str = "") -> Slots:
    """``PUT points/vectors``: named vectors only."""
    for point, at in _items(_get(body, "points"), f"{place}points"):
        vector = _get(point, "vector")
        if _is_inference_object(vector):
            raise Refused(
                400,
                f"Direct {_kind_of(vector, at)} processing not supported for PointVectors. Use named vectors.",
            )
        yield from _point_slots(point, at)


def batch_update_slots(body: Any) -> Slots:
    """``POST points/batch``: the operations that bring vectors."""
    for operation, at in _items(_get(body, "operations"), "operations"):
        yield from upsert_slots(_get(operation, "upsert"), f"{at}.upsert.")
        yield from update_vectors_slots(_get(operation, "update_vectors"), f"{at}.update_vectors.")


def query_slots(body: Any, place: str = "") -> Slots:
    """A query and its prefetches, however deep."""
    waiting = [(body, place)]
    while waiting:
        request, at = waiting.pop()
        if not isinstance(request, dict):
            continue
        using = request.get("using")
        yield from _query_slots(request, using if isinstance(using, str) else "", f"{at}query")
        waiting += [(one, f"{where}.") for one, where in _one_or_many(request.get("prefetch"), f"{at}prefetch")]


def query_batch_slots(body: Any) -> Slots:
    """``POST points/query/batch``."""
    for search, at in _items(_get(body, "searches"), "searches"):
        yield from query_slots(search, f"{at}.")


def _point_slots(point: Any, at: str) -> Slots:
    vector = _get(point, "vector")
    if _is_inference_object(vector):
        yield from _slot(point, "vector", "", f"{at}.vector")
    elif isinstance(vector, dict):
        for name in vector:
            yield from _slot(vector, name, name, f"{at}.vector.{name}")


def _query_slots(request: dict[str, Any], name: str, at: str) -> Slots:
    query = request.get("query")
    if _is_inference_object(query):
        yield from _slot(request, "query", name, at)
    elif isinstance(query, dict):
        variant = next((variant for variant in _QUERY_VARIANTS if variant in query), None)
        if variant is not None:
            yield from _QUERY_VARIANTS[variant](query, name, f"{at}.{variant}")


def _nearest_slots(query: dict[str, Any], name: str, at: str) -> Slots:
    yield from _slot(query, "nearest", name, at)


def _recommend_slots(query: dict[str, Any], name: str, at: str) -> Slots:
    for side in ("positive", "negative"):
        examples = _get(query["recommend"], side)
        for index, (_, where) in enumerate(_items(examples, f"{at}.{side}")):
            yield from _slot(examples, index, name, where)


def _discover_slots(query: dict[str, Any], name: str, at: str) -> Slots:
    yield from _slot(query["discover"], "target", name, f"{at}.target")
    yield from _pair_slots(_get(query["discover"], "context"), name, f"{at}.context")


def _context_slots(query: dict[str, Any], name: str, at: str) -> Slots:
    yield from _pair_slots(query["context"], name, at)


def _feedback_slots(query: dict[str, Any], name: str, at: str) -> Slots:
    feedback = query["relevance_feedback"]
    yield from _slot(feedback, "target", name, f"{at}.target")
    for item, where in _items(_get(feedback, "feedback"), f"{at}.feedback"):
        yield from _slot(item, "example", name, f"{where}.example")


def _pair_slots(pairs: Any, name: str, at: str) -> Slots:
    for pair, where in _one_or_many(pairs, at):
        for side in ("positive", "negative"):
            yield from _slot(pair, side, name, f"{where}.{side}")


_QUERY_VARIANTS: dict[str, Callable[[dict[str, Any], str, str], Slots]] = {
    "nearest": _nearest_slots,
    "recommend": _recommend_slots,
    "discover": _discover_slots,
    "context": _context_slots,
    "relevance_feedback": _feedback_slots,
}


def _slot(holder: Any, key: str | int, vector_name: str, at: str) -> Slots:
    value = holder[key] if isinstance(key, int) else _get(holder, key)
    if _is_inference_object(value):
        yield Slot(_parse(value, at), vector_name, holder, key)


def _is_inference_object(value: Any) -> bool:
    """An object with a model's name. A sparse vector stays one, whatever else it carries."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("model"), str)
        and not ("indices" in value and "values" in value)
    )


def _kind_of(value: dict[str, Any], at: str) -> str:
    return _NAMES[_parse(value, at).data_type]


def _parse(value: dict[str, Any], at: str) -> InferenceObject:
    options = value.get("options")
    if not isinstance(options, dict | None):
        raise Refused(400, f"Format error in JSON body: {at}.options must be an object")
    text = value.get("text")
    if isinstance(text, str):
        check_length(text, f"{at}.text")
        return InferenceObject("text", text, value["model"], options)
    if "image" in value:
        return InferenceObject("image", value["image"], value["model"], options)
    if "object" in value:
        return InferenceObject("object", value["object"], value["model"], options)
    problem = "text must be a string" if "text" in value else "one of the fields text, image and object is missing"
    raise Refused(400, f"Format error in JSON body: {at}: {problem}")


def check_length(text: str, at: str) -> None:
    """Raises Refused when a text is too long to be embedded; ``at`` says where it stands."""
    if len(text) > LONGEST_TEXT:
        sentence = f"{at} has {len(text)} characters; at most {LONGEST_TEXT} are allowed. Split it."
        raise Refused(400, f"Bad request: {sentence}")


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _items(value: Any, at: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, f"{at}[{index}]"


def _one_or_many(value: Any, at: str) -> Iterator[tuple[Any, str]]:
    return _items(value, at) if isinstance(value, list) else iter([(value, at)])
