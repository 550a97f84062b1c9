"""The console process: pages and the admin API, served by uvicorn."""

import os

from django.core.asgi import get_asgi_application

from cloudconsole.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")

application = BodyLimit(get_asgi_application())
