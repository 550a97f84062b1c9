# ruff: noqa: S608 - statements are put together from constants of this file; values go in as parameters
"""What was used and what it costs, for pages and answers: sums of the lines of a bill, so they agree with exports."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from billing.event_ids import first_id
from billing.lines import bill_lines
from billing.models import RollupProgress, UsageEvent
from billing.rating import NOTHING
from billing.report_line import ReportLine
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.money import EXACT
from clusters.models import Cluster

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens, the inputs they came from, and what they cost in millicents, exactly (ten places)."""

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
    api_key_id: UUID | None
    api_key: str  # its name, or its id once the key is gone


@dataclass(frozen=True, kw_only=True)
class HourUsage(Usage):
    hour: datetime  # its start, in UTC


def inference_lines(
    *, month: Month, account: Account | None = None, cluster: Cluster | None = None
) -> list[ReportLine]:
    """Lines of the month's bill that are about tokens, of an account or of one cluster: name one of both."""
    owner = account if account is not None else cluster.account if cluster is not None else None
    if owner is None:
        raise ValueError("Usage is that of an account or of a cluster.")
    return [
        line
        for line in bill_lines(account=owner, month=month)
        if line.model_id is not None and (cluster is None or line.cluster_id == cluster.pk)
    ]


def usage_by_model(*, month: Month, account: Account | None = None, cluster: Cluster | None = None) -> list[ModelUsage]:
    """The month's usage of each model used, by name."""
    lines = inference_lines(month=month, account=account, cluster=cluster)
    sums = _summed(lines, lambda line: (line.model or "", line.model_id))
    return [ModelUsage(model_id=id, model=name, **usage) for (name, id), usage in sums]


def usage_by_cluster(*, month: Month, account: Account) -> list[ClusterUsage]:
    """The month's usage of each cluster that used any inference, by name."""
    lines = inference_lines(month=month, account=account)
    sums = _summed(lines, lambda line: (line.cluster_name, line.cluster_id))
    return [ClusterUsage(cluster_id=id, cluster=name, **usage) for (name, id), usage in sums]


def usage_by_api_key(
    *, month: Month, account: Account | None = None, cluster: Cluster | None = None
) -> list[ApiKeyUsage]:
    """The month's usage through each database API key, by name."""
    lines = inference_lines(month=month, account=account, cluster=cluster)
    sums = _summed(lines, lambda line: (line.api_key_name or "", line.api_key_id))
    return [ApiKeyUsage(api_key_id=id, api_key=name, **usage) for (name, id), usage in sums]


def usage_by_hour(*, month: Month, account: Account | None = None, cluster: Cluster | None = None) -> list[HourUsage]:
    """The month's usage in each hour that had any, in order."""
    lines = inference_lines(month=month, account=account, cluster=cluster)
    return [HourUsage(hour=hour, **usage) for hour, usage in _summed(lines, lambda line: line.hour_start)]


def _summed(lines: Iterable[ReportLine], of: Callable[[ReportLine], Any]) -> list[tuple[Any, dict[str, Any]]]:
    """The amounts of the lines by whatever ``of`` tells of them, in its order."""
    sums: dict[Any, tuple[int, int, Decimal]] = defaultdict(lambda: (0, 0, NOTHING))
    for line in lines:
        tokens, inputs, cost = sums[of(line)]
        sums[of(line)] = (tokens + line.tokens, inputs + line.inputs, EXACT.add(cost, line.cost_millicents))
    names = ("tokens", "inputs", "cost_millicents")
    return [(key, dict(zip(names, sums[key], strict=True))) for key in sorted(sums)]


def newest_usage(account: Account, *, since: datetime = _EPOCH) -> str:
    """Changes whenever usage of the account was recorded that occurred after ``since``."""
    events = UsageEvent.objects.filter(account_id=account.pk, id__gte=first_id(since))
    return str(events.order_by("-seq").values_list("seq", flat=True).first())


_OF_CLUSTER = "account_id = %(account_id)s AND cluster_id = %(cluster_id)s AND model_id IS NOT NULL"


def _events(of: str) -> str:
    """Events of a span of time that parameters tell: an id knows milliseconds only, the event's own time the rest."""
    return f"""
    UNION ALL SELECT model_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, tokens FROM billing_usageevent
    WHERE {_OF_CLUSTER} AND id >= %({of}_first_id)s AND id < %({of}_end_id)s
        AND occurred_at >= %({of}_since)s AND occurred_at < %({of}_until)s
"""


def _cut_off(of: str) -> str:
    return f"{_events(of)} AND seq <= (SELECT through_seq FROM progress)"


# Whole hours from the rollups; the events that these do not hold yet, and those of an hour cut off at either end.
# How far the rollups were a moment ago changes nothing but the plan: a number tells that there are few events above it.
_DAILY_TOKENS = f"""
WITH progress AS (SELECT coalesce(max(through_seq), 0) AS through_seq FROM billing_rollupprogress)
SELECT model_id, day, sum(tokens) FROM (
    SELECT model_id, (hour_start AT TIME ZONE 'UTC')::date AS day, tokens FROM billing_usagerollup
    WHERE {_OF_CLUSTER} AND hour_start >= %(hours_since)s AND hour_start < %(hours_until)s
    {_events("all")} AND seq > %(through_seq)s AND seq > (SELECT through_seq FROM progress)
    {{cut_off}}
) AS used
GROUP BY 1, 2 HAVING sum(tokens) <> 0 ORDER BY 1, 2
"""
_HOUR = timedelta(hours=1)


def daily_tokens(*, cluster: Cluster, since: datetime, until: datetime) -> dict[UUID, dict[date, int]]:
    """Tokens of the cluster by model id and day (UTC) in ``[since, until)``; days without any are left out."""
    since, until = max(since, _EPOCH), max(until, _EPOCH)
    first_hour = -(-(since - _EPOCH) // _HOUR) * _HOUR + _EPOCH
    last_hour = (until - _EPOCH) // _HOUR * _HOUR + _EPOCH
    head_until = min(first_hour, until)
    ends = {"head": (since, head_until), "tail": (max(head_until, last_hour), until)}
    cut_off = {name: span for name, span in ends.items() if span[0] < span[1]}
    parameters: dict[str, Any] = {
        "account_id": cluster.account_id,
        "cluster_id": cluster.pk,
        "through_seq": RollupProgress.objects.values_list("through_seq", flat=True).first() or 0,
        "hours_since": first_hour,
        "hours_until": last_hour,
        **_span("all", since, until),
    }
    for name, span in cut_off.items():
        parameters |= _span(name, *span)
    tokens: dict[UUID, dict[date, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DAILY_TOKENS.format(cut_off="".join(map(_cut_off, cut_off))), parameters)
        for model_id, day, count in cursor:
            tokens.setdefault(model_id, {})[day] = int(count)
    return tokens


def _span(of: str, since: datetime, until: datetime) -> dict[str, Any]:
    end_id = UUID(int=first_id(until).int + (1 << 80)) if since < until else first_id(since)
    return {f"{of}_since": since, f"{of}_until": until, f"{of}_first_id": first_id(since), f"{of}_end_id": end_id}
