"""Counting tasks, for Prometheus: which were run, how they ended, how long they took."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_ready
from django.conf import settings
from prometheus_client import Counter, Histogram

from cloudconsole.metrics import serve_metrics

TASKS = Counter("cloudconsole_tasks", "Tasks run", ["task", "state"])
SECONDS = Histogram("cloudconsole_task_seconds", "How long tasks took", ["task"])
_BEGAN = "_cloudconsole_began"


@worker_ready.connect
def _serve(**_: Any) -> None:
    serve_metrics(settings.TASKS_METRICS_PORT, "TASKS_METRICS_PORT")


@task_prerun.connect
def _begin(task: Any, **_: Any) -> None:
    setattr(task.request, _BEGAN, time.perf_counter())


@task_postrun.connect
def _end(task: Any, state: str | None = None, **_: Any) -> None:
    TASKS.labels(task.name, state or "unknown").inc()
    if (began := getattr(task.request, _BEGAN, None)) is not None:
        SECONDS.labels(task.name).observe(time.perf_counter() - began)
