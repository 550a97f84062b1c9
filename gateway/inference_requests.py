"""REST requests that may carry inference objects: which they are, and what happens to one that does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from gateway import inference_objects as objects
from gateway.errors import Refused, sentence_in
from gateway.exchange import JSON, Exchange
from gateway.inference_work import InferenceWork, check_size
from gateway.records import KeyRecord
from gateway.repeats import repeatable_of
from gateway.upstream import Answer, Upstreams, with_usage
from inference.client import Kind

_PATH = re.compile(r"/collections/([^/]+)/points(/vectors|/batch|/query|/query/batch|/query/groups)?")


@dataclass(frozen=True)
class Route:
    """``kind`` is what the vectors are for, ``slots`` finds the inference objects in a parsed body."""

    kind: Kind
    slots: Callable[[Any], objects.Slots]


_ROUTES = {
    ("PUT", None): Route("update", objects.upsert_slots),
    ("PUT", "/vectors"): Route("update", objects.update_vectors_slots),
    ("POST", "/batch"): Route("update", objects.batch_update_slots),
    ("POST", "/query"): Route("search", objects.query_slots),
    ("POST", "/query/batch"): Route("search", objects.query_batch_slots),
    ("POST", "/query/groups"): Route("search", objects.query_slots),
}


def route_of(method: str, path: str) -> tuple[Route, str] | None:
    """The route and the (percent-encoded) collection, or None where no inference object can stand."""
    match = _PATH.fullmatch(path)
    route = _ROUTES.get((method, match[2])) if match else None
    return (route, match[1]) if match and route else None


class InferenceRequests:
    """Collect, embed, write the vectors back, forward, meter, answer."""

    def __init__(self, upstreams: Upstreams, work: InferenceWork) -> None:
        self._upstreams = upstreams
        self._work = work

    async def serve(
        self, exchange: Exchange, key: KeyRecord, current: bool, route: Route, collection: str
    ) -> str | None:
        """Answer the request; the sentence if the cluster's answer was an error. Raises Refused before that.

        ``current`` says whether the key's record is.
        """
        body = await exchange.body.read()
        # The scan keeps ordinary requests from being parsed here; what it lets through by mistake the cluster refuses.
        document = _parse(body) if b'"model"' in body else None
        slots = list(route.slots(document))
        if not slots:
            passing = self._upstreams.pass_through(exchange, key.cluster, body)
            return await exchange.unless_client_gone(passing)
        repeatable = repeatable_of(exchange, key, body) if route.kind == "update" else None
        calls = self._work.plan(slots, key, current)
        embedding = self._work.embed_for(key, collection, calls, route.kind, exchange.caller)
        used = await exchange.unless_client_gone(embedding)
        rewritten = _serialise(document)
        # From here on a client that leaves changes nothing: what the cluster does for it is billed.
        forward = partial(self._upstreams.send, exchange, key.cluster, rewritten)
        answer = await self._work.metered(exchange.id, key, used, route.kind, forward, repeatable)
        return await _answer(exchange, answer, {usage.name: usage.tokens for usage in used})


async def _answer(exchange: Exchange, answer: Answer, tokens: dict[str, int]) -> str | None:
    if not answer.ok:
        await exchange.answer(answer.status, answer.headers, answer.body)
        return sentence_in(answer.body)
    headers = [header for header in answer.headers if header[0] not in (b"content-length", b"content-type")]
    await exchange.answer(answer.status, [JSON, *headers], with_usage(answer, tokens, exchange.seconds))
    return None


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"Format error in JSON body: {error}") from error


def _serialise(document: Any) -> bytes:
    try:
        return check_size(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
    except orjson.JSONEncodeError as error:  # nested deeper than any payload should be
        raise Refused(400, f"Format error in JSON body: {error}") from error
