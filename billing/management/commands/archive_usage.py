"""``manage.py archive_usage``: a closed month of the ledger, written to a file and taken out of the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.archive import archive_rows, forget_month
from billing.management.commands.export_billing import month_argument
from billing.reports.files import write_whole
from billing.rules import Month
from cloudconsole.errors import ServiceError


class Command(BaseCommand):
    help = "Write a closed month's usage events to a CSV file, then take them out of the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=month_argument, required=True, metavar="YYYY-MM")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, month: Month, output: Path, **options: Any) -> None:
        try:
            written = write_whole(output, archive_rows(month))
            with output.open("rb") as file:
                rows = sum(1 for line in file) - 1  # without the header
            archived = forget_month(month=month, rows=rows, sha256=written.sha256)
        except ServiceError as error:
            raise CommandError(error.sentence) from error
        except OSError as error:
            raise CommandError(f"Cannot write {output}: {error.strerror}.") from error
        self.stdout.write(f"{archived.sha256}  {output} ({archived.events} events of {month})")
