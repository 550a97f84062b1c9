"""A cluster's log: what was done to it, which requests failed, what its node says, in the order of time."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from heapq import nlargest
from operator import attrgetter

from django.conf import settings
from django.db.models import Q

from clusters.models import Cluster, Operation
from clusters.monitoring.models import GatewayLine
from clusters.operations.steps import STEPS
from clusters.provisioners.choice import server_of
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.node_agent import NodeAgentProvisioner
from clusters.rules.lifecycle import OperationKind

MOST_SHOWN = 5_000
SOURCES = ("operation", "gateway", "node")
_FACT = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_TOLD_APART = ("level", "source", "message")
_WORTH_A_LOOK = ("warning", "error", "critical")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogLine:
    """``message`` is ``name=value`` pairs, with ``level`` and ``source`` first."""

    at: datetime
    source: str
    message: str

    @cached_property
    def _facts(self) -> dict[str, str]:
        return dict(_FACT.findall(self.message))

    @property
    def warning(self) -> str:
        """Its level where that is worth a look; else empty."""
        level = self._facts.get("level", "")
        return level if level in _WORTH_A_LOOK else ""

    @property
    def sentence(self) -> str:
        """What happened; the whole line where that is not told apart."""
        said = self._facts.get("message", "")
        try:
            return str(json.loads(said)) if said.startswith('"') else said or self.message
        except ValueError:
            return said

    @property
    def details(self) -> str:
        """The other pairs, as they are written."""
        if "message" not in self._facts:
            return ""
        return " ".join(f"{name}={value}" for name, value in self._facts.items() if name not in _TOLD_APART)


def cluster_log(
    cluster: Cluster, *, since: datetime, until: datetime, source: str = "", most: int = MOST_SHOWN
) -> list[LogLine]:
    """The newest lines in ``[since, until)``, oldest first; of one of ``SOURCES`` or of all."""
    readers = {"operation": _operations, "gateway": _gateway, "node": _node}
    chosen = [readers[source]] if source else list(readers.values())
    lines = (line for reader in chosen for line in reader(cluster, since, until, most) if since <= line.at < until)
    return sorted(nlargest(most, lines, key=attrgetter("at")), key=attrgetter("at"))


def _operations(cluster: Cluster, since: datetime, until: datetime, most: int) -> Iterator[LogLine]:
    operations = cluster.operations.filter(Q(finished_at=None) | Q(finished_at__gte=since), created_at__lt=until)
    for operation in operations.order_by("-generation")[:most]:
        yield from _lines_of(operation)


def _lines_of(operation: Operation) -> Iterator[LogLine]:
    def line(at: datetime, message: str, level: str = "info") -> LogLine:
        facts = f"level={level} source=operation kind={operation.kind} operation={operation.pk}"
        return LogLine(at, "operation", f"{facts} message={json.dumps(message, ensure_ascii=False)}")

    yield line(operation.created_at, f"{operation.summary}: asked for by {operation.requested_by}")
    if operation.started_at:
        yield line(operation.started_at, f"{operation.summary}: started")
    for step, ended in zip(STEPS[OperationKind(operation.kind)], operation.step_times, strict=False):
        yield line(datetime.fromisoformat(ended), f"{step.title_for(operation.cluster)}: done")
    if operation.finished_at:
        failed = operation.state == Operation.State.FAILED
        ending = operation.error if failed else operation.get_state_display().lower()
        yield line(operation.finished_at, f"{operation.summary}: {ending}", "error" if failed else "info")


def _gateway(cluster: Cluster, since: datetime, until: datetime, most: int) -> Iterator[LogLine]:
    lines = GatewayLine.objects.filter(cluster_id=cluster.pk, at__gte=since, at__lt=until)
    for line in lines.order_by("-at", "-id")[:most]:
        yield LogLine(line.at, "gateway", line.message)


def _node(cluster: Cluster, since: datetime, until: datetime, most: int) -> Iterator[LogLine]:
    """The node's own output, as far as the node agent still has it. A server of the operator's keeps its own."""
    if server_of(cluster.region):
        return
    try:
        lines = NodeAgentProvisioner(settings.PATHS.run).lines(cluster.pk)
    except ProvisionerUnavailable as error:
        logger.info("the node's lines are left out: %s", error)
        return
    for at, text in lines:
        yield LogLine(at, "node", f"source=node {text}")
