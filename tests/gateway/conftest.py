"""One small cloud for all tests of the gateway: real rows, real nodes, a real worker, one gateway in front."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from pytest_django import DjangoDbBlocker

from billing.models import UsageEvent
from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor
from clusters.catalogue import DEFAULT_VERSION
from clusters.database_keys import create_database_api_key
from clusters.models import Cluster, Package, Region
from clusters.rules.lifecycle import Phase
from gateway import traffic
from tests.gateway.grpc_door import MINILM, GrpcDoor
from tests.gateway.running import (
    GrpcMirror,
    Mirror,
    RunningGateway,
    running_both_ports,
    running_grpc_mirror,
    running_mirror,
    running_node,
)
from tests.inference.conftest import Worker, minilm_folder, tiny_models_dir, worker

__all__ = ["minilm_folder", "tiny_models_dir", "worker"]


@dataclass(frozen=True)
class Door:
    """One cluster through the gateway, with its key."""

    cluster: Cluster
    secret: str
    http: httpx.Client

    def collection(self, name: str, **fields: Any) -> str:
        """A fresh collection of this name, of unnamed vectors for MiniLM unless ``fields`` say otherwise."""
        body = fields or {"vectors": {"size": 384, "distance": "Cosine"}}
        self.http.delete(f"/collections/{name}")
        self.http.put(f"/collections/{name}", json=body).raise_for_status()
        return name

    def upsert(self, collection: str, *points: dict[str, Any]) -> httpx.Response:
        return self.http.put(f"/collections/{collection}/points", params={"wait": "true"}, json={"points": points})

    def query(self, collection: str, query: Any, **fields: Any) -> httpx.Response:
        body = {"query": query, "with_payload": True} | fields
        return self.http.post(f"/collections/{collection}/points/query", json=body)

    def count(self, collection: str) -> int:
        return self.http.post(f"/collections/{collection}/points/count", json={}).json()["result"]["count"]

    def billed(self) -> dict[str, int]:
        """Tokens in the ledger by model, corrections included; a model that nets to nothing is left out."""
        rows = UsageEvent.objects.filter(cluster=self.cluster.pk).values("model__name")
        return {row["model__name"]: row["tokens"] for row in rows.annotate(tokens=Sum("tokens")) if row["tokens"]}


def committing(work: Callable[[], object]) -> None:
    """Do it on a connection of its own, where it is committed and announced at once."""

    def on_own_connection() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(on_own_connection).result()


def document(text: str, model: str = MINILM, **options: Any) -> dict[str, Any]:
    return {"text": text, "model": model} | ({"options": options} if options else {})


def sentence(response: httpx.Response) -> str:
    return response.json()["status"]["error"]


@pytest.fixture(scope="package")
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Rows that package fixtures make are committed; they clean up after the last test of the gateway.

    The tests themselves run in a transaction that nobody else can look into: ``committing`` is for what the
    gateway is to see of them.
    """
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE monitoring_trafficsample, monitoring_gatewayline")


@pytest.fixture(scope="package")
def gateway(committed: None, worker: Worker) -> Iterator[RunningGateway]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "INFERENCE_ADDRESSES", [worker.address])
        patch.setattr(traffic, "FLUSH_SECONDS", 0.5)  # what is counted is looked for in the database
        with running_both_ports() as gateway:
            yield gateway


@pytest.fixture(scope="package")
def gateway_url(gateway: RunningGateway) -> str:
    return gateway.url


@pytest.fixture(scope="package")
def open_door(
    committed: None, gateway_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Door]]:
    """Makes a cluster (on a node of its own if ``node``) and the way in to it."""
    account = Account.objects.create(name="Gateway tests")

    with ExitStack() as stack:

        def make(
            name: str,
            *,
            place: str = "aws us-east-1",
            paid: bool = True,
            inference: bool = True,
            node: bool = True,
            **fields: Any,
        ) -> Door:
            made: list[tuple[Cluster, str]] = []
            committing(lambda: made.append(_make_cluster(account, name, place, paid, inference, fields)))
            [(cluster, secret)] = made
            stack.callback(committing, Cluster.objects.filter(pk=cluster.pk).delete)
            if node:
                stack.enter_context(running_node(cluster.pk, tmp_path_factory.mktemp("node")))
            http = stack.enter_context(httpx.Client(base_url=gateway_url, headers={"api-key": secret}, timeout=60))
            return Door(cluster, secret, http)

        yield make
    with connection.cursor() as cursor:  # ledger and audit log let nobody delete a row
        cursor.execute("TRUNCATE billing_usageevent, accounts_auditevent, accounts_auditchain")
    account.delete()


def _make_cluster(
    account: Account, name: str, place: str, paid: bool, inference: bool, fields: dict[str, Any]
) -> tuple[Cluster, str]:
    provider, region = place.split()
    values = {
        "account": account,
        "name": name,
        "region": Region.objects.get(provider_id=provider, code=region),
        "package": Package.objects.filter(type="paid" if paid else "free").order_by("price_per_hour").first(),
        "version": DEFAULT_VERSION,
        "phase": Phase.HEALTHY,
        "serving": True,
        "inference_enabled": inference,
        "applied_configuration": {"inference_enabled": inference},
    }
    cluster = Cluster.objects.create(**(values | fields))
    actor = Actor(type="test", id="test", name="test")
    _, secret = create_database_api_key(cluster=cluster, name="test", requested_by=actor)
    return cluster, secret


@pytest.fixture(scope="package")
def new_us(open_door: Callable[..., Door]) -> Door:
    """Paid, in the US, inference on: everything works."""
    return open_door("new-us")


@pytest.fixture(scope="package")
def free_us(open_door: Callable[..., Door]) -> Door:
    """On the free package: no inference but BM25."""
    return open_door("free-us", paid=False, inference=False)


@pytest.fixture(scope="package")
def mirrored(open_door: Callable[..., Door]) -> Door:
    """A cluster with no node of its own: a mirror or nothing is there."""
    return open_door("mirrored", node=False)


@pytest.fixture
def mirror(mirrored: Door) -> Iterator[Mirror]:
    with running_mirror(mirrored.cluster.pk) as mirror:
        yield mirror


@pytest.fixture(scope="package")
def channel(gateway: RunningGateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.grpc_port}") as channel:
        yield channel


@pytest.fixture
def remote(new_us: Door, channel: grpc.Channel) -> GrpcDoor:
    return GrpcDoor(channel, new_us.secret)


@pytest.fixture
def mirrored_remote(mirrored: Door, channel: grpc.Channel) -> GrpcDoor:
    return GrpcDoor(channel, mirrored.secret)


@pytest.fixture
def grpc_mirror(mirrored: Door) -> Iterator[GrpcMirror]:
    with running_grpc_mirror(mirrored.cluster.pk) as mirror:
        yield mirror
