"""The console process: pages and the admin API, served by uvicorn."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")

application = get_asgi_application()
