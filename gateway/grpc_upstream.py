"""gRPC calls to the clusters themselves: a node behind its unix socket, or a Qdrant server behind a URL."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from yarl import URL

from cloudconsole.paths import grpc_socket
from clusters.message_link import LinkAnswer
from clusters.provisioners.upstream import Upstream
from gateway.errors import Refused
from gateway.holding import Holding
from gateway.node_links import NodeLinks, gone, late
from gateway.records import ClusterRecord
from gateway.upstream import CONNECT_SECONDS, LONGEST_SILENCE_SECONDS

Metadata = Sequence[tuple[str, Any]]

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A cluster that was restarted is found again at once, not after gRPC's minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
]
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)  # CANCELLED: it was closing when the call came
_OF_THE_CONNECTION = frozenset(("authorization", "user-agent", "te", "content-type", "host", "x-request-id"))


@dataclass(frozen=True)
class Reply:
    """A cluster's answer: a message, or an error with its sentence."""

    code: Any  # grpc.StatusCode
    sentence: str
    message: bytes
    trailers: Metadata

    @property
    def ok(self) -> bool:
        return bool(self.code is grpc.StatusCode.OK)


class GrpcUpstreams:
    """Open channels to clusters, one for each. Belongs to one event loop."""

    def __init__(self, links: NodeLinks, holding: Holding) -> None:
        self._holding = holding
        self._channels: dict[Upstream, Any] = {}
        self._links = links

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def call(
        self, cluster: ClusterRecord, path: str, message: bytes, metadata: Metadata, seconds: float | None = None
    ) -> Reply:
        """The cluster's answer, errors included, within the caller's ``seconds``. Cancelling it cancels the call.

        Raises Refused: 503 when the cluster cannot be reached, 504 when it does not answer in time.
        """
        patience = LONGEST_SILENCE_SECONDS if seconds is None else min(seconds, LONGEST_SILENCE_SECONDS)
        return await self._holding.persist(cluster, lambda: self._call(cluster, path, message, metadata, patience))

    async def _call(
        self, cluster: ClusterRecord, path: str, message: bytes, metadata: Metadata, patience: float
    ) -> Reply:
        if linked := await self._links.ask(cluster, path, message, patience):
            return _reply(cluster, linked)
        channel = await self._connected(cluster)
        call = channel.unary_unary(path)(message, metadata=_forwarded(cluster, metadata), timeout=patience)
        try:
            answer = await call
            return Reply(grpc.StatusCode.OK, "", answer, _kept(await call.trailing_metadata()))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise late(cluster) from error
            if error.code() in _GONE:
                refused = any(name == "retry-after" for name, _ in error.trailing_metadata() or ())
                raise gone(cluster, not_begun=refused) from error
            return Reply(error.code(), error.details() or "", b"", _kept(error.trailing_metadata()))

    async def _connected(self, cluster: ClusterRecord) -> Any:
        place = replace(cluster.upstream, prefix="")  # clusters on one server share its connection
        channel = self._channels.get(place)
        if channel is None:
            channel = self._channels[place] = _open(place)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await channel.channel_ready()
        except TimeoutError as error:
            sentence = f"Cluster {cluster.name} cannot be reached right now. Try again in a second."
            raise Refused(503, sentence, retry_after=1, not_begun=True) from error
        return channel


def _reply(cluster: ClusterRecord, answer: LinkAnswer) -> Reply:
    code = _CODES[answer.status]
    if code in _GONE:
        raise gone(cluster, not_begun=True)
    return Reply(code, answer.sentence, answer.message, ())


def _open(upstream: Upstream) -> Any:
    server = upstream.server
    if server is None:
        return grpc.aio.insecure_channel(f"unix:{grpc_socket(Path(upstream.socket))}", _OPTIONS)
    url = URL(server.url)
    address = f"{url.host}:{server.grpc_port}"
    if url.scheme == "https":
        authority = Path(server.ca_file).read_bytes() if server.ca_file else None
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority), _OPTIONS)
    return grpc.aio.insecure_channel(address, _OPTIONS)


def _forwarded(cluster: ClusterRecord, metadata: Metadata) -> Metadata:
    """The caller's metadata without those of the connection, and without any key."""
    kept = [(name, value) for name, value in _kept(metadata) if not name.endswith("api-key")]
    server = cluster.upstream.server
    return [*kept, ("api-key", server.api_key)] if server and server.api_key else kept


def _kept(metadata: Any) -> Metadata:
    return [
        (name, value)
        for name, value in metadata or ()
        if name not in _OF_THE_CONNECTION and not name.startswith(("grpc-", ":"))
    ]
