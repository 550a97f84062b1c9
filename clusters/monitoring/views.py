"""The tabs Metrics, Events and Logs of a cluster."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.monitoring.charts import charts_of
from clusters.monitoring.logs import SOURCES, cluster_log
from clusters.monitoring.queries import Window
from clusters.presentation import progress_of
from clusters.queries import cluster_of
from clusters.views import ClusterView

WINDOWS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "6h": ("Last 6 hours", timedelta(hours=6)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
LOG_WINDOWS = {name: WINDOWS[name] for name in ("1h", "24h", "7d")}
EVENTS_PER_PAGE = 20
MOST_LINES = 500
_LARGEST_GENERATION = 2**31 - 1


@require_safe
@account_page("read:clusters")
def metrics(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """Charts over the ``window`` of the query."""
    view = ClusterView(cluster_of(request.account, cluster_id))
    chosen = _chosen(request, WINDOWS, "1h")
    now = timezone.now()
    window = Window.of(now - WINDOWS[chosen][1], now, now=now)
    context = {
        "view": view,
        "cluster": view.cluster,
        "windows": WINDOWS,
        "chosen": chosen,
        "window": window,
        "charts": charts_of(view.cluster, window),
    }
    return render_page(request, "monitoring/metrics.html", context, fragments=("charts",))


@require_safe
@account_page("read:clusters")
def events(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """What was done to the cluster, newest first; ``before`` in the query goes on where the page before ended."""
    view = ClusterView(cluster_of(request.account, cluster_id))
    operations = view.cluster.operations.order_by("-generation")
    before = request.GET.get("before", "")
    if before.isdecimal() and before.isascii() and int(before) <= _LARGEST_GENERATION:
        operations = operations.filter(generation__lt=int(before))
    found = list(operations[: EVENTS_PER_PAGE + 1])
    context = {
        "view": view,
        "cluster": view.cluster,
        "events": [progress_of(operation) for operation in found[:EVENTS_PER_PAGE]],
        "older": found[EVENTS_PER_PAGE - 1].generation if len(found) > EVENTS_PER_PAGE else None,
    }
    return render_page(request, "monitoring/events.html", context, fragments=("live",))


@require_safe
@account_page("read:clusters")
def logs(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The newest lines of the ``window`` and ``source`` in the query."""
    view = ClusterView(cluster_of(request.account, cluster_id))
    chosen = _chosen(request, LOG_WINDOWS, "24h")
    source = request.GET.get("source", "")
    source = source if source in SOURCES else ""
    now = timezone.now()
    lines = cluster_log(view.cluster, since=now - LOG_WINDOWS[chosen][1], until=now, source=source, most=MOST_LINES)
    context = {
        "view": view,
        "cluster": view.cluster,
        "windows": LOG_WINDOWS,
        "chosen": chosen,
        "sources": SOURCES,
        "source": source,
        "lines": lines[::-1],
        "most": MOST_LINES,
    }
    return render_page(request, "monitoring/logs.html", context, fragments=("lines",))


def _chosen(request: AccountRequest, windows: dict[str, tuple[str, timedelta]], default: str) -> str:
    wanted = request.GET.get("window", default)
    return wanted if wanted in windows else default
