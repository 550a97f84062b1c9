# ruff: noqa: S608 - statements are put together from constants of this file; values go in as parameters
"""What an account used, hour by hour, with the price in effect: sums that the database makes, in ``rating.order``.

From the ledger itself, or from its projection (the rollups, and the events that they do not hold yet): both are
always up to the moment and say the same; the projection is faster, the ledger is what statements are made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from billing.event_ids import first_id
from billing.rating import PricingUnit, pricing_unit
from cloudconsole.accounts.models import Account
from clusters.data_plane import CONSOLE_KEY_ID

Source = Literal["ledger", "projection"]
ROWS_AT_A_TIME = 500
MAX_SEQ = 2**63 - 1

# rules.price_at in SQL; the tests compare them.
_PRICE = """
WITH price AS (
    SELECT id, thing, of, millicents, effective_from,
        lead(effective_from, 1, 'infinity'::timestamptz) OVER (PARTITION BY thing, of ORDER BY effective_from)
            AS effective_until
    FROM (
        SELECT id, model_id AS thing, 'tokens' AS of, millicents_per_million AS millicents, effective_from
        FROM inference_modelprice
        UNION ALL
        SELECT id, package_id, kind, millicents_per_hour, effective_from FROM billing_packageprice
    ) AS version
)
"""
_THINGS = "cluster_id, model_id, package_id, api_key_id, kind"


def _priced(alias: str, moment: str) -> str:
    """The join with the price in effect. LEFT: usage from before a first price is free, and may not vanish."""
    return f"""LEFT JOIN price ON price.thing = coalesce({alias}.model_id, {alias}.package_id)
        AND price.of = CASE WHEN {alias}.kind IN ('compute', 'disk') THEN {alias}.kind ELSE 'tokens' END
        AND {alias}.{moment} >= price.effective_from AND {alias}.{moment} < price.effective_until"""


def _things(alias: str) -> str:
    return ", ".join(f"{alias}.{column.strip()}" for column in _THINGS.split(","))


_EVENT = f"""
    SELECT date_trunc('hour', event.occurred_at, 'UTC') AS hour_start, {_things("event")}, price.id AS price_id,
        event.tokens, event.inputs, event.hours, CASE WHEN event.corrects_id IS NULL THEN 1 ELSE -1 END AS events
    FROM billing_usageevent event {_priced("event", "occurred_at")}
    WHERE event.account_id = %(account_id)s AND event.id >= %(first_id)s AND event.id < %(end_id)s
"""
_FROM_LEDGER = f"""{_PRICE}, used AS ({_EVENT} AND event.seq <= %(through_seq)s)"""

# Within an hour in which a price changes, only the events know at which they were.
_FROM_PROJECTION = f"""{_PRICE}, changing AS (
    SELECT DISTINCT thing, date_trunc('hour', effective_from, 'UTC') AS hour_start FROM price
    WHERE effective_from > %(start)s AND effective_from < %(end)s
        AND effective_from <> date_trunc('hour', effective_from, 'UTC')
), progress AS (
    SELECT coalesce(max(through_seq), 0) AS through_seq FROM billing_rollupprogress
), used AS (
    SELECT rollup.hour_start, {_things("rollup")}, price.id AS price_id,
        rollup.tokens, rollup.inputs, rollup.hours, rollup.events
    FROM billing_usagerollup rollup {_priced("rollup", "hour_start")}
    WHERE rollup.account_id = %(account_id)s AND rollup.hour_start >= %(start)s AND rollup.hour_start < %(end)s
        AND (coalesce(rollup.model_id, rollup.package_id), rollup.hour_start)
            NOT IN (SELECT thing, hour_start FROM changing)
    UNION ALL
    {_EVENT} AND event.seq > (SELECT through_seq FROM progress)
    UNION ALL
    {_EVENT} AND event.seq <= (SELECT through_seq FROM progress)
        AND EXISTS (
            SELECT 1 FROM changing
            WHERE thing = coalesce(event.model_id, event.package_id)
                AND event.occurred_at >= changing.hour_start
                AND event.occurred_at < changing.hour_start + interval '1 hour'
        )
)"""
_SOURCES: dict[Source, str] = {"ledger": _FROM_LEDGER, "projection": _FROM_PROJECTION}

# Usage that was taken back in full shows nowhere, as if it had never been. LEFT JOINs only: no usage may vanish
# because what it was for is gone.
_HOURLY = f"""
SELECT hour.hour_start, hour.cluster_id, coalesce(cluster.name, hour.cluster_id::text), cluster.labels::text,
    coalesce(region.provider_id, ''), coalesce(region.code, ''), coalesce(region.name, ''),
    hour.kind, hour.model_id, coalesce(model.name, hour.model_id::text) AS model,
    hour.package_id, coalesce(package.name, hour.package_id::text),
    hour.api_key_id,
    CASE hour.api_key_id WHEN '{CONSOLE_KEY_ID}' THEN 'Console' ELSE coalesce(api_key.name, hour.api_key_id::text) END,
    hour.tokens, hour.inputs, hour.hours, hour.events,
    price.id, coalesce(price.millicents, 0), price.effective_from,
    CASE hour.kind
        WHEN 'compute' THEN 'cluster/' || coalesce(package.name, hour.package_id::text)
        WHEN 'disk' THEN 'disk/' || coalesce(package.name, hour.package_id::text)
        ELSE 'inference/' || coalesce(model.name, hour.model_id::text)
    END COLLATE "C" AS sku
