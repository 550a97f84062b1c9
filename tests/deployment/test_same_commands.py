"""The production layout without Docker: its commands and settings, with this machine in the place of its network."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from billing.rules import Month
from cloudconsole.supervisor.redis_server import EmbeddedRedis
from tests.deployment.machine import Machine
from tests.waiting import wait_until

MODEL = "sentence-transformers/all-minilm-l6-v2"
COOKIES = "What ingredients are needed for baking chocolate chip cookies?"
TEXTS = ["Cookies need flour, sugar, eggs and chocolate chips.", "Change the oil of your car every year."]


@pytest.fixture(scope="module")
def database(embedded_servers: None) -> Iterator[str]:
    """A database of its own in the test run's PostgreSQL; its URL."""
    server = settings.DATABASES["default"]
    name = f"compose_{uuid4().hex}"
    with psycopg.connect(host=server["HOST"], user=server["USER"], dbname="postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"postgres://{server['USER']}@{quote(server['HOST'], safe='')}/{name}"
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def machine(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """All processes of the layout, healthy by the layout's own health checks."""
    machine = Machine(tmp_path_factory.mktemp("machine"), database)
    redis = EmbeddedRedis(machine.folder / "r.sock").command()
    redis[redis.index("--port") + 1] = str(machine.redis_port)
    qdrant = [sys.executable, "-m", "clusters.node", "--port", str(machine.qdrant_port), "--version", "1.19.0"]
    qdrant += ["--cluster-id", str(uuid4()), "--data-dir", str(machine.folder / "qdrant")]
    with ExitStack() as stack:
        stack.enter_context(machine.running("redis", redis, dict(os.environ)))
        stack.enter_context(machine.running("qdrant", qdrant, dict(os.environ)))
        machine.run("migrate")
        processes = [name for name in machine.services if name != "migrate"]
        for name in processes:
            stack.enter_context(machine.running(name, machine.command(name), machine.environment(name)))
        for name in processes:
            wait_until(lambda name=name: machine.healthy(name), seconds=90, what=f"{name} is healthy")
        yield machine


@pytest.fixture(scope="module")
def api(machine: Machine) -> Callable[..., Any]:
    """The admin API of a new account."""
    said = machine.manage("create_account", "owner@example.com", CLOUDCONSOLE_OWNER_PASSWORD="correct horse battery")
    account, key = (line.split()[2] for line in said.splitlines()[:2])

    def ask(method: str, path: str, **content: Any) -> Any:
        headers = {"Authorization": f"apikey {key}"}
        path = path.format(account=account)
        answer = httpx.request(method, f"{machine.url('console')}/api{path}", headers=headers, timeout=20, **content)
        assert answer.is_success, answer.text
        return answer.json()

    ask.account = account
    return ask


def create_cluster(machine: Machine, api: Callable[..., Any]) -> tuple[str, str]:
    """A paid cluster in the US that the task worker has made healthy, and a key to its data plane."""
    package = machine.manage("shell", "--verbosity", "0", "-c", PRINT_PACKAGE).strip()
    wish = {"name": "one", "cloudProviderId": "aws", "cloudProviderRegionId": "us-east-1"}
    wish |= {"configuration": {"numberOfNodes": 1, "packageId": package}}
    path = "/cluster/v1/accounts/{account}/clusters"
    cluster = api("POST", path, json={"cluster": wish})["cluster"]["id"]
    wait_until(
        lambda: api("GET", f"{path}/{cluster}")["cluster"]["state"]["phase"] == "CLUSTER_PHASE_HEALTHY",
        seconds=60,
        what="the task worker has made the cluster healthy",
    )
    return cluster, machine.manage("shell", "--verbosity", "0", "-c", PRINT_NEW_KEY.format(cluster=cluster)).strip()


PRINT_PACKAGE = """
from clusters.models import Package
print(Package.objects.filter(type="paid").order_by("price_per_hour").first().pk)
"""
PRINT_NEW_KEY = """
from cloudconsole.accounts.services import Actor
from clusters.models import Cluster
from clusters.database_keys import create_database_api_key
cluster = Cluster.objects.get(pk="{cluster}")
actor = Actor(type="user", id="1", name="operator")
print(create_database_api_key(cluster=cluster, name="app", requested_by=actor)[1])
"""


def test_text_goes_in_through_one_gateway_and_is_found_and_billed_through_the_other(machine: Machine, api):
    cluster, key = create_cluster(machine, api)

    def ask(gateway: str, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{machine.url(gateway)}/collections/recipes{path}"
        answer = httpx.request(method, url, json=body, headers={"api-key": key}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    ask("gateway-1", "PUT", "", {"vectors": {"size": 384, "distance": "Cosine"}})
    points = [{"id": n, "vector": {"text": text, "model": MODEL}} for n, text in enumerate(TEXTS)]
    stored = ask("gateway-1", "PUT", "/points?wait=true", {"points": points})
    found = ask("gateway-2", "POST", "/points/query", {"query": {"text": COOKIES, "model": MODEL}})
    assert [point["id"] for point in found["result"]["points"]] == [0, 1]

    answered = [answer["usage"]["inference"]["models"][MODEL]["tokens"] for answer in (stored, found)]
    output = machine.folder / "month.csv"
    request = {"account": api.account, "month": Month.of(datetime.now(UTC)), "format": "csv", "output": output}
    machine.manage("export_billing", *(f"--{name}={value}" for name, value in request.items()))
    header, *lines = (line.split(",") for line in output.read_text().splitlines())
    assert sorted(int(line[header.index("tokens")]) for line in lines) == sorted(answered)
    assert {line[header.index("cluster_id")] for line in lines} == {cluster}
