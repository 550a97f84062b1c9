"""One machine in the place of the layout's network: every service of our image, as Compose would start it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from tests.deployment.layout import filled_in, load, ours
from tests.running_cloud import free_port

PROGRAMS = {"python": [sys.executable], **{name: [sys.executable, "-m", name] for name in ("uvicorn", "celery")}}


class Machine:
    """Every service of the layout on this machine: its ports, its environment, its processes."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.services = ours(load(filled_in() | {"CLOUDCONSOLE_LOG_LEVEL": "WARNING"}))
        self.redis_port, self.qdrant_port = free_port(), free_port()
        self._ports = {name: str(free_port()) for name in self.services}
        self._grpc_ports = {name: str(free_port()) for name in self.services}
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
        place["GATEWAY_GRPC_PORT"] = place["CLOUDCONSOLE_GRPC_PORT"] = self._grpc_ports[name]
        image = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOSTNAME": socket.gethostname()}
        return os.environ | given | place | image | {"DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}

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
