"""The answer to what the Metrics tab asks about tokens (``clusters.monitoring.tokens``)."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from billing.event_ids import first_id
from clusters.models import Cluster
from clusters.monitoring.queries import Window

_EVENTS = """
SELECT date_bin(%(step)s, occurred_at, 'epoch'), sum(tokens)::bigint FROM billing_usageevent
WHERE account_id = %(account)s AND cluster_id = %(cluster)s AND model_id IS NOT NULL
    AND id >= %(first_id)s AND id < %(end_id)s AND occurred_at >= %(since)s AND occurred_at < %(until)s
GROUP BY 1
"""
# Whole hours from the rollups, and the events that these do not hold yet.
_HOURS = """
SELECT point, sum(tokens)::bigint FROM (
    SELECT date_bin(%(step)s, hour_start, 'epoch') AS point, tokens FROM billing_usagerollup
    WHERE account_id = %(account)s AND cluster_id = %(cluster)s AND model_id IS NOT NULL
        AND hour_start >= %(since)s AND hour_start < %(until)s
    UNION ALL
    SELECT date_bin(%(step)s, occurred_at, 'epoch'), tokens FROM billing_usageevent
    WHERE account_id = %(account)s AND cluster_id = %(cluster)s AND model_id IS NOT NULL
        AND seq > (SELECT coalesce(max(through_seq), 0) FROM billing_rollupprogress)
        AND occurred_at >= %(since)s AND occurred_at < %(until)s
) AS used GROUP BY 1
"""


class LedgerTokens:
    """Tokens as the ledger has them."""

    def tokens_by_point(self, cluster: Cluster, window: Window) -> dict[datetime, int]:
        parameters: dict[str, Any] = {
            "account": cluster.account_id,
            "cluster": cluster.pk,
            "since": window.since,
            "until": window.until,
            "step": window.step,
            "first_id": first_id(window.since),
            "end_id": first_id(window.until + timedelta(milliseconds=1)),
        }
        with connection.cursor() as cursor:
            cursor.execute(_HOURS if window.step >= timedelta(hours=1) else _EVENTS, parameters)
            return {at: tokens for at, tokens in cursor.fetchall() if tokens}
