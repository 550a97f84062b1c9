"""The console process: pages and the admin API, served by uvicorn."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from cloudconsole.body_limit import BodyLimit
from cloudconsole.metrics import serve_metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")

serve_metrics(settings.CONSOLE_METRICS_PORT, "CONSOLE_METRICS_PORT")
application = BodyLimit(get_asgi_application())
