"""The console process: pages and the admin API, served by uvicorn."""

import gc
import os

import django
from django.conf import settings

from cloudconsole.asgi_handler import SynchronousHandler
from cloudconsole.body_limit import BodyLimit, Uploads
from cloudconsole.metrics import serve_metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")

serve_metrics(settings.CONSOLE_METRICS_PORT, "CONSOLE_METRICS_PORT")
django.setup(set_prefix=False)

from cloudconsole import urls  # noqa: E402, F401 - needs Django's apps; else the first request waits for all views
from cloudconsole.web.signed_in import has_signed_in  # noqa: E402
from inference.imports.urls import UPLOAD_PATH  # noqa: E402

_FORM_AROUND_FILE = 64 * 1024
_uploads = Uploads(UPLOAD_PATH, settings.INFERENCE_IMPORT_MAX_BYTES + _FORM_AROUND_FILE, has_signed_in)
application = BodyLimit(SynchronousHandler(), _uploads)

# What is there by now stays. Looking at it in every full collection would stop all requests for 160 ms.
gc.collect()
gc.freeze()
