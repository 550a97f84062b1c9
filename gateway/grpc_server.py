"""The gRPC data plane of all clusters: messages pass as bytes, except those that may carry inference objects."""

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import grpc
from django.conf import settings
from uuid_utils.compat import uuid7

from cloudconsole.served_certificate import ServedCertificate
from clusters.grpc_server import Context, UnaryServer
from clusters.qdrant_messages import message_classes, q
from gateway.access import authenticate, introduced_version
from gateway.embedding import ModelUsage
from gateway.errors import Refused
from gateway.failures import log_failure
from gateway.grpc_objects import ROUTES, Route
from gateway.grpc_scope import hold_to_scope, parsed, reply_within
from gateway.grpc_upstream import GrpcUpstreams, Metadata, Reply
from gateway.holding import Holding
from gateway.inference_work import InferenceWork, check_size
from gateway.inference_workers import Caller
from gateway.limits import KeyLimits, points_in_message
from gateway.records import KeyRecord, Records
from gateway.scope import Scope, scope_of
from gateway.traffic import Traffic
from gateway.upstream import Upstreams
from gateway.value_exists import check_value_exists
from inference.provider_keys import ProviderKeys

_HELLO = "/qdrant.Qdrant/HealthCheck"
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    402: grpc.StatusCode.FAILED_PRECONDITION,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_SERVERS_MISTAKES = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.DATA_LOSS,
}
logger = logging.getLogger(__name__)


