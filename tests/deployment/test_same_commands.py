"""The production layout without Docker: its commands and settings, with this machine in the place of its network."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from cloudconsole.supervisor.redis_server import EmbeddedRedis
from tests.deployment.layout import filled_in, load, ours
from tests.running_cloud import free_port
from tests.waiting import wait_until

MODEL = "sentence-transformers/all-minilm-l6-v2"
COOKIES = "What ingredients are needed for baking chocolate chip cookies?"
TEXTS = ["Cookies need flour, sugar, eggs and chocolate chips.", "Change the oil of your car every year."]
PROGRAMS = {"python": [sys.executable], **{name: [sys.executable, "-m", name] for name in ("uvicorn", "celery")}}


class Machine:
    """Every service of the layout on this machine: its ports, its environment, its processes."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.services = ours(load(filled_in() | {"CLOUDCONSOLE_LOG_LEVEL": "WARNING"}))
        self.redis_port, self.qdrant_port = free_port(), free_port()
        self._ports = {name: str(free_port()) for name in self.services}
        self._here = {
            self.services["migrate"]["environment"]["DATABASE_URL"]: database,
            "redis://redis:6379": f"redis://127.0.0.1:{self.redis_port}",
            "http://balancer:6400": f"http://127.0.0.1:{self.qdrant_port}",
            "inference-1:8081": f"127.0.0.1:{self._ports['inference-1']}",
            "inference-2:8081": f"127.0.0.1:{self._ports['inference-2']}",
            "/data/models": str(settings.INFERENCE_CACHE_DIR),
            "/tmp": str(folder),
            "0.0.0.0": "127.0.0.1",
        }

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def environment(self, name: str) -> dict[str, str]:
        given = {key: self._translated(value, name) for key, value in self.services[name]["environment"].items()}
        place = {"CLOUDCONSOLE_DATA_DIR": str(self.folder / "data"), "GATEWAY_REST_PORT": self._ports[name]}
        return os.environ | given | place | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}

    def command(self, name: str) -> list[str]:
        return self._program([self._translated(part, name) for part in self.services[name]["command"]])

    def health_check(self, name: str) -> list[str]:
        kind, *test = (self._translated(part, name) for part in self.services[name]["healthcheck"]["test"])
        return self._program(test) if kind == "CMD" else ["sh", "-c", *test]

    def _translated(self, text: str, name: str) -> str:
        for there, here in self._here.items():
            text = text.replace(there, here)
        if name.startswith(("gateway", "inference", "console")):
            for port in ("6333", "8081", "8000"):
                text = port_of(text, port, self._ports[name])
        return text

    @staticmethod
    def _program(command: list[str]) -> list[str]:
        return [*PROGRAMS.get(command[0], [command[0]]), *command[1:]]

    def run(self, name: str, command: list[str] | None = None, **environment: str) -> str:
        """Run a command in a service's environment to its end; what it said."""
        done = subprocess.run(
            command or self.command(name),
            cwd=PROJECT_DIR,
            env=self.environment(name) | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def manage(self, *arguments: str, **environment: str) -> str:
        return self.run("console", [sys.executable, "manage.py", *arguments], **environment)

    def healthy(self, name: str) -> bool:
        check = subprocess.run(
            self.health_check(name), cwd=PROJECT_DIR, env=self.environment(name), capture_output=True, timeout=60
        )
        return check.returncode == 0

    @contextmanager
    def running(self, name: str, command: list[str], environment: dict[str, str]) -> Iterator[None]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT_DIR,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def port_of(text: str, port: str, here: str) -> str:
    """The port in an address or as an argument of its own, never inside of other numbers."""
    return here if text == port else text.replace(f":{port}", f":{here}")


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
from clusters.services import create_database_api_key
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
    month = machine.manage(
        "shell", "--verbosity", "0", "-c", "import datetime as d; print(f'{d.datetime.now(d.UTC):%Y-%m}')"
    )
    machine.manage(
        *("export_billing", f"--account={api.account}", f"--month={month.strip()}", "--format=csv"),
        f"--output={output}",
    )
    header, *lines = (line.split(",") for line in output.read_text().splitlines())
    assert sorted(int(line[header.index("tokens")]) for line in lines) == sorted(answered)
    assert {line[header.index("cluster_id")] for line in lines} == {cluster}
