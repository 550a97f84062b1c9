"""The admin API's token counts: the ledger, seen per cluster, model and interval."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.utils import timezone

from billing.queries import daily_tokens
from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.monitoring.v1 import monitoring_pb2
from cloudconsole.api.registry import serves
from clusters.queries import cluster_of

DEFAULT_WINDOW = timedelta(days=7)
_BEGINNING = datetime.min.replace(tzinfo=UTC)

# The day that a bucket is named after: the first of its week (Monday) or month.
_BUCKETS: dict[int, Callable[[date], date]] = {
    monitoring_pb2.INFERENCE_METRICS_INTERVAL_DAY: lambda day: day,
    monitoring_pb2.INFERENCE_METRICS_INTERVAL_WEEK: lambda day: day - timedelta(days=day.weekday()),
    monitoring_pb2.INFERENCE_METRICS_INTERVAL_MONTH: lambda day: day.replace(day=1),
}


@serves("qdrant.cloud.monitoring.v1.MonitoringService.GetClusterInferenceMetrics")
def get_cluster_inference_metrics(
    request: monitoring_pb2.GetClusterInferenceMetricsRequest, caller: Caller
) -> monitoring_pb2.GetClusterInferenceMetricsResponse:
    """Tokens per model and interval (UTC). Models and intervals without any are left out."""
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    since, until = _window(request)
    bucket_of = _BUCKETS[request.interval or monitoring_pb2.INFERENCE_METRICS_INTERVAL_DAY]
    models = []
    for model_id, tokens_by_day in sorted(daily_tokens(cluster=cluster, since=since, until=until).items()):
        if request.HasField("inference_model_id") and request.inference_model_id != str(model_id):
            continue
        buckets: dict[date, int] = defaultdict(int)
        for day, tokens in tokens_by_day.items():
            buckets[bucket_of(day)] += tokens
        values = [
            monitoring_pb2.Metric(timestamp=datetime.combine(first_day, time(), UTC), value=tokens)
            for first_day, tokens in sorted(buckets.items())
        ]
        models.append(monitoring_pb2.ClusterInferenceModelMetrics(inference_model_id=str(model_id), values=values))
    return monitoring_pb2.GetClusterInferenceMetricsResponse(models=models)


def _window(request: monitoring_pb2.GetClusterInferenceMetricsRequest) -> tuple[datetime, datetime]:
    until = request.until.ToDatetime(UTC) if request.HasField("until") else timezone.now()
    if request.HasField("since"):
        return request.since.ToDatetime(UTC), until
    return max(until, _BEGINNING + DEFAULT_WINDOW) - DEFAULT_WINDOW, until
