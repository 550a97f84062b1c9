"""The embedded provisioner: nodes on this machine, through the node agent's unix socket."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from cloudconsole.paths import resolve_paths
from cloudconsole.unix_sockets import unix_transport
from clusters.provisioners.errors import GenerationRefused, ProvisionerUnavailable
from clusters.provisioners.owner import Owner

_SOCKET_NAME = "agent.sock"
_ANSWER_SECONDS = 10.0
_STOP_SECONDS = 60.0  # a node may drain for 30 seconds and is killed after 40


@dataclass(frozen=True)
class NodeStatus:
    """What runs for one cluster. ``state``: running, starting, stopped or backing_off; times are ISO 8601, UTC."""

    cluster_id: str
    generation: int
    state: str
    ready: bool
    pid: int | None
    started_at: str | None
    restarts: int
    socket: str | None
    memory_bytes: int | None = field(compare=False)  # it changes all the time


@dataclass(frozen=True)
class NodeUsage:
    """What one node uses: ``cpu`` in cores, the rest in bytes; None until it was read."""

    cluster_id: str
    cpu: float | None
    cpu_seconds: float
    memory: int | None
    file_memory: int | None
    disk: int | None
    points: int | None


class NodeAgentProvisioner:
    """Starts and stops embedded nodes. Every call may be repeated."""

    def __init__(self, run_dir: Path | None = None) -> None:
        self._run_dir = run_dir or resolve_paths().run

    def start(self, cluster_id: uuid.UUID | str, owner: Owner, configuration: dict[str, Any]) -> None:
        """Run the owner's generation with ``{"version", "inference_enabled"}``; does not wait for readiness.

        Raises GenerationRefused when another generation or a later owner is in the way.
        """
        self._call("PUT", f"/nodes/{cluster_id}", _named(owner) | {"configuration": configuration})

    def stop(self, cluster_id: uuid.UUID | str, owner: Owner, including_own: bool = False) -> None:
        """Stop what runs with an older generation, or with the owner's too, and wait until it is gone."""
        body = _named(owner) | {"including_own": including_own}
        self._call("POST", f"/nodes/{cluster_id}/stop", body, _STOP_SECONDS)

    def ready(self, cluster_id: uuid.UUID | str, generation: int) -> bool:
        """Whether the node of this generation answers requests."""
        status = self.status(cluster_id)
        return status is not None and status.ready and status.generation == generation

    def status(self, cluster_id: uuid.UUID | str) -> NodeStatus | None:
        """What runs for a cluster; None when the agent does not know it."""
        answer = self._call("GET", f"/nodes/{cluster_id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else NodeStatus(**answer.json())

    def delete(self, cluster_id: uuid.UUID | str, owner: Owner) -> None:
        """Stop a cluster's node and delete its data; no earlier owner starts it again."""
        self._call("POST", f"/nodes/{cluster_id}/delete", _named(owner), _STOP_SECONDS)

    def memory_bytes(self, cluster_id: uuid.UUID | str) -> int | None:
        """What the node's process holds in memory; None while there is none."""
        status = self.status(cluster_id)
        return status.memory_bytes if status else None

    def usage(self) -> list[NodeUsage]:
        """What every node that runs here uses, in one call."""
        return [NodeUsage(**one) for one in self._call("GET", "/usage").json()["nodes"]]

    def lines(self, cluster_id: uuid.UUID | str) -> list[tuple[datetime, str]]:
        """The last lines of a node's output, oldest first."""
        lines = self._call("GET", f"/nodes/{cluster_id}/lines").json()["lines"]
        return [(datetime.fromisoformat(at), text) for at, text in lines]

    def upstream(self, cluster_id: uuid.UUID | str) -> str:
        """The path of the unix socket a cluster's node listens on."""
        return str(self._run_dir / f"n-{cluster_id}.sock")

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout: float = _ANSWER_SECONDS
    ) -> httpx.Response:
        socket = self._run_dir / _SOCKET_NAME
        try:
            with httpx.Client(transport=unix_transport(socket), timeout=timeout) as client:
                answer = client.request(method, f"http://node-agent{path}", json=body)
        except httpx.TimeoutException:
            raise ProvisionerUnavailable(f"The node agent did not answer within {timeout:.0f} seconds.") from None
        except httpx.HTTPError as error:
            raise ProvisionerUnavailable(
                f"The node agent cannot be reached at {socket} ({error}); start it with `manage.py node_agent`."
            ) from None
        if answer.status_code == httpx.codes.CONFLICT:
            raise GenerationRefused(_sentence(answer))
        if answer.is_error and answer.status_code != httpx.codes.NOT_FOUND:
            raise ProvisionerUnavailable(f"The node agent refused: {_sentence(answer)}")
        return answer


def _named(owner: Owner) -> dict[str, Any]:
    return {"generation": owner.generation, "token": owner.token}


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