class Call:
    """One gRPC request; what REST has in headers is in its metadata."""

    method = "gRPC"

    def __init__(self, path: str, metadata: Metadata, context: Context) -> None:
        self.id: UUID = uuid7()
        self.started = time.perf_counter()
        self.path = path
        self.metadata = metadata
        self.context = context
        self.cluster: UUID | None = None  # for the log, once it is known
        self.scope: Scope | None = None  # once the key tells it

    def header(self, name: bytes) -> str | None:
        """The first value of this (lower-case) name."""
        wanted = name.decode()
        for key, value in self.metadata:
            if key == wanted and isinstance(value, str):
                return value
        return None

    @property
    def caller(self) -> Caller:
        """Who wants vectors: the caller's keys of external providers are among the metadata."""
        left = self.context.time_remaining()
        seconds = settings.INFERENCE_TIMEOUT_SECONDS
        keys = ProviderKeys(lambda name: self.header(name.encode()))
        return Caller(self.id, keys, seconds if left is None else min(left, seconds))

    def trailers(self, *more: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
        return (*more, ("x-request-id", str(self.id)))


class GrpcServer:
    """Serves every cluster's gRPC data plane between ``start`` and ``stop``."""

    def __init__(
        self,
        records: Records,
        holding: Holding,
        rest_upstreams: Upstreams,
        upstreams: GrpcUpstreams,
        inference: InferenceWork,
        traffic: Traffic,
        limits: KeyLimits,
        largest_message: int,
    ) -> None:
        self._server = UnaryServer(self._serve, largest_message)
        self._records = records
        self._holding = holding
        self._rest_upstreams = rest_upstreams
        self._upstreams = upstreams
        self._inference = inference
        self._traffic = traffic
        self._limits = limits
        self._metered: set[asyncio.Task[Reply]] = set()

    async def start(self, address: str) -> int:
        """Listen on ``address`` (host:port), with TLS if a certificate is configured; returns the port."""
        return await self._server.start(address, _credentials())

    async def stop(self, seconds: float) -> None:
        """Let nobody new in; returns when what is in flight is answered, at the latest after so many seconds."""
        await self._server.stop(seconds)
        if self._metered:
            await asyncio.wait(self._metered, timeout=seconds)

    async def _serve(self, details: Any, message: bytes, context: Context) -> bytes:
        call = Call(details.method, details.invocation_metadata, context)
        try:
            reply = await self._respond(call, message)
        except Refused as refusal:
            reply = _refusal(refusal)
        except Exception:
            logger.exception("request %s failed inside the gateway", call.id)
            sentence = f"Service internal error: request {call.id} failed. Its log line says why."
            reply = Reply(grpc.StatusCode.INTERNAL, sentence, b"", ())
        seconds = time.perf_counter() - call.started
        count = partial(self._traffic.count, "grpc", call.cluster, seconds, failed=reply.code in _SERVERS_MISTAKES)
        asyncio.get_running_loop().call_soon(count)  # once the answer is on its way
        if not reply.ok:
            sentence = call.scope.hide(reply.sentence) if call.scope else reply.sentence
            log_failure(call, sentence, reply.code.name, self._traffic)
            await context.abort(reply.code, sentence, call.trailers(*reply.trailers))
        context.set_trailing_metadata(call.trailers(*reply.trailers))
        return reply.message

    async def _respond(self, call: Call, message: bytes) -> Reply:
        if call.path == _HEALTH:
            return _answer(_SERVING)
        if call.path == _HELLO:
            return _answer(await self._introduction(call))
        key, current = await authenticate(call, self._records)
        with self._limits.admitted(key.id):
            if not key.cluster.serving:
                key, current = await self._holding.until_serving(key, lambda: authenticate(call, self._records))
            await check_value_exists(key, self._rest_upstreams)
            call.scope = scope_of(key)
            message = hold_to_scope(call.path, message, call.scope)
            if route := ROUTES.get(call.path):
                return await self._infer(call, key, current, route, message)
            if self._limits.limits.may_be_too_many(call.path, message):
                self._limits.limits.check_points(points_in_message(parsed(message_classes(call.path)[0], message)))
            return await self._pass_through(call, key, message)

    async def _introduction(self, call: Call) -> bytes:
        version = await introduced_version(call, self._records)
        return q.HealthCheckReply(title="qdrant - vector search engine", version=version).SerializeToString()

    async def _pass_through(self, call: Call, key: KeyRecord, message: bytes) -> Reply:
        seconds = call.context.time_remaining()
        reply = await self._upstreams.call(key.cluster, call.path, message, call.metadata, seconds)
        if not reply.ok or call.scope is None or call.scope.whole:
            return reply
        return replace(reply, message=reply_within(call.path, reply.message, call.scope))

    async def _infer(self, call: Call, key: KeyRecord, current: bool, route: Route, message: bytes) -> Reply:
        request_class, reply_class = message_classes(call.path)
        request = parsed(request_class, message)
        if self._limits.limits.may_be_too_many(call.path, message):
            self._limits.limits.check_points(points_in_message(request))
        slots = list(route.slots(request))
        if not slots:
            return await self._pass_through(call, key, message)
        plan = self._inference.plan(slots, key, current)
        if not request.collection_name:
            raise Refused(400, 'Wrong input: collection_name: value "" invalid, must not be empty')
        collection = quote(request.collection_name, safe="")
        used = await self._inference.embed_for(key, collection, plan, route.kind, call.caller)
        rewritten = check_size(request.SerializeToString())
        forward = self._inference.metered(
            call.id,
            key,
            used,
            route.kind,
            lambda: self._upstreams.call(key.cluster, call.path, rewritten, call.metadata),
        )
        # From here on a caller that leaves changes nothing: what the cluster does for it is billed.
        task = asyncio.create_task(forward)
        self._metered.add(task)
        task.add_done_callback(self._metered.discard)
        reply = await asyncio.shield(task)
        if not reply.ok:
            return reply
        return _answer(_with_usage(reply_class.FromString(reply.message), used, call), reply.trailers)


def _credentials() -> Any:
    if not settings.TLS_CERT_FILE:
        return None
    return ServedCertificate(Path(settings.TLS_CERT_FILE), Path(settings.TLS_KEY_FILE)).grpc_credentials()


def _answer(message: bytes, trailers: Metadata = ()) -> Reply:
    return Reply(grpc.StatusCode.OK, "", message, trailers)


def _refusal(refusal: Refused) -> Reply:
    code = _STATUS.get(refusal.status, grpc.StatusCode.INTERNAL)
    trailers = [] if refusal.retry_after is None else [("retry-after", str(refusal.retry_after))]
    return Reply(code, refusal.sentence, b"", trailers)


def _with_usage(reply: Any, used: list[ModelUsage], call: Call) -> bytes:
    for usage in used:
        reply.usage.inference.models[usage.name].tokens = usage.tokens
    reply.time = time.perf_counter() - call.started
    message: bytes = reply.SerializeToString()
    return message
