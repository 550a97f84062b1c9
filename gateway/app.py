"""The gateway: an ASGI application with a gRPC server beside it.

Who comes in, what is answered here, what goes where, what is written down.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

import orjson
from django.conf import settings

from billing.ledger import LedgerWriter, database_conninfo
from gateway import inference_service
from gateway.access import authenticate, introduced_version
from gateway.announcements import follow_announcements
from gateway.body import BodyLimits, Receive
from gateway.errors import ClientGone, Refused
from gateway.exchange import JSON, Exchange, Send
from gateway.failures import log_failure
from gateway.grpc_server import GrpcServer
from gateway.grpc_upstream import GrpcUpstreams
from gateway.holding import Holding
from gateway.inference_requests import InferenceRequests, route_of
from gateway.inference_work import InferenceWork
from gateway.inference_workers import InferenceWorkers
from gateway.limits import KeyLimits, Limits
from gateway.metering import Meter
from gateway.node_links import NodeLinks
from gateway.records import KeyRecord, Records
from gateway.rest_scope import answer_listing, hold_to_scope, is_listing
from gateway.scope import scope_of
from gateway.traffic import Traffic
from gateway.upstream import Upstreams
from gateway.value_exists import check_value_exists

DRAIN_SECONDS = 30
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_HEALTH = {
    "/healthz": b"healthz check passed",
    "/livez": b"livez check passed",
    "/readyz": b"all shards are ready",
}
logger = logging.getLogger(__name__)


class Gateway:
    """Serves every cluster's data plane. What it holds open lives from lifespan startup to shutdown.

    gRPC is served on ``grpc_address``; ``grpc_port`` tells the port once it is open.
    """

    def __init__(self, grpc_address: str) -> None:
        self._grpc_address = grpc_address
        self._draining: asyncio.Task[None] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            limits = BodyLimits(settings.GATEWAY_MAX_BODY_BYTES, settings.GATEWAY_BODY_TIMEOUT_SECONDS)
            await self._serve(Exchange(scope, receive, send, limits))

    async def start(self) -> None:
        """Open connections and begin to listen for announcements. Starts without database and Redis too."""
        self._records = Records()
        self._links = NodeLinks()
        self._holding = Holding(self._records)
        self._upstreams = Upstreams(self._links, self._holding)
        self._workers = InferenceWorkers(settings.INFERENCE_ADDRESSES)
        self._ledger = LedgerWriter(database_conninfo())
        self._meter = Meter(self._ledger)
        self._traffic = Traffic(database_conninfo())
        self._traffic.start()
        self._limits = KeyLimits(configured_limits())
        work = InferenceWork(self._upstreams, self._workers, self._meter, self._limits.limits)
        self._inference = InferenceRequests(self._upstreams, work)
        self._service = inference_service.InferenceService(
            self._records, self._holding, self._upstreams, self._limits, work
        )
        self._grpc_upstreams = GrpcUpstreams(self._links, self._holding)
        self._grpc = GrpcServer(
            self._records,
            self._holding,
            self._upstreams,
            self._grpc_upstreams,
            work,
            self._traffic,
            self._limits,
            settings.GATEWAY_MAX_BODY_BYTES,
        )
        self._following = asyncio.create_task(follow_announcements(self._records, settings.REDIS_URL))
        await self._ledger.start()
        self.grpc_port = await self._grpc.start(self._grpc_address)

    def drain(self) -> "asyncio.Task[None]":
        """Let no new gRPC requests in; the task ends when those in flight are answered."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._grpc.stop(DRAIN_SECONDS))
        return self._draining

    async def stop(self) -> None:
        """Close everything, after the requests in flight have been answered."""
        await self.drain()
        self._following.cancel()
        await self._meter.close()
        await self._traffic.stop()
        await self._ledger.stop()
        await self._workers.close()
        await self._upstreams.close()
        await self._grpc_upstreams.close()
        self._links.close()
        await self._records.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, exchange: Exchange) -> None:
        failed = False
        try:
            sentence = await self._respond(exchange)
            failed = exchange.status is not None and exchange.status >= 500
            if sentence is not None:
                log_failure(exchange, exchange.hide(sentence), exchange.status, self._traffic)
        except ClientGone:
            return
        except Refused as refusal:
            failed = refusal.status >= 500
            log_failure(exchange, exchange.hide(refusal.sentence), refusal.status, self._traffic)
            await _refuse(exchange, refusal)
        except Exception:
            failed = True
            logger.exception("request %s failed inside the gateway", exchange.id)
            sentence = f"Service internal error: request {exchange.id} failed. Its log line says why."
            await _refuse(exchange, Refused(500, sentence))
        finally:
            if exchange.status is not None:
                self._traffic.count("rest", exchange.cluster, exchange.seconds, failed=failed)

    async def _respond(self, exchange: Exchange) -> str | None:
        """Answer; the sentence if the answer was a cluster's error."""
        if not (exchange.path.startswith("/") and exchange.path.isascii()):
            raise Refused(400, "The request's path must begin with / and be percent-encoded.")
        if exchange.method in ("GET", "HEAD"):
            if exchange.path == "/":
                await self._introduce(exchange)
                return None
            if health := _HEALTH.get(exchange.path):
                await exchange.answer(200, [_TEXT], health)
                return None
        if (exchange.method, exchange.path) == ("POST", inference_service.PATH):
            await self._service.serve(exchange)
            return None
        key, current = await authenticate(exchange, self._records)
        with self._limits.admitted(key.id) as leave:
            exchange.before_end = leave  # who has the answer may come again
            if not key.cluster.serving:
                waiting = self._holding.until_serving(key, lambda: authenticate(exchange, self._records))
                key, current = await exchange.unless_client_gone(waiting)
            await check_value_exists(key, self._upstreams)
            return await self._respond_to(exchange, key, current)

    async def _respond_to(self, exchange: Exchange, key: KeyRecord, current: bool) -> str | None:
        scope = scope_of(key)
        found = await hold_to_scope(exchange, scope)
        if found is not None and is_listing(found, scope):
            listing = answer_listing(exchange, scope, found, key.cluster, self._upstreams)
            return await exchange.unless_client_gone(listing)
        if found is not None and self._limits.limits.counts_points_of(found.operation.name):
            body = await exchange.body.read()
            self._limits.limits.check_body(found.operation.name, body)
            exchange.body.put_back(body)
        if inferring := route_of(exchange.method, exchange.forwarded_path):
            route, collection = inferring
            return await self._inference.serve(exchange, key, current, route, collection)
        return await exchange.unless_client_gone(self._upstreams.pass_through(exchange, key.cluster))

    async def _introduce(self, exchange: Exchange) -> None:
        version = await introduced_version(exchange, self._records)
        content = {"title": "qdrant - vector search engine", "version": version, "commit": None}
        await exchange.answer(200, [JSON], orjson.dumps(content))


def configured_limits() -> Limits:
    return Limits(
        points=settings.GATEWAY_MAX_POINTS,
        inputs=settings.GATEWAY_MAX_INPUTS,
        tokens=settings.GATEWAY_MAX_TOKENS,
        concurrent=settings.GATEWAY_MAX_CONCURRENT_REQUESTS,
        per_second=settings.GATEWAY_MAX_REQUESTS_PER_SECOND,
    )


async def _refuse(exchange: Exchange, refusal: Refused) -> None:
    """An answer that has begun cannot become another one: it stays incomplete, and the server cuts the connection."""
    if exchange.status is None:
        await exchange.refuse(refusal)
