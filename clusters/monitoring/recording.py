"""Writing numbers and lines down.

The gateway runs its statements on a connection of its own, without Django's. Each adds to what is there: several
gateways, and several readings, share a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from clusters.monitoring.rules import MINUTE

ADD_TRAFFIC = """
INSERT INTO monitoring_trafficsample AS kept (cluster_id, minutes, at, requests, failures, seconds, histogram)
VALUES (%s, 1, %s, %s, %s, %s, %s)
ON CONFLICT (cluster_id, minutes, at) DO UPDATE SET
    requests = kept.requests + excluded.requests,
    failures = kept.failures + excluded.failures,
    seconds = kept.seconds + excluded.seconds,
    histogram = ARRAY(
        SELECT a + b FROM unnest(kept.histogram, excluded.histogram) WITH ORDINALITY AS pair (a, b, place)
        ORDER BY place
    )
"""
ADD_LINE = "INSERT INTO monitoring_gatewayline (cluster_id, at, message) VALUES (%s, %s, %s)"

_MEASURED = ("cpu", "memory", "file_memory", "disk", "points")
_MEANS = ", ".join(
    f"{name} = coalesce((kept.{name} * kept.readings + excluded.{name}) / (kept.readings + 1), "
    f"excluded.{name}, kept.{name})"
    for name in _MEASURED
)
_ADD_READING = f"""
INSERT INTO monitoring_nodesample AS kept (cluster_id, node, minutes, at, readings, {", ".join(_MEASURED)})
VALUES (%s, %s, {MINUTE}, %s, 1, %s, %s, %s, %s, %s)
ON CONFLICT (cluster_id, node, minutes, at) DO UPDATE SET {_MEANS}, readings = kept.readings + 1
"""  # noqa: S608 - put together from constants of this file


@dataclass(frozen=True)
class NodeReading:
    """What a node uses now; None for what cannot be measured where it runs. Units as in ``NodeSample``."""

    cluster_id: UUID
    node: int = 0
    cpu: float | None = None
    memory: float | None = None
    file_memory: float | None = None
    disk: float | None = None
    points: float | None = None


@transaction.atomic
def record_readings(readings: Iterable[NodeReading], *, at: datetime) -> None:
    """Add readings to their minute."""
    minute = at.replace(second=0, microsecond=0)
    rows = [
        (reading.cluster_id, reading.node, minute, *(getattr(reading, name) for name in _MEASURED))
        for reading in sorted(readings, key=lambda one: (one.cluster_id, one.node))
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_ADD_READING, rows)
