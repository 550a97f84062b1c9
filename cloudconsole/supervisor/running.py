"""What the supervisor runs, written down for ``manage.py status`` and for whoever looks for a process."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class RunningProcesses:
    """Ports that the running cloud listens on (they may have been given to ``up`` alone), process ids by name."""

    console_port: int
    rest_port: int
    grpc_port: int
    api_grpc_port: int
    process_ids: dict[str, int] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        os.replace(draft, file)


def running_processes() -> RunningProcesses:
    """What the last supervisor on this data folder wrote down, else the ports that a new one would use."""
    try:
        return RunningProcesses(**json.loads(settings.PATHS.processes.read_text()))
    except (FileNotFoundError, TypeError):  # TypeError: written by another release
        return RunningProcesses(*configured_ports())


def configured_ports() -> tuple[int, int, int, int]:
    """The ports of the settings, in the order in which RunningProcesses has them."""
    return settings.CONSOLE_PORT, settings.GATEWAY_REST_PORT, settings.GATEWAY_GRPC_PORT, settings.API_GRPC_PORT
