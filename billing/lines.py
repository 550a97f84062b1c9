# ruff: noqa: S608 - the statement is put together from constants; values go in as parameters
"""The lines of a billing report: one per hour, cluster, model, API key, kind and price version, in that order.

The database groups, sorts and keeps the lines; they pass through here a few hundred at a time, so memory does not
grow with the report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from billing.queries import NOT_TAKEN_BACK, RATED_USAGE, period
from billing.rules import Month, millicents_from_millionths
from cloudconsole.accounts.models import Account
from cloudconsole.money import usd_from_millicents

LINES_AT_A_TIME = 500

_LINES = f"""{RATED_USAGE}, line AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour_start, account_id, cluster_id, model_id, api_key_id, kind,
        price_id, price_effective_from, unit_price, sum(tokens) AS tokens, sum(inputs) AS inputs,
        sum(events) AS events, sum(cost_millionths) AS cost_millionths
    FROM rated
    WHERE (%(model)s::text IS NULL
            OR model_id = (SELECT id FROM inference_inferencemodel WHERE name = %(model)s::text))
        AND (%(api_key_id)s::uuid IS NULL OR api_key_id = %(api_key_id)s::uuid)
        AND (%(labels)s::jsonb IS NULL
            OR cluster_id IN (SELECT id FROM clusters_cluster WHERE labels @> %(labels)s::jsonb))
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 {NOT_TAKEN_BACK}
)
SELECT line.hour_start, line.account_id, coalesce(account.name, line.account_id::text),
    line.cluster_id, coalesce(cluster.name, line.cluster_id::text),
    coalesce(region.provider_id, ''), coalesce(region.code, ''), coalesce(model.name, line.model_id::text) AS model,
    line.api_key_id, coalesce(api_key.name, line.api_key_id::text), line.kind,
    line.tokens, line.inputs, line.events, line.unit_price, line.price_effective_from, line.cost_millionths,
    line.price_id, coalesce(region.name, ''), cluster.labels::text
FROM line
LEFT JOIN accounts_account account ON account.id = line.account_id
LEFT JOIN clusters_cluster cluster ON cluster.id = line.cluster_id
LEFT JOIN clusters_region region ON region.id = cluster.region_id
LEFT JOIN clusters_databaseapikey api_key ON api_key.id = line.api_key_id
LEFT JOIN inference_inferencemodel model ON model.id = line.model_id
ORDER BY line.hour_start, line.cluster_id, coalesce(model.name, line.model_id::text) COLLATE "C",
    line.api_key_id, line.kind COLLATE "C", line.price_effective_from NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What one API key used of one model in one hour at one price.

    Names of things that are gone are their ids. ``price_effective_from`` and ``price_id`` are None for usage from
    before the model's first price, which is free. ``cost_millicents`` has six decimal places and ``cost_usd``
    eleven: exact. ``labels`` are the cluster's, None once it is gone.
    """

    hour_start: datetime
    account_id: UUID
    account_name: str
    cluster_id: UUID
    cluster_name: str
    provider: str
    region: str
    model: str
    api_key_id: UUID
    api_key_name: str
    kind: str
    tokens: int
    inputs: int
    events: int
    unit_price_millicents_per_million_tokens: int
    price_effective_from: datetime | None
    cost_millicents: Decimal
    cost_usd: Decimal
    price_id: UUID | None
    region_name: str
    labels: list[dict[str, str]] | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of the usage: of a cluster, a model, an API key, or clusters with a label. None stands for any."""

    cluster_id: UUID | None = None
    model: str | None = None
    api_key_id: UUID | None = None
    label: tuple[str, str] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        labels = self.label and orjson.dumps([{"key": self.label[0], "value": self.label[1]}]).decode()
        return {"cluster_id": self.cluster_id, "model": self.model, "api_key_id": self.api_key_id, "labels": labels}


EVERYTHING = Selection()


def report_lines(
    *, account: Account, month: Month, until: Month | None = None, selection: Selection = EVERYTHING
) -> Iterator[list[ReportLine]]:
    """The account's lines of the month, or of the months up to and with ``until``, some at a time.

    All as of the moment the first are asked for.
    """
    parameters = period(month.start, (until or month).end, account=account) | selection.parameters
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LINES, parameters)
        while rows := cursor.fetchmany(LINES_AT_A_TIME):
            yield [_line(row) for row in rows]


def _line(row: Sequence[Any]) -> ReportLine:
    *facts, unit_price, price_effective_from, cost_millionths, price_id, region_name, labels = row
    facts[-3:] = map(int, facts[-3:])  # sums arrive as decimals
    cost = millicents_from_millionths(cost_millionths)
    costs = [cost, usd_from_millicents(cost)]
    of_focus = [price_id, region_name, labels and orjson.loads(labels)]
    return ReportLine(*[*facts, unit_price, price_effective_from, *costs, *of_focus])
