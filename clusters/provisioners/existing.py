"""A Qdrant server that the operator runs. It is not ours to restart: configuration is applied by the gateway alone."""

import ssl
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from cloudconsole.qdrant_servers import QdrantServer
from cloudconsole.secrets_at_rest import derive_secret
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.owner import Owner

_SECONDS = 5
_DELETE_SECONDS = 60


def collection_prefix(cluster_id: UUID) -> str:
    """What stands before the names of a cluster's collections on a shared server: 80 bits that nobody can guess."""
    return f"t{derive_secret('collection prefix', str(cluster_id))[:20]}-"


class ExistingQdrantProvisioner:
    """A server named by ``QDRANT_URL``: of one cluster, or shared by several."""

    def __init__(self, server: QdrantServer) -> None:
        self._server = server

    def start(self, cluster_id: UUID, *, owner: Owner, configuration: dict[str, Any]) -> None:
        """Nothing to start."""

    def stop(self, cluster_id: UUID, *, owner: Owner, including_own: bool = False) -> None:
        """Nothing to stop: the gateway has closed the endpoint already."""

    def memory_bytes(self, cluster_id: UUID) -> int | None:
        """The server does not tell."""
        return None

    def ready(self, cluster_id: UUID, *, generation: int) -> bool:
        return self._ask("GET", "/readyz", _SECONDS).is_success

    def delete(self, cluster_id: UUID, *, owner: Owner) -> None:
        """Delete the cluster's collections: on a shared server those with its prefix, else all."""
        prefix = collection_prefix(cluster_id) if self._server.shared else ""
        for collection in self._call("GET", "/collections").json()["result"]["collections"]:
            if collection["name"].startswith(prefix):
                self._call("DELETE", f"/collections/{quote(collection['name'], safe='')}", seconds=_DELETE_SECONDS)

    def _call(self, method: str, path: str, seconds: float = _SECONDS) -> httpx.Response:
        try:
            return self._ask(method, path, seconds).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise ProvisionerUnavailable(f"The Qdrant server at {self._server.url} refused: {error}.") from None

    def _ask(self, method: str, path: str, seconds: float) -> httpx.Response:
        server = self._server
        headers = {"api-key": server.api_key} if server.api_key else {}
        verify = ssl.create_default_context(cafile=server.ca_file) if server.url.startswith("https") else True
        try:
            return httpx.request(method, f"{server.url}{path}", headers=headers, timeout=seconds, verify=verify)
        except httpx.HTTPError as error:
            raise ProvisionerUnavailable(
                f"The Qdrant server at {server.url} does not answer ({error}). Start it or correct QDRANT_URL."
            ) from None
