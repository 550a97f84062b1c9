"""``manage.py openapi``: the admin API's OpenAPI document, for linters and generators of clients."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from cloudconsole.api.openapi import openapi_document


class Command(BaseCommand):
    help = "Print the OpenAPI document of the admin API."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(openapi_document(), indent=1))
