"""``manage.py delete_data``: remove everything that the embedded cloud keeps."""

import shutil
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cloudconsole.supervisor.cloud import lock_data_folder
from cloudconsole.supervisor.folders import StartRefused


class Command(BaseCommand):
    help = "Remove the data folder of the embedded cloud: clusters, ledger, weights, demo secrets."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        paths = settings.PATHS
        try:
            with lock_data_folder(paths):
                for folder in (paths.postgres, paths.postgres_socket_dir, paths.run, paths.data):
                    shutil.rmtree(folder, ignore_errors=True)
        except StartRefused as error:
            raise CommandError(str(error)) from None
        if paths.postgres.parent != paths.data and paths.postgres.parent.exists():
            paths.postgres.parent.rmdir()
        self.stdout.write(f"removed {paths.data}")
