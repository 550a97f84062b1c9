"""What docker-compose.yml says, as Compose would read it."""

import re
from typing import Any

import yaml

from cloudconsole.paths import PROJECT_DIR

COMPOSE_FILE = PROJECT_DIR / "docker-compose.yml"
ENV_EXAMPLE = PROJECT_DIR / ".env.example"
IMAGE = "cloudconsole"

# ${NAME}, ${NAME:-default} or ${NAME:?sentence}; $$ is a dollar sign.
_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<operator>[-?])(?P<rest>[^}]*))?\}")


class VariableMissing(Exception):
    """Compose refuses to start: a variable is empty and the file says that it must not be."""


def variables() -> dict[str, set[str]]:
    """The variables of the file, each with the operators (``-``, ``?`` or none) it is used with."""
    found: dict[str, set[str]] = {}
    for match in _VARIABLE.finditer(COMPOSE_FILE.read_text()):
        found.setdefault(match["name"], set()).add(match["operator"] or "")
    return found


def example_environment() -> dict[str, str]:
    lines = [line for line in ENV_EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def load(environment: dict[str, str]) -> dict[str, Any]:
    """The file with its variables filled in. Raises ``VariableMissing``."""

    def value(match: re.Match[str]) -> str:
        found = environment.get(match["name"], "")
        if found or match["operator"] is None:
            return found
        if match["operator"] == "?":
            raise VariableMissing(match["name"])
        return match["rest"]

    def fill_in(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill_in(child) for key, child in node.items()}
        if isinstance(node, list):
            return [fill_in(child) for child in node]
        return _VARIABLE.sub(value, node).replace("$$", "$") if isinstance(node, str) else node

    return fill_in(yaml.safe_load(COMPOSE_FILE.read_text()))


def filled_in() -> dict[str, str]:
    """The example as an operator completes it."""
    return example_environment() | {
        "POSTGRES_PASSWORD": "pg",
        "CLOUDCONSOLE_SECRET_KEY": "a key of fifty characters or more, as Django wants it to be",
        "QDRANT_API_KEY": "qdrant",
    }


def ours(layout: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our own image."""
    return {name: service for name, service in layout["services"].items() if service["image"] == IMAGE}
