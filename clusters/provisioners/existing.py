"""A Qdrant server that the operator runs. It is not ours to restart: configuration is applied by the gateway alone."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.owner import Owner


class ExistingQdrantProvisioner:
    """One server named by ``QDRANT_URL``; it carries one cluster, because nothing separates tenants on it."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self.url = url
        self._headers = {"api-key": api_key} if api_key else {}

    def start(self, cluster_id: UUID, *, owner: Owner, configuration: dict[str, Any]) -> None:
        """Nothing to start."""

    def stop(self, cluster_id: UUID, *, owner: Owner, including_own: bool = False) -> None:
        """Nothing to stop: the gateway has closed the endpoint already."""

    def delete(self, cluster_id: UUID, *, owner: Owner) -> None:
        """Delete the cluster's collections: the server carries no others."""
        try:
            answer = httpx.get(f"{self.url}/collections", headers=self._headers, timeout=30).raise_for_status()
            for collection in answer.json()["result"]["collections"]:
                path = f"{self.url}/collections/{quote(collection['name'], safe='')}"
                httpx.delete(path, headers=self._headers, timeout=60).raise_for_status()
        except httpx.HTTPError as error:
            raise ProvisionerUnavailable(
                f"The collections on the Qdrant server at {self.url} could not be deleted ({error})."
            ) from None

    def memory_bytes(self, cluster_id: UUID) -> int | None:
        """The server does not tell."""
        return None

    def ready(self, cluster_id: UUID, *, generation: int) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", headers=self._headers, timeout=5).is_success
        except httpx.HTTPError as error:
            raise ProvisionerUnavailable(
                f"The Qdrant server at {self.url} does not answer ({error}). Start it or correct QDRANT_URL."
            ) from None

    def upstream(self, cluster_id: UUID) -> str:
        return self.url
