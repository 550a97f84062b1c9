"""The production layout holds together: schema, settings, commands, health checks."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from django.core.management import get_commands

from cloudconsole.paths import PROJECT_DIR
from tests.deployment.layout import (
    COMPOSE_FILE,
    VariableMissing,
    example_environment,
    filled_in,
    load,
    ours,
    variables,
)

SECRETS = {"POSTGRES_PASSWORD", "CLOUDCONSOLE_SECRET_KEY", "QDRANT_API_KEY"}
DOCKERFILE = (PROJECT_DIR / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def layout():
    return load(filled_in())


@pytest.fixture(scope="module")
def services(layout):
    return layout["services"]


def is_one_shot(service) -> bool:
    return service.get("restart") == "no"


def test_compose_accepts_the_file():
    schema = ["--builtin-schema", "vendor.compose-spec"]
    check = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(COMPOSE_FILE)], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout


def test_everything_that_the_design_names_is_there(services):
    expected = {"postgres", "redis", "qdrant-1", "qdrant-2", "qdrant-3", "migrate", "console", "task-worker", "beat"}
    assert expected | {"admin-api", "gateway-1", "gateway-2", "inference-1", "inference-2"} <= services.keys()


def test_every_service_has_a_health_check_or_ends_by_itself(services):
    for name, service in services.items():
        assert ("healthcheck" in service) != is_one_shot(service), name
        assert is_one_shot(service) or service["restart"] == "unless-stopped", name


def test_what_is_waited_for_can_come_about(services):
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            assert other in services, name
            possible = {
                "service_started": True,
                "service_healthy": "healthcheck" in services[other],
                "service_completed_successfully": is_one_shot(services[other]),
            }
            assert possible[wait["condition"]], f"{name} waits for {other}"


def test_every_variable_is_in_the_example_and_nothing_else_is():
    assert variables().keys() == example_environment().keys()


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_it_refuses_to_start_without_a_secret(secret: str):
    assert variables()[secret] == {"?"}
    with pytest.raises(VariableMissing, match=secret):
        load(filled_in() | {secret: ""})


def test_the_example_gives_no_secret_away():
    empty = {name for name, value in example_environment().items() if not value}
    assert empty >= SECRETS
    assert not [name for name in variables() if re.search("KEY|SECRET|PASSWORD|TOKEN", name) and name not in SECRETS]


def test_every_setting_given_to_our_processes_is_one_they_read(layout):
    sources = "".join(path.read_text() for path in (PROJECT_DIR / "cloudconsole").glob("*.py"))
    documented = (PROJECT_DIR / "docs" / "configuration.md").read_text()
    for name, service in ours(layout).items():
        for variable in service["environment"]:
            read = f'"{variable}"' in sources or variable == "DATABASE_URL"
            assert read, f"{name} is given {variable}, which nothing reads"
            assert f"`{variable}`" in documented


def test_our_processes_find_the_servers_of_the_layout(layout):
    environment = os.environ | layout["services"]["gateway-1"]["environment"]
    ask = """if True:
        import json
        from cloudconsole import settings as s
        database = s.DATABASES["default"]
        server = s.QDRANT_SERVERS.of_region("aws", "us-east-1")
        print(json.dumps([database["HOST"], database["NAME"], database["PASSWORD"], s.EMBEDDED_POSTGRES,
            s.REDIS_URL, s.CELERY_BROKER_URL, server.url, server.grpc_port, server.api_key,
            s.INFERENCE_ADDRESSES, s.SECRET_KEY, s.BIND]))"""
    answer = subprocess.run(
        [sys.executable, "-c", ask], env=environment, cwd=PROJECT_DIR, capture_output=True, check=True
    )
    redis, given = "redis://redis:6379/0", filled_in()
    assert json.loads(answer.stdout) == [
        *("postgres", "cloudconsole", given["POSTGRES_PASSWORD"], False, redis, redis),
        *("http://balancer:6400", 6401, given["QDRANT_API_KEY"], ["inference-1:8081", "inference-2:8081"]),
        *(given["CLOUDCONSOLE_SECRET_KEY"], "0.0.0.0"),
    ]


def test_every_command_is_one_that_exists(layout):
    served = set()
    for name, service in ours(layout).items():
        match service["command"]:
            case ["python", "manage.py", command, *_]:
                assert command in get_commands(), name
            case ["uvicorn", target, *_] | ["celery", "-A", target, *_]:
                module, _, attribute = target.partition(":")
                served.add((module, attribute or "app"))
            case unknown:
                pytest.fail(f"{name} runs {unknown}")
    # In a process of its own: what is served makes its process what it is to be.
    find = "\n".join(f"from {module} import {attribute}" for module, attribute in sorted(served))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}
    subprocess.run([sys.executable, "-c", find], env=environment, cwd=PROJECT_DIR, check=True)


def test_every_host_in_an_address_is_a_service(layout):
    services = layout["services"]
    said = yaml.safe_dump([services, layout["configs"]])
    hosts = re.findall(r"(?:://(?:[^@/\s]*@)?|\s|,)([a-z][a-z0-9-]*):[0-9]{4}\b", said)
    assert {"postgres", "redis", "qdrant-1", "balancer", "gateway-2", "inference-2"} <= set(hosts)
    assert set(hosts) <= services.keys()


def test_the_balancer_has_the_ports_that_are_published_and_used(layout):
    balancer, configuration = layout["services"]["balancer"], layout["configs"]["balancer"]["content"]
    bound = re.findall(r"bind :([0-9]+)", configuration)
    assert bound == ["6333", "6334", "6400", "6401"]
    assert [port.rsplit(":", 1)[1] for port in balancer["ports"]] == ["6333", "6334"]
    for port in ("6333", "6334"):
        backends = re.findall(rf"server (\S+) (\S+):{port}\b", configuration)
        assert [host for _, host in backends] == ["gateway-1", "gateway-2", "qdrant-1", "qdrant-2", "qdrant-3"]


def test_only_console_and_gateways_are_reached_from_outside_and_by_default_from_this_machine_only(layout):
    published = {name: service["ports"] for name, service in layout["services"].items() if "ports" in service}
    assert published == {
        "console": ["127.0.0.1:8000:8000"],
        "admin-api": ["127.0.0.1:8443:8443"],
        "balancer": ["127.0.0.1:6333:6333", "127.0.0.1:6334:6334"],
    }
    assert layout["networks"]["servers"]["internal"] is True
    for name in ("postgres", "redis", "qdrant-1", "qdrant-2", "qdrant-3"):
        assert layout["services"][name]["networks"] == ["servers"]


def test_the_qdrant_nodes_form_one_cluster(services):
    nodes = {name: service for name, service in services.items() if name.startswith("qdrant-")}
    assert len(nodes) == 3
    for name, node in nodes.items():
        assert node["image"] == "qdrant/qdrant:v1.19.0"
        assert node["environment"]["QDRANT__CLUSTER__ENABLED"] == "true"
        assert node["command"][-2:] == ["--uri", f"http://{name}:6335"]
        first = ["./qdrant"] if name == "qdrant-1" else ["./qdrant", "--bootstrap", "http://qdrant-1:6335"]
        assert node["command"][:-2] == first


def test_what_must_survive_lies_in_volumes(layout):
    used = {volume.split(":")[0] for service in layout["services"].values() for volume in service.get("volumes", [])}
    assert used == layout["volumes"].keys()
    assert {"postgres", "redis", "qdrant-1", "qdrant-2", "qdrant-3", "models", "exports", "imports", "tls"} == used


def test_the_image_runs_as_an_ordinary_user_and_installs_pinned_packages():
    final_stage = DOCKERFILE.rpartition("FROM ")[2]
    assert re.findall(r"^USER (\S+)$", final_stage, re.MULTILINE) == ["cloudconsole"]
    assert "--require-hashes" in DOCKERFILE
    for name, service in ours(load(filled_in())).items():
        assert "user" not in service, name
        assert service["cap_drop"] == ["ALL"], name


def test_the_image_holds_what_runs_and_nothing_that_is_secret():
    rules = [line for line in (PROJECT_DIR / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    for path in kept:
        assert (PROJECT_DIR / path).exists(), path
    assert {"billing", "clusters", "cloudconsole", "gateway", "inference", "manage.py", "static", "templates"} <= kept
    assert not kept & {".env", ".cloud", ".git", "tests"}
