"""``manage.py rebuild_rollups``: the hourly sums made again from the ledger."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.rollups import rebuild_rollups


class Command(BaseCommand):
    help = "Forget the hourly sums of the usage ledger and make them again from it. May run at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Hourly sums: {rebuild_rollups()}.")
