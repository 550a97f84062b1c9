"""The task queue. The queue is only a wake-up: the truth is in the rows that tasks claim."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")

app = Celery("cloudconsole")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

import cloudconsole.task_metrics  # noqa: E402, F401 - listens to the worker's signals
