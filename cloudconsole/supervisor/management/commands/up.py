"""``manage.py up``: start the whole cloud in the foreground."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cloudconsole.supervisor.cloud import run_cloud
from cloudconsole.supervisor.folders import StartRefused


class Command(BaseCommand):
    help = "Start the whole cloud: embedded servers, console, gateway, nodes, inference, tasks. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--no-demo", action="store_true", help="no demo account; make one with manage.py create_account"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run_cloud(demo=not options["no_demo"])
        except StartRefused as error:
            raise CommandError(str(error)) from None
