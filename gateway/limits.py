"""What one key may ask for at once. What is too much is refused before anything is done for it."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from gateway.embedding import ModelCall
from gateway.errors import Refused
from gateway.operations import BY_GRPC_PATH

_MAX_KEYS = 10_000
_SPECIAL_TOKENS = 2  # those that a tokenizer puts around a text
_POINTS_WITH_VECTORS = {"upsert_points", "update_vectors"}
_POINTS_BY_ID = {
    "delete_points",
    "get_points",
    "delete_vectors",
    "set_payload",
    "overwrite_payload",
    "delete_payload",
    "clear_payload",
    "batch_update",
}


@dataclass(frozen=True)
class Limits:
    """Per request: points, distinct inputs and tokens to embed. Per key: requests at once, and each second."""

    points: int
    inputs: int
    tokens: int
    concurrent: int
    per_second: float

    def check_points(self, number: int) -> None:
        """Raises Refused 413."""
        if number > self.points:
            raise Refused(
                413,
                f"Payload error: the request names {number} points, more than the {self.points} allowed at once. "
                f"Send batches of at most {self.points} points.",
            )

    def check_body(self, operation: str, body: bytes) -> None:
        """Raises Refused 413 when a REST body names too many points. Parses only what may."""
        if self._may_have_too_many(operation, body):
            try:
                self.check_points(_points_in(orjson.loads(body)))
            except orjson.JSONDecodeError:
                return  # the cluster says what is wrong with it

    def may_be_too_many(self, grpc_path: str, message: bytes) -> bool:
        """Whether a gRPC message is long enough to name too many points, by a method that names any."""
        operation = BY_GRPC_PATH.get(grpc_path)
        return len(message) > 2 * self.points and operation is not None and self.counts_points_of(operation.name)

    def counts_points_of(self, operation: str) -> bool:
        """Whether requests for this operation name points, one by one."""
        return operation in _POINTS_BY_ID or operation in _POINTS_WITH_VECTORS

    def check_inference(self, calls: Iterable[ModelCall]) -> None:
        """Raises Refused 413 for too many inputs, or texts that may come to too many tokens."""
        calls = list(calls)
        inputs = sum(len(call.inputs) for call in calls)
        if inputs > self.inputs:
            raise Refused(
                413,
                f"Payload error: the request has {inputs} inputs to embed, more than the {self.inputs} allowed at "
                "once. Send fewer points at once.",
            )
        tokens = sum(_most_tokens(call, one) for call in calls for one in call.inputs)
        if tokens > self.tokens:
            raise Refused(
                413,
                f"Payload error: the texts of the request may come to {tokens} tokens, more than the {self.tokens} "
                "allowed at once. Send fewer or shorter texts at once.",
            )

    def _may_have_too_many(self, operation: str, body: bytes) -> bool:
        if len(body) <= 2 * self.points:  # an id and a comma
            return False
        if operation in _POINTS_BY_ID:
            return _occurs(b",", self.points, body)
        # Each point is an object of its own, or in the batch form each has a vector of its own.
        return _occurs(b"{", self.points + 1, body) or _occurs(b"[", self.points + 1, body)


def _occurs(character: bytes, times: int, body: bytes) -> bool:
    """Whether it occurs so often. Between two of them lie hundreds of digits, which only ``find`` skips."""
    place = -1
    for _ in range(times):
        place = body.find(character, place + 1)
        if place < 0:
            return False
    return True


def _points_in(document: Any) -> int:
    """Points named in a body: of an update, of a selection, or of each update of a batch."""
    if not isinstance(document, dict):
        return 0
    number = sum(len(found) for name in ("points", "ids") if isinstance(found := document.get(name), list))
    inner = [document.get("batch"), *_values(document.get("operations"))]
    return number + sum(_points_in(one) for one in inner)


def _values(operations: Any) -> Iterator[Any]:
    for operation in operations if isinstance(operations, list) else []:
        if isinstance(operation, dict):
            yield from operation.values()


def points_in_message(message: Any) -> int:
    """The same of a gRPC request, whatever its method."""
    fields = message.DESCRIPTOR.fields_by_name
    number = len(message.ids) if "ids" in fields else 0
    if "points" in fields:
        points = message.points
        number += len(points.points.ids) if fields["points"].message_type.name == "PointsSelector" else len(points)
    if "points_selector" in fields:
        number += len(message.points_selector.points.ids)
    for operation in message.operations if "operations" in fields else ():
        chosen = operation.WhichOneof("operation")
        number += points_in_message(getattr(operation, chosen)) if chosen else 0
    return number


def _most_tokens(call: ModelCall, one: dict[str, Any]) -> int:
    """A text has at most as many tokens as characters, and no more than the window are processed."""
    window = call.spec.context_window
    if one["data_type"] != "text" or not isinstance(one["data"], str):
        return call.spec.tokens_per_image or 0
    longest = len(one["data"]) + _SPECIAL_TOKENS
    return longest if window is None else min(window, longest)


@dataclass(slots=True)
class _Use:
    """``credit`` is how many requests may come at this moment."""

    credit: float
    counted_at: float
    in_flight: int = 0


class _Admission:
    """A request that is counted in until its block ends, or until ``leave``."""

    __slots__ = ("_use",)

    def __init__(self, use: _Use) -> None:
        self._use: _Use | None = use
        use.in_flight += 1

    def leave(self) -> None:
        if self._use is not None:
            self._use.in_flight -= 1
            self._use = None

    def __enter__(self) -> Callable[[], None]:
        return self.leave

    def __exit__(self, *_error: object) -> None:
        self.leave()


class KeyLimits:
    """Counts the requests of each key. Belongs to one event loop; every gateway process counts for itself."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._keys: OrderedDict[UUID, _Use] = OrderedDict()

    def admitted(self, key_id: UUID) -> _Admission:
        """Count a request in for as long as a block runs, or until what it gives is called. Raises Refused 429."""
        use = self._use(key_id)
        self._take_credit(use)
        if use.in_flight >= self.limits.concurrent:
            raise Refused(
                429,
                f"Too many requests at once with this API key (limit: {self.limits.concurrent}). "
                "Wait for some of them to be answered.",
                retry_after=1,
            )
        return _Admission(use)

    def _take_credit(self, use: _Use) -> None:
        now, rate = time.monotonic(), self.limits.per_second
        use.credit = min(max(rate, 1.0), use.credit + (now - use.counted_at) * rate)
        use.counted_at = now
        if use.credit < 1:
            raise Refused(
                429,
                f"Too many requests with this API key (limit: {rate:g} each second). Slow down.",
                retry_after=math.ceil((1 - use.credit) / rate),
            )
        use.credit -= 1

    def _use(self, key_id: UUID) -> _Use:
        use = self._keys.get(key_id)
        if use is None:
            use = self._keys[key_id] = _Use(max(self.limits.per_second, 1.0), time.monotonic())
            if len(self._keys) > _MAX_KEYS:
                self._forget_one()
        self._keys.move_to_end(key_id)
        return use

    def _forget_one(self) -> None:
        idle = next((key_id for key_id, use in self._keys.items() if not use.in_flight), None)
        if idle is not None:
            del self._keys[idle]
