"""What is old becomes coarse, what is very old goes."""

from datetime import datetime

from django.db import connection, transaction

from clusters.monitoring.models import GatewayLine, NodeSample, TrafficSample
from clusters.monitoring.rules import HOUR, KEEP_HOURS, KEEP_LOG_LINES, KEEP_MINUTES, MINUTE, MOST_LOG_LINES

_ROLL_UP_TRAFFIC = f"""
WITH old AS (
    DELETE FROM monitoring_trafficsample WHERE minutes = {MINUTE} AND at < %s RETURNING *
), summed AS (
    SELECT cluster_id, date_trunc('hour', at, 'UTC') AS hour, place, sum(count)::bigint AS count
    FROM old, unnest(histogram) WITH ORDINALITY AS bucket (count, place) GROUP BY 1, 2, 3
), histograms AS (
    SELECT cluster_id, hour, array_agg(count ORDER BY place) AS histogram FROM summed GROUP BY 1, 2
), totals AS (
    SELECT cluster_id, date_trunc('hour', at, 'UTC') AS hour, sum(requests) AS requests, sum(failures) AS failures,
        sum(seconds) AS seconds
    FROM old GROUP BY 1, 2
)
INSERT INTO monitoring_trafficsample (cluster_id, minutes, at, requests, failures, seconds, histogram)
SELECT cluster_id, {HOUR}, hour, requests, failures, seconds, histogram
FROM totals JOIN histograms USING (cluster_id, hour)
ON CONFLICT (cluster_id, minutes, at) DO NOTHING
"""  # noqa: S608 - put together from constants
_ROLL_UP_NODES = f"""
WITH old AS (
    DELETE FROM monitoring_nodesample WHERE minutes = {MINUTE} AND at < %s RETURNING *
)
INSERT INTO monitoring_nodesample
    (cluster_id, node, minutes, at, readings, cpu, memory, file_memory, disk, points)
SELECT cluster_id, node, {HOUR}, date_trunc('hour', at, 'UTC'), sum(readings),
    avg(cpu), avg(memory), avg(file_memory), avg(disk), avg(points)
FROM old GROUP BY cluster_id, node, 4
ON CONFLICT (cluster_id, node, minutes, at) DO NOTHING
"""  # noqa: S608 - put together from constants
_TRIM_LINES = """
DELETE FROM monitoring_gatewayline WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY cluster_id ORDER BY at DESC, id DESC) AS number
        FROM monitoring_gatewayline
    ) AS numbered WHERE number > %s
)
"""


@transaction.atomic
def tidy_up(*, now: datetime) -> None:
    """Roll minutes up into hours and remove what is past its time. Repeating it, or two at once, changes nothing."""
    # Whole hours only, so that an hour is rolled up once; both directions at once wait for each other here.
    whole_hours = (now - KEEP_MINUTES).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('clusters.monitoring.tidy_up'))")
        cursor.execute(_ROLL_UP_TRAFFIC, [whole_hours])
        cursor.execute(_ROLL_UP_NODES, [whole_hours])
        cursor.execute(_TRIM_LINES, [MOST_LOG_LINES])
    TrafficSample.objects.filter(minutes=HOUR, at__lt=now - KEEP_HOURS).delete()
    NodeSample.objects.filter(minutes=HOUR, at__lt=now - KEEP_HOURS).delete()
    GatewayLine.objects.filter(at__lt=now - KEEP_LOG_LINES).delete()
