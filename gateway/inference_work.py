"""What happens to a request with inference objects, whatever transport it came by: plan, embed, meter."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import UUID

from gateway.collection_check import CollectionCheck
from gateway.embedding import ModelCall, ModelUsage, Slot, embed, plan_calls
from gateway.errors import Refused
from gateway.inference_workers import Caller, InferenceWorkers
from gateway.limits import Limits
from gateway.metering import Meter, Outcome, usage_events
from gateway.records import KeyRecord
from gateway.repeats import Repeatable
from gateway.upstream import Upstreams
from inference.client import Kind

LARGEST_FORWARDED_BODY = 32 * 1024 * 1024  # what a Qdrant server takes (service.max_request_size_mb)


class InferenceWork:
    """The steps in their order; every one raises Refused."""

    def __init__(self, upstreams: Upstreams, workers: InferenceWorkers, meter: Meter, limits: Limits) -> None:
        self._collections = CollectionCheck(upstreams)
        self._workers = workers
        self._meter = meter
        self._limits = limits

    def plan(self, slots: Iterable[Slot], key: KeyRecord, current: bool) -> list[ModelCall]:
        """What every model is to do. Nothing has run yet.

        ``current`` is False when the key's record may be out of date; what it allows may have ended then.
        """
        calls = plan_calls(slots, key.cluster.facts)
        self._limits.check_inference(calls)
        if key.inference_refusal is not None:
            raise Refused(402, key.inference_refusal)
        self._meter.check_available()
        if not current:
            raise Refused(503, "Inference is paused while the database is away. Try again in a few seconds.", 2)
        return calls

    async def embed(self, calls: Sequence[ModelCall], kind: Kind, caller: Caller) -> list[ModelUsage]:
        """Put the vectors in their places."""
        return await embed(calls, kind, self._workers, caller)

    async def embed_for(
        self, key: KeyRecord, collection: str, calls: Sequence[ModelCall], kind: Kind, caller: Caller
    ) -> list[ModelUsage]:
        """The same, if the collection (percent-encoded) will take the vectors."""
        costly = kind != "search" or any(call.spec.is_external for call in calls)  # long, or billed by a provider
        if not costly and self._collections.fits(key.cluster, collection, calls):
            return await self.embed(calls, kind, caller)
        check = self._collections.check(key.cluster, collection, calls, kind)
        if costly:
            await check
            return await self.embed(calls, kind, caller)
        checking = asyncio.ensure_future(check)
        embedding = asyncio.ensure_future(self.embed(calls, kind, caller))
        try:
            await checking
            return await embedding
        finally:
            checking.cancel()
            embedding.cancel()
            await asyncio.gather(checking, embedding, return_exceptions=True)

    async def metered(
        self,
        request_id: UUID,
        key: KeyRecord,
        used: Sequence[ModelUsage],
        kind: Kind,
        work: Callable[[], Awaitable[Outcome]],
        repeatable: Repeatable | None = None,
    ) -> Outcome:
        """The cluster's answer, billed if it is good, and once if it is ``repeatable``."""
        events = usage_events(request_id, key, used, kind, repeatable)
        answer = await self._meter.run(kind, events, work, comes_again=repeatable is not None)
        if not answer.ok:
            self._collections.forget(key.cluster.id)
        return answer


def check_size(body: bytes) -> bytes:
    """The request with its vectors, if a cluster takes one as large. Raises Refused 413."""
    if len(body) > LARGEST_FORWARDED_BODY:
        raise Refused(
            413,
            f"Payload error: with its vectors the request has {len(body)} bytes, more than the "
            f"{LARGEST_FORWARDED_BODY} a cluster takes. Send fewer points at once.",
        )
    return body
