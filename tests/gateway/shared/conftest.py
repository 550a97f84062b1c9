"""A Qdrant server that two clusters share: the one that QDRANT_URL names, else an embedded node on TCP ports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from django.conf import settings
from qdrant_client import QdrantClient

from cloudconsole.qdrant_servers import QdrantServers
from clusters.provisioners.existing import collection_prefix
from tests.clusters.node.conftest import hybrid, square
from tests.clusters.node.running import RunningNode
from tests.gateway.conftest import Door
from tests.gateway.running import RunningGateway
from tests.settings import REAL_SERVER

__all__ = ["hybrid", "square"]
REGION = "gcp us-east4"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The server as its operator sees it, with everybody's collections."""
    node = None
    variables = dict(REAL_SERVER)
    if "QDRANT_URL" not in variables:
        node = RunningNode(tmp_path_factory.mktemp("server"))
        variables = {"QDRANT_URL": node.url, "QDRANT_GRPC_PORT": str(node.grpc_port)}
    key = variables.get("QDRANT_API_KEY")
    before = settings.QDRANT_SERVERS
    settings.QDRANT_SERVERS = QdrantServers(
        {f"{name}_GCP_US_EAST4": value for name, value in (variables | {"QDRANT_SHARED": "1"}).items()}
    )
    with httpx.Client(base_url=variables["QDRANT_URL"], headers={"api-key": key} if key else {}, timeout=60) as http:
        yield http
    settings.QDRANT_SERVERS = before
    if node:
        node.stop()


@dataclass(frozen=True)
class Tenant:
    """A cluster on the shared server; ``prefix`` is what nobody but the operator may ever see."""

    door: Door
    prefix: str

    @property
    def url(self) -> str:
        return str(self.door.http.base_url).rstrip("/")

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A request whose body is JSON of ``body``, or ``content=`` bytes. Its answer tells nothing of the prefix."""
        answer = self.door.http.request(method, path, json=body, **options)
        assert self.prefix not in answer.text
        assert self.prefix not in str(answer.headers)
        return answer

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The result of a request that must succeed."""
        answer = self.request(method, path, body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@pytest.fixture(scope="package")
def tenants(server: httpx.Client, open_door: Callable[..., Door]) -> Iterator[tuple[Tenant, Tenant]]:
    doors = [open_door(name, place=REGION, node=False) for name in ("tenant-a", "tenant-b")]
    both = tuple(Tenant(door, collection_prefix(door.cluster.pk)) for door in doors)
    yield both  # type: ignore[misc]
    for collection in server.get("/collections").json()["result"]["collections"]:
        if collection["name"].startswith(tuple(tenant.prefix for tenant in both)):
            server.delete(f"/collections/{collection['name']}")


@pytest.fixture(scope="module")
def node(tenants: tuple[Tenant, Tenant]) -> Tenant:
    """What stands in for a node where its suites run through the gateway."""
    return tenants[0]


@pytest.fixture(scope="module")
def client(tenants: tuple[Tenant, Tenant], gateway: RunningGateway, request: Any) -> Iterator[QdrantClient]:
    """The official client, as users have it."""
    official = QdrantClient(
        url=gateway.url,
        grpc_port=gateway.grpc_port,
        prefer_grpc=getattr(request.module, "PREFER_GRPC", False),
        api_key=tenants[0].door.secret,
        timeout=60,
    )
    yield official
    official.close()
