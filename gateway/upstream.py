"""Requests to the clusters themselves: a node behind its unix socket, or a Qdrant server behind a URL."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from clusters.message_link import LinkAnswer
from clusters.provisioners.upstream import Upstream
from gateway.errors import ClientGone, Refused, sentence_in
from gateway.exchange import JSON, Exchange
from gateway.holding import Holding
from gateway.node_links import NodeLinks
from gateway.records import ClusterRecord

CONNECT_SECONDS = 2
LONGEST_SILENCE_SECONDS = 300
# Shorter than servers keep an idle connection (uvicorn: 5 s), so that none is used just when it is being closed.
_KEEP_ALIVE_SECONDS = 3
_BUFFERED = 1024 * 1024  # a cut-off answer of up to this size still becomes a clean error, a request may be repeated
_SLICE = 256 * 1024

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer trailers "
    b"transfer-encoding upgrade".split()
)
_NOT_FORWARDED = _HOP_BY_HOP | {b"host", b"authorization", b"content-length", b"expect"}
_NOT_ANSWERED = _HOP_BY_HOP | {b"server", b"date", b"x-request-id"}
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass(frozen=True)
class Answer:
    """A whole answer of a cluster."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Upstreams:
    """Kept-alive connections to clusters, one pool for each. Belongs to one event loop."""

    def __init__(self, links: NodeLinks, holding: Holding) -> None:
        self._links = links
        self._holding = holding
        self._sessions: dict[Upstream, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def fetch(self, cluster: ClusterRecord, path: str) -> Answer:
        """GET a percent-encoded path of the cluster."""
        return await self._ask_whole(cluster, "GET", path, CIMultiDict)

    async def ask(self, cluster: ClusterRecord, path: str, question: Any) -> Answer:
        """POST JSON to a percent-encoded path of the cluster, on the gateway's own behalf."""
        body = orjson.dumps(question)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return await self._ask_whole(cluster, "POST", path, lambda: CIMultiDict(headers), body)

    async def send(self, exchange: Exchange, cluster: ClusterRecord, body: bytes) -> Answer:
        """The cluster's answer to the request with another body, uncompressed."""

        def headers() -> CIMultiDict[str]:
            forwarded = _forwarded_headers(exchange)
            forwarded.popall("Accept-Encoding", None)
            forwarded["Content-Length"] = str(len(body))
            return forwarded

        return await self._ask_whole(cluster, exchange.method, target_of(exchange), headers, body)

    async def pass_through(self, exchange: Exchange, cluster: ClusterRecord, body: bytes | None = None) -> str | None:
        """Carry the request to the cluster and its answer back, byte for byte as they come.

        ``body`` is the request's if it has been read. Returns the sentence of an error answer.
        Raises Refused while nothing was answered.
        """
        if body is None and cluster.rolling and _is_small_json(exchange):
            body = await exchange.body.read()
        if body is None and not exchange.body.absent:  # it can be sent once only
            return await self._pass_through(exchange, cluster, None)
        return await self._holding.persist(cluster, lambda: self._pass_through(exchange, cluster, body))

    async def _pass_through(self, exchange: Exchange, cluster: ClusterRecord, body: bytes | None) -> str | None:
        if body is not None and (linked := await self._ask_node(cluster, exchange.method, target_of(exchange), body)):
            return await _answer_linked(exchange, linked)
        headers = _forwarded_headers(exchange)
        data: AsyncIterator[bytes] | bytes | None = None
        if not exchange.body.absent:
            length = exchange.body.declared_length if body is None else len(body)
            if length is not None:
                headers["Content-Length"] = str(length)
            data = exchange.body.stream() if body is None else _sendable(body)
        async with self._open(cluster, exchange.method, target_of(exchange), headers, data) as response:
            _check_begun(cluster, response.status)
            return await _carry_back(exchange, response)

    async def _ask_whole(
        self,
        cluster: ClusterRecord,
        method: str,
        target: str,
        headers: Callable[[], CIMultiDict[str]],
        body: bytes | None = None,
    ) -> Answer:
        """``headers`` are made only where they are sent; a node's link takes none."""

        async def ask() -> Answer:
            if linked := await self._ask_node(cluster, method, target, body or b""):
                return Answer(linked.status, _linked_headers(linked), linked.message)
            data = None if body is None else _sendable(body)
            async with self._open(cluster, method, target, headers(), data) as response:
                _check_begun(cluster, response.status)
                return await _whole(response)

        return await self._holding.persist(cluster, ask)

    async def _ask_node(self, cluster: ClusterRecord, method: str, target: str, body: bytes) -> LinkAnswer | None:
        """An embedded node's answer over its link."""
        linked = await self._links.ask(cluster, f"{method} {target}", body, LONGEST_SILENCE_SECONDS)
        if linked:
            _check_begun(cluster, linked.status)
        return linked

    @asynccontextmanager
    async def _open(
        self,
        cluster: ClusterRecord,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        data: AsyncIterator[bytes] | bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is still to be read; what fails inside is a Refused 503 that says so."""
        session = self._session(cluster.upstream)
        server = cluster.upstream.server
        url = URL((server.url if server else "http://node") + target, encoded=True)
        try:
            async with session.request(
                method,
                url,
                headers=headers,
                data=data,
                allow_redirects=False,
                skip_auto_headers=_AUTOMATIC,
            ) as response:
                yield response
        except TimeoutError as error:
            raise Refused(504, f"Cluster {cluster.name} did not answer in time.") from error
        except aiohttp.ClientConnectorError as error:
            sentence = f"Cluster {cluster.name} cannot be reached right now. Try again in a second."
            raise Refused(503, sentence, retry_after=1, not_begun=True) from error
        except aiohttp.ClientError as error:
            if isinstance(error.__cause__, Refused | ClientGone):  # reading the request failed, not sending it
                raise error.__cause__ from None
            sentence = f"Cluster {cluster.name} closed the connection before it had answered. Try again in a second."
            raise Refused(503, sentence, retry_after=1) from error

    def _session(self, upstream: Upstream) -> aiohttp.ClientSession:
        place = replace(upstream, prefix="")  # clusters on one server share its connections
        session = self._sessions.get(place)
        if session is None:
            session = self._sessions[place] = aiohttp.ClientSession(
                connector=_connector(place),
                headers={"api-key": place.server.api_key} if place.server and place.server.api_key else {},
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=LONGEST_SILENCE_SECONDS
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return session


def _check_begun(cluster: ClusterRecord, status: int) -> None:
    """Raises Refused for what an embedded node answers while it stops: it lets nobody in any more."""
    if status == 503 and cluster.rolling and cluster.upstream.server is None:
        raise Refused(503, f"Cluster {cluster.name} is restarting. Try again in a second.", 1, not_begun=True)


def _is_small_json(exchange: Exchange) -> bool:
    is_json = (exchange.header(b"content-type") or "").startswith("application/json")
    return is_json and (exchange.body.declared_length or _BUFFERED + 1) <= _BUFFERED


def _connector(upstream: Upstream) -> aiohttp.BaseConnector:
    if upstream.server is None:
        return aiohttp.UnixConnector(upstream.socket, limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
    trusted = ssl.create_default_context(cafile=upstream.server.ca_file)
    return aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, ssl=trusted)


def target_of(exchange: Exchange) -> str:
    """The request target that the cluster is asked with."""
    return f"{exchange.forwarded_path}?{exchange.query}" if exchange.query else exchange.forwarded_path


def _forwarded_headers(exchange: Exchange) -> CIMultiDict[str]:
    """The client's headers without those of the connection, and without any key."""
    dropped = _NOT_FORWARDED | _named_in_connection(exchange.headers)
    if exchange.hidden:
        dropped |= {b"accept-encoding"}  # in a compressed answer nothing could be hidden
    return CIMultiDict(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in exchange.headers
        if name not in dropped and not name.endswith(b"api-key")
    )


def _named_in_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Headers that the Connection header declares to be of this connection only."""
    return frozenset(
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    )


def _answered_headers(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower(), value) for name, value in response.raw_headers]
    dropped = _NOT_ANSWERED | _named_in_connection(headers)
    return [(name, value) for name, value in headers if name not in dropped]


def _sendable(body: bytes) -> AsyncIterator[bytes] | bytes:
    """A large body in slices, between which others have their turn."""
    return body if len(body) <= _SLICE else _sliced(body)


async def _sliced(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _SLICE):
        yield body[start : start + _SLICE]


async def _whole(response: aiohttp.ClientResponse) -> Answer:
    return Answer(response.status, _answered_headers(response), await response.read())


def _linked_headers(answer: LinkAnswer) -> list[tuple[bytes, bytes]]:
    return [JSON, (b"retry-after", answer.sentence.encode())] if answer.sentence else [JSON]


async def _answer_linked(exchange: Exchange, answer: LinkAnswer) -> str | None:
    await exchange.answer(answer.status, _linked_headers(answer), answer.message)
    return sentence_in(answer.message) if answer.status >= 400 else None


async def _carry_back(exchange: Exchange, response: aiohttp.ClientResponse) -> str | None:
    headers = _answered_headers(response)
    if response.content_length is not None and response.content_length <= _BUFFERED:
        body = await response.read()
        await exchange.answer(response.status, headers, body)
        return sentence_in(body) if response.status >= 400 else None
    await exchange.start_answer(response.status, headers)
    async for chunk in response.content.iter_any():
        await exchange.send_chunk(chunk, last=False)
    await exchange.send_chunk(b"", last=True)
    return None


def with_usage(answer: Answer, tokens: dict[str, int], seconds: float) -> bytes:
    """The body of a successful answer that says what inference was used for it: tokens by model."""
    content: dict[str, Any] = orjson.loads(answer.body)
    usage = content.get("usage") or {"hardware": None}
    usage["inference"] = {"models": {name: {"tokens": count} for name, count in tokens.items()}}
    return orjson.dumps(content | {"time": seconds, "usage": usage})
