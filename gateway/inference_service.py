"""Qdrant's inference-service protocol: what a Qdrant server asks whose ``inference.address`` names this gateway.

It sends the inference objects it found and its own token, and gets the vectors back; what it stores is its own
affair. The token is a database API key: the key's cluster says which models may be used and pays for them.
Source: Qdrant's ``src/common/inference/service.rs``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.access import authenticate_with
from gateway.embedding import ModelCall
from gateway.errors import Refused
from gateway.exchange import JSON, Exchange
from gateway.holding import Holding
from gateway.inference_objects import InferenceObject, check_length
from gateway.inference_work import InferenceWork
from gateway.inference_workers import VALIDATION_FAILED
from gateway.limits import KeyLimits
from gateway.records import KeyRecord, Records
from gateway.upstream import Answer, Upstreams
from gateway.value_exists import check_value_exists
from inference.client import Kind, SparseEmbedding

PATH = "/inference"


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place of one input's vector in the answer."""

    object: InferenceObject
    vectors: list[Any] = field(repr=False)
    index: int
    vector_name: str = ""

    def put(self, vector: Any) -> None:
        if isinstance(vector, SparseEmbedding):
            vector = {"indices": vector.indices, "values": vector.values}
        self.vectors[self.index] = vector


class InferenceService:
    """Authenticate by the token in the body, embed, meter, answer."""

    def __init__(
        self, records: Records, holding: Holding, upstreams: Upstreams, limits: KeyLimits, work: InferenceWork
    ) -> None:
        self._records = records
        self._holding = holding
        self._upstreams = upstreams
        self._limits = limits
        self._work = work

    async def serve(self, exchange: Exchange) -> None:
        """Answer the request. Raises Refused, to be answered in this protocol's shape."""
        exchange.error_body = _error_body
        request = _parse(await exchange.body.read())
        token = _token(request)
        key, current = await authenticate_with(token, exchange, self._records)
        with self._limits.admitted(key.id) as leave:
            exchange.before_end = leave
            if not key.cluster.serving:
                waiting = self._holding.until_serving(key, lambda: authenticate_with(token, exchange, self._records))
                key, current = await exchange.unless_client_gone(waiting)
            await check_value_exists(key, self._upstreams)
            await self._embed(exchange, request, key, current)

    async def _embed(self, exchange: Exchange, request: dict[str, Any], key: KeyRecord, current: bool) -> None:
        kind = _kind(request)
        vectors, slots = _slots(request)
        calls = self._work.plan(slots, key, current)
        used = await exchange.unless_client_gone(self._work.embed(calls, kind, exchange.caller))
        usage = {"models": {one.name: {"tokens": one.tokens} for one in used}}
        answer_body = {"embeddings": vectors, "usage": usage, "inputs": _per_input(calls, len(vectors))}
        body = orjson.dumps(answer_body, option=orjson.OPT_SERIALIZE_NUMPY)

        async def embedded() -> Answer:
            return Answer(200, [JSON], body)

        answer = await self._work.metered(exchange.id, key, used, kind, embedded)
        await exchange.answer(answer.status, answer.headers, answer.body)


def _per_input(calls: Sequence[ModelCall], count: int) -> list[dict[str, Any]]:
    """Our own addition to the protocol: tokens of every input (0 where it repeats another), whether it was cut, and
    from and up to which character it was ``kept`` then."""
    facts: list[dict[str, Any]] = [{} for _ in range(count)]
    for call in calls:
        for places, tokens, kept in zip(call.slots, call.tokens, call.kept, strict=True):
            first, *repeats = (slot.index for slot in places if isinstance(slot, _Slot))
            cut: dict[str, Any] = {"truncated": False} if kept is None else {"truncated": True, "kept": kept}
            facts[first] = {"tokens": tokens} | cut
            for index in repeats:
                facts[index] = {"tokens": 0} | cut
    return facts


def _error_body(sentence: str, seconds: float) -> bytes:
    return orjson.dumps({"error": sentence.removeprefix(VALIDATION_FAILED).removeprefix("Bad request: ")})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"Format error in JSON body: {error}") from error
    if not isinstance(request, dict):
        raise Refused(400, "Format error in JSON body: it must be an object")
    return request


def _token(request: dict[str, Any]) -> str:
    token = request.get("token")
    if not isinstance(token, str) or not token:
        raise Refused(401, "Must provide a database API key as token: set inference.token in Qdrant's configuration")
    return token


def _kind(request: dict[str, Any]) -> Kind:
    kind = request.get("inference")
    if kind not in ("update", "search", None):
        raise Refused(400, 'Format error in JSON body: inference must be "update" or "search"')
    return "search" if kind == "search" else "update"


def _slots(request: dict[str, Any]) -> tuple[list[Any], list[_Slot]]:
    """The vectors to be filled in, and a slot for each."""
    inputs = request.get("inputs")
    if not isinstance(inputs, list):
        raise Refused(400, "Format error in JSON body: inputs must be a list")
    vectors: list[Any] = [None] * len(inputs)
    return vectors, [_Slot(_object(one, f"inputs[{index}]"), vectors, index) for index, one in enumerate(inputs)]


def _object(one: Any, at: str) -> InferenceObject:
    if not isinstance(one, dict) or not isinstance(one.get("model"), str):
        raise Refused(400, f"Format error in JSON body: {at} must be an object with the name of a model")
    options = one.get("options")
    if not isinstance(options, dict | None):
        raise Refused(400, f"Format error in JSON body: {at}.options must be an object")
    data_type = one.get("data_type")
    if data_type not in ("text", "image", "object"):
        raise Refused(400, f'Format error in JSON body: {at}.data_type must be "text", "image" or "object"')
    if isinstance(one.get("data"), str) and data_type == "text":
        check_length(one["data"], f"{at}.data")
    return InferenceObject(data_type, one.get("data"), one["model"], options)
