"""Qdrant servers of the operator's that carry clusters instead of embedded nodes, as the environment names them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAMES_A_SERVER = re.compile(r"QDRANT_URL(_[A-Z0-9_]+)?")


@dataclass(frozen=True)
class QdrantServer:
    """``url`` is its REST address, gRPC has the same host. ``ca_file`` is what its certificate is checked against
    (None: the system's authorities). A ``shared`` server carries several clusters, kept apart by prefixes."""

    url: str
    grpc_port: int = 6334
    api_key: str | None = None
    ca_file: str | None = None
    shared: bool = False


class QdrantServers:
    """The server of each region: the one that the variables with the region in their names describe, else the one
    that the plain variables do, else none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        suffixes = [name.removeprefix("QDRANT_URL") for name in environ if _NAMES_A_SERVER.fullmatch(name)]
        self._servers = {suffix: _server(environ, suffix) for suffix in suffixes if environ["QDRANT_URL" + suffix]}

    def of_region(self, provider_id: str, code: str) -> QdrantServer | None:
        """The server for ``aws``, ``us-east-1``: named by ``QDRANT_URL_AWS_US_EAST_1``, else by ``QDRANT_URL``."""
        suffix = re.sub(r"[^A-Z0-9]", "_", f"_{provider_id}_{code}".upper())
        return self._servers.get(suffix) or self._servers.get("")


def _server(environ: Mapping[str, str], suffix: str) -> QdrantServer:
    return QdrantServer(
        url=environ["QDRANT_URL" + suffix].rstrip("/"),
        grpc_port=int(environ.get("QDRANT_GRPC_PORT" + suffix) or 6334),
        api_key=environ.get("QDRANT_API_KEY" + suffix) or None,
        ca_file=environ.get("QDRANT_CA_FILE" + suffix) or None,
        shared=environ.get("QDRANT_SHARED" + suffix, "").lower() in {"1", "true", "yes", "on"},
    )
