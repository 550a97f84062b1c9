# ruff: noqa: S608 - statements are put together from constants of this file; values go in as parameters
"""What was used and what it costs, from the ledger: the only place, so that every page and answer agrees.

Every function is one query. Amounts are exact; ``lines`` builds on the same ``RATED_USAGE``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from billing.rules import Month, millicents_from_millionths
from cloudconsole.accounts.models import Account
from clusters.models import Cluster

# Every event of a period with the price in effect when it occurred (rules.price_at in SQL; the tests compare them).
# Usage from before a model's first price is free. LEFT JOINs only: no usage may vanish because a row is gone.
RATED_USAGE = """
WITH price AS (
    SELECT id, model_id, millicents_per_million, effective_from,
        lead(effective_from, 1, 'infinity'::timestamptz)
            OVER (PARTITION BY model_id ORDER BY effective_from) AS effective_until
    FROM inference_modelprice
), rated AS (
    SELECT event.account_id, event.cluster_id, event.model_id, event.api_key_id, event.kind,
        event.tokens, event.inputs, event.occurred_at,
        CASE WHEN event.corrects_id IS NULL THEN 1 ELSE -1 END AS events,
        price.id AS price_id, price.effective_from AS price_effective_from,
        coalesce(price.millicents_per_million, 0) AS unit_price,
        event.tokens::numeric * coalesce(price.millicents_per_million, 0) AS cost_millionths
    FROM billing_usageevent event
    LEFT JOIN price ON price.model_id = event.model_id
        AND event.occurred_at >= price.effective_from AND event.occurred_at < price.effective_until
    WHERE event.occurred_at >= %(start)s AND event.occurred_at < %(end)s
        AND (%(account_id)s::uuid IS NULL OR event.account_id = %(account_id)s::uuid)
        AND (%(cluster_id)s::uuid IS NULL OR event.cluster_id = %(cluster_id)s::uuid)
)
"""
# Usage that was taken back in full shows nowhere, as if it had never been.
NOT_TAKEN_BACK = "HAVING sum(events) <> 0 OR sum(tokens) <> 0 OR sum(inputs) <> 0"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens, the inputs they came from, and their exact cost in millicents (six places)."""

    tokens: int
    inputs: int
    cost_millicents: Decimal


@dataclass(frozen=True, kw_only=True)
class ModelUsage(Usage):
    model_id: UUID
    model: str


@dataclass(frozen=True, kw_only=True)
class ClusterUsage(Usage):
    cluster_id: UUID
    cluster: str  # its name, or its id once the cluster is gone


@dataclass(frozen=True, kw_only=True)
class ApiKeyUsage(Usage):
    api_key_id: UUID
    api_key: str  # its name, or its id once the key is gone


@dataclass(frozen=True, kw_only=True)
class HourUsage(Usage):
    hour: datetime  # its start, in UTC


def usage_by_model(*, month: Month, account: Account | None = None, cluster: Cluster | None = None) -> list[ModelUsage]:
    """The month's usage of each model used, by name; of one account, one cluster, or the whole cloud."""
    rows = _usage_by("model_id", "inference_inferencemodel", month=month, account=account, cluster=cluster)
    return [ModelUsage(model_id=id, model=name, **usage) for id, name, usage in rows]


def usage_by_cluster(*, month: Month, account: Account | None = None) -> list[ClusterUsage]:
    """The month's usage of each cluster that used any, by name."""
    rows = _usage_by("cluster_id", "clusters_cluster", month=month, account=account)
    return [ClusterUsage(cluster_id=id, cluster=name, **usage) for id, name, usage in rows]


def usage_by_api_key(
    *, month: Month, account: Account | None = None, cluster: Cluster | None = None
) -> list[ApiKeyUsage]:
    """The month's usage through each database API key, by name."""
    rows = _usage_by("api_key_id", "clusters_databaseapikey", month=month, account=account, cluster=cluster)
    return [ApiKeyUsage(api_key_id=id, api_key=name, **usage) for id, name, usage in rows]


def usage_by_hour(*, month: Month, account: Account | None = None, cluster: Cluster | None = None) -> list[HourUsage]:
    """The month's usage in each hour that had any, in order."""
    statement = f"""{RATED_USAGE}
        SELECT date_trunc('hour', occurred_at, 'UTC'), sum(tokens), sum(inputs), sum(cost_millionths)
        FROM rated GROUP BY 1 {NOT_TAKEN_BACK} ORDER BY 1"""
    with _rows(statement, period(month.start, month.end, account=account, cluster=cluster)) as rows:
        return [HourUsage(hour=hour, **_usage(*sums)) for hour, *sums in rows]


def daily_tokens(*, cluster: Cluster, since: datetime, until: datetime) -> dict[UUID, dict[date, int]]:
    """Tokens of the cluster by model id and day (UTC) in ``[since, until)``; days without any are left out."""
    statement = f"""{RATED_USAGE}
        SELECT model_id, (occurred_at AT TIME ZONE 'UTC')::date, sum(tokens)
        FROM rated GROUP BY 1, 2 {NOT_TAKEN_BACK} ORDER BY 1, 2"""
    tokens: dict[UUID, dict[date, int]] = {}
    with _rows(statement, period(since, until, cluster=cluster)) as rows:
        for model_id, day, count in rows:
            tokens.setdefault(model_id, {})[day] = int(count)
    return tokens


def period(
    start: datetime, end: datetime, *, account: Account | None = None, cluster: Cluster | None = None
) -> dict[str, Any]:
    """The parameters of ``RATED_USAGE``."""
    return {
        "start": start,
        "end": end,
        "account_id": account and account.pk,
        "cluster_id": cluster and cluster.pk,
    }


def _usage_by(
    column: str, table: str, *, month: Month, account: Account | None = None, cluster: Cluster | None = None
) -> list[tuple[UUID, str, dict[str, Any]]]:
    """Id, name and amounts for each thing of ``table`` that ``column`` points at, in the order of names."""
    statement = f"""{RATED_USAGE}
        SELECT rated.{column}, coalesce(named.name, rated.{column}::text) COLLATE "C",
            sum(tokens), sum(inputs), sum(cost_millionths)
        FROM rated LEFT JOIN {table} named ON named.id = rated.{column}
        GROUP BY 1, 2 {NOT_TAKEN_BACK} ORDER BY 2, 1"""
    with _rows(statement, period(month.start, month.end, account=account, cluster=cluster)) as rows:
        return [(id, name, _usage(*sums)) for id, name, *sums in rows]


def _usage(tokens: Decimal, inputs: Decimal, cost_millionths: Decimal) -> dict[str, Any]:
    return {
        "tokens": int(tokens),
        "inputs": int(inputs),
        "cost_millicents": millicents_from_millionths(cost_millionths),
    }


@contextmanager
def _rows(statement: str, parameters: dict[str, Any]) -> Iterator[Iterable[tuple[Any, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield cursor
