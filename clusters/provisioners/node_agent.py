"""The embedded provisioner: nodes on this machine, through the node agent's unix socket."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cloudconsole.paths import resolve_paths
from clusters.provisioners.errors import GenerationRefused, ProvisionerUnavailable

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


class NodeAgentProvisioner:
    """Starts and stops embedded nodes. Every call may be repeated."""

    def __init__(self, run_dir: Path | None = None) -> None:
        self._run_dir = run_dir or resolve_paths().run

    def start(self, cluster_id: uuid.UUID | str, generation: int, configuration: dict[str, Any]) -> None:
        """Run this generation with ``{"version", "inference_enabled"}``; does not wait for readiness.

        Raises GenerationRefused when another generation is in the way.
        """
        self._call("PUT", f"/nodes/{cluster_id}", {"generation": generation, "configuration": configuration})

    def stop(self, cluster_id: uuid.UUID | str, generation: int) -> None:
        """Stop what runs with a generation older than this one and wait until it is gone."""
        self._call("POST", f"/nodes/{cluster_id}/stop", {"generation": generation}, _STOP_SECONDS)

    def ready(self, cluster_id: uuid.UUID | str, generation: int) -> bool:
        """Whether the node of this generation answers requests."""
        status = self.status(cluster_id)
        return status is not None and status.ready and status.generation == generation

    def status(self, cluster_id: uuid.UUID | str) -> NodeStatus | None:
        """What runs for a cluster; None when the agent does not know it."""
        answer = self._call("GET", f"/nodes/{cluster_id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else NodeStatus(**answer.json())

    def delete(self, cluster_id: uuid.UUID | str) -> None:
        """Stop a cluster's node and delete its data."""
        self._call("DELETE", f"/nodes/{cluster_id}", timeout=_STOP_SECONDS)

    def upstream(self, cluster_id: uuid.UUID | str) -> str:
        """The path of the unix socket a cluster's node listens on."""
        return str(self._run_dir / f"n-{cluster_id}.sock")

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout: float = _ANSWER_SECONDS
    ) -> httpx.Response:
        socket = self._run_dir / _SOCKET_NAME
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=timeout) as client:
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


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