FROM (
    SELECT hour_start, {_THINGS}, price_id, sum(tokens) AS tokens, sum(inputs) AS inputs, sum(hours) AS hours,
        sum(events) AS events
    FROM used GROUP BY hour_start, {_THINGS}, price_id
    HAVING sum(events) <> 0 OR sum(tokens) <> 0 OR sum(inputs) <> 0 OR sum(hours) <> 0
) AS hour
LEFT JOIN price ON price.id = hour.price_id
LEFT JOIN clusters_cluster cluster ON cluster.id = hour.cluster_id
LEFT JOIN clusters_region region ON region.id = cluster.region_id
LEFT JOIN clusters_package package ON package.id = hour.package_id
LEFT JOIN clusters_databaseapikey api_key ON api_key.id = hour.api_key_id
LEFT JOIN inference_inferencemodel model ON model.id = hour.model_id
ORDER BY hour.hour_start, hour.cluster_id, sku, hour.api_key_id NULLS FIRST, hour.kind COLLATE "C",
    price.effective_from NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class HourlyUsage:
    """What was used of one thing in one hour at one price. Names of things that are gone are their ids.

    ``labels`` are the cluster's as JSON, None once it is gone. ``price_id`` and ``price_effective_from`` are None for
    usage from before the first price.
    """

    hour_start: datetime
    cluster_id: UUID
    cluster_name: str
    labels: str | None
    provider: str
    region: str
    region_name: str
    kind: str
    model_id: UUID | None
    model: str | None
    package_id: UUID | None
    package: str | None
    api_key_id: UUID | None
    api_key_name: str | None
    tokens: int
    inputs: int
    hours: int
    events: int
    price_id: UUID | None
    unit_price: int
    price_effective_from: datetime | None
    sku: str

    @property
    def quantity(self) -> int:
        """What is billed: tokens, node-hours or GiB-hours."""
        return self.tokens if pricing_unit(self.kind) is PricingUnit.TOKENS else self.hours


def hourly_usage(
    *, account: Account, start: datetime, end: datetime, source: Source, through_seq: int = MAX_SEQ
) -> Iterator[HourlyUsage]:
    """The account's usage in ``[start, end)``, in ``rating.order``, all as of one moment.

    ``through_seq`` leaves out what the ledger got later than that (source ``ledger`` only). The database sorts and
    keeps the rows; they pass through here a few hundred at a time.
    """
    parameters: dict[str, Any] = {
        "account_id": account.pk,
        "start": start,
        "end": end,
        "first_id": first_id(start),
        "end_id": first_id(end),
        "through_seq": through_seq,
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SOURCES[source] + _HOURLY, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            for row in rows:
                yield HourlyUsage(*row[:14], *map(int, row[14:18]), *row[18:])
