"""From inference objects to vectors, whatever transport they came by: which models, may they, embed, put back."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from gateway.errors import Refused
from gateway.inference_objects import InferenceObject
from gateway.inference_workers import Caller, InferenceWorkers
from inference.catalogue import CATALOGUE, ModelSpec, resolve
from inference.client import Kind
from inference.gate import availability
from inference.rules import Available, ClusterFacts, GateCode

_STATUS_OF_GATE_CODE = {
    GateCode.DISABLED: 400,
    GateCode.REGION: 403,
    GateCode.TIER: 403,
    GateCode.RESTARTING: 503,
}


class Slot(Protocol):
    """A place where an inference object stands and its vector will."""

    @property
    def object(self) -> InferenceObject: ...
    @property
    def vector_name(self) -> str: ...
    def put(self, vector: Any) -> None: ...


@dataclass
class ModelCall:
    """What one model is asked to embed: each distinct input once, with all the places that want its vector."""

    name: str  # the canonical one
    spec: ModelSpec
    inputs: list[dict[str, Any]] = field(default_factory=list, repr=False)  # their options may hold a provider's key
    slots: list[list[Slot]] = field(default_factory=list, repr=False)
    tokens: list[int] = field(default_factory=list)  # per input, once the model has run
    kept: list[tuple[int, int] | None] = field(default_factory=list)  # as in ``Embeddings``


@dataclass(frozen=True)
class ModelUsage:
    """What one model did for a request: ``tokens`` processed, ``inputs`` embedded."""

    name: str
    spec: ModelSpec
    tokens: int
    inputs: int


def plan_calls(slots: Iterable[Slot], facts: ClusterFacts) -> list[ModelCall]:
    """One call per model. Raises Refused when the gate is closed or a model is unknown; nothing has run then."""
    calls: dict[str, ModelCall] = {}
    places: dict[tuple[str, bytes], list[Slot]] = {}
    for slot in slots:
        wanted = slot.object
        spec = permitted_model(wanted.model, facts)
        name = wanted.model.lower() if spec.is_external else spec.name
        call = calls.setdefault(name, ModelCall(name, spec))
        one = {"data_type": wanted.data_type, "data": wanted.data, "options": wanted.options}
        key = (name, _identity(one))
        if key not in places:
            places[key] = []
            call.inputs.append(one)
            call.slots.append(places[key])
        places[key].append(slot)
    return list(calls.values())


def permitted_model(name: str, facts: ClusterFacts) -> ModelSpec:
    """The model called ``name``. Raises Refused with the gate's sentence, or naming this cluster's models."""
    spec = resolve(name)
    gate = availability(facts, spec)
    if not isinstance(gate, Available):
        retry_after = 1 if gate.code == GateCode.RESTARTING else None
        raise Refused(_STATUS_OF_GATE_CODE[GateCode(gate.code)], gate.sentence, retry_after)
    if spec is None:
        offered = [spec.name for spec in CATALOGUE.values() if not spec.is_external]
        raise Refused(400, f"Unknown model {name!r}. The models of this cluster are: {', '.join(offered)}.")
    return spec


async def embed(calls: Sequence[ModelCall], kind: Kind, workers: InferenceWorkers, caller: Caller) -> list[ModelUsage]:
    """Run all calls at once and put every vector in its places; if one fails, the others are given up.

    Each of the caller's keys goes only where its provider's model is called. Raises Refused.
    """
    running = [
        asyncio.ensure_future(
            workers.embed(call.spec, call.name, kind, call.inputs, caller.with_key(call.spec.key_name))
        )
        for call in calls
    ]
    try:
        answers = await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
    used = []
    for call, answer in zip(calls, answers, strict=True):
        for places, vector in zip(call.slots, answer.vectors, strict=True):
            for slot in places:
                slot.put(vector)
        call.tokens, call.kept = answer.tokens, answer.kept
        used.append(ModelUsage(call.name, call.spec, sum(answer.tokens), len(call.inputs)))
    return used


def _identity(one: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(one, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise Refused(400, f"Format error in JSON body: an inference object cannot be sent on: {error}") from error
