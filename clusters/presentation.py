"""How a cluster's state is shown: one word, icon and tone for each, and an operation as a list of steps."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clusters import policies
from clusters.models import Cluster, Operation
from clusters.operations.steps import STEPS
from clusters.rules.lifecycle import OperationKind, Phase


class Tone(StrEnum):
    """What a state asks of people: nothing, patience, action, or nothing because nothing is going on."""

    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True)
class Badge:
    """A word that always stands beside its icon; ``tone`` only colours it."""

    word: str
    icon: str
    tone: Tone


PHASES: dict[Phase, Badge] = {
    Phase.CREATING: Badge("Creating", "loader-circle", Tone.BUSY),
    Phase.FAILED_TO_CREATE: Badge("Failed to create", "circle-x", Tone.BAD),
    Phase.UPDATING: Badge("Updating", "loader-circle", Tone.BUSY),
    Phase.FAILED_TO_UPDATE: Badge("Failed to update", "circle-x", Tone.BAD),
    Phase.SCALING: Badge("Scaling", "loader-circle", Tone.BUSY),
    Phase.UPGRADING: Badge("Upgrading", "loader-circle", Tone.BUSY),
    Phase.SUSPENDING: Badge("Suspending", "loader-circle", Tone.BUSY),
    Phase.SUSPENDED: Badge("Suspended", "circle-pause", Tone.QUIET),
    Phase.FAILED_TO_SUSPEND: Badge("Failed to suspend", "circle-x", Tone.BAD),
    Phase.RESUMING: Badge("Resuming", "loader-circle", Tone.BUSY),
    Phase.FAILED_TO_RESUME: Badge("Failed to resume", "circle-x", Tone.BAD),
    Phase.HEALTHY: Badge("Healthy", "circle-check", Tone.GOOD),
    Phase.NOT_READY: Badge("Not ready", "circle-alert", Tone.BAD),
    Phase.DELETING: Badge("Deleting", "loader-circle", Tone.BUSY),
    Phase.DELETED: Badge("Deleted", "circle-minus", Tone.QUIET),
}


def phase_badge(cluster: Cluster) -> Badge:
    return PHASES[Phase(cluster.phase)]


INFERENCE: dict[str, Badge] = {
    "on": Badge("On", "circle-check", Tone.GOOD),
    "off": Badge("Off", "power", Tone.QUIET),
    "switching-on": Badge("Switching on", "loader-circle", Tone.BUSY),
    "switching-off": Badge("Switching off", "loader-circle", Tone.BUSY),
    "unavailable": Badge("Not available", "circle-minus", Tone.QUIET),
}


def inference_state(cluster: Cluster) -> str:
    """Inference as wanted and as it runs, a key of ``INFERENCE``. Needs ``package`` and ``region`` loaded."""
    if policies.inference.refusal_to_enable(package=cluster.package, region=cluster.region):
        return "unavailable"
    if cluster.inference_enabled == cluster.inference_applied:
        return "on" if cluster.inference_enabled else "off"
    return "switching-on" if cluster.inference_enabled else "switching-off"


def inference_badge(cluster: Cluster) -> Badge:
    return INFERENCE[inference_state(cluster)]


@dataclass(frozen=True)
class StepLine:
    """One step of an operation: ``state`` is "done", "running", "waiting" or "failed"."""

    title: str
    state: str
    icon: str
    ended_at: datetime | None
    seconds: float | None


@dataclass(frozen=True)
class Progress:
    """An operation as people follow it. ``sentence`` says where it stands in one line."""

    operation: Operation
    sentence: str
    steps: list[StepLine]

    @property
    def seconds(self) -> float | None:
        """From the request to the end; None before it."""
        finished = self.operation.finished_at
        return (finished - self.operation.created_at).total_seconds() if finished else None


_STEP_ICONS = {"done": "circle-check", "running": "loader-circle", "waiting": "circle-dashed", "failed": "circle-x"}
_ENDED = {
    Operation.State.SUCCEEDED: "done",
    Operation.State.FAILED: "failed",
    Operation.State.SUPERSEDED: "left to the next operation",
}


def progress_of(operation: Operation) -> Progress:
    """The operation's steps with their times. A finished step began when the one before it ended.

    Needs ``cluster`` loaded.
    """
    ends = [datetime.fromisoformat(time) for time in operation.step_times]
    begins = [operation.started_at, *ends]
    lines = []
    for number, step in enumerate(STEPS[OperationKind(operation.kind)]):
        state = _step_state(operation, number)
        ended, begun = (ends[number], begins[number]) if number < len(ends) else (None, None)
        seconds = (ended - begun).total_seconds() if ended and begun else None
        lines.append(StepLine(step.title_for(operation.cluster), state, _STEP_ICONS[state], ended, seconds))
    return Progress(operation, _sentence(operation, lines), lines)


def _step_state(operation: Operation, number: int) -> str:
    if number < operation.steps_done:
        return "done"
    if number > operation.steps_done:
        return "waiting"
    return {Operation.State.RUNNING: "running", Operation.State.FAILED: "failed"}.get(
        Operation.State(operation.state), "waiting"
    )


def _sentence(operation: Operation, lines: list[StepLine]) -> str:
    if operation.state == Operation.State.PENDING:
        return f"{operation.summary}: waiting to start."
    if operation.unfinished and operation.steps_done < len(lines):
        title = lines[operation.steps_done].title
        return f"{operation.summary}: step {operation.steps_done + 1} of {len(lines)}, {title.lower()}."
    return f"{operation.summary}: {_ENDED.get(Operation.State(operation.state), 'finishing')}."
