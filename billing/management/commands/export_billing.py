"""``manage.py export_billing``: an export in a file that is either complete or not there."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.exports import EXPORT_FORMATS, stream_export
from billing.lines import Selection
from billing.reports.files import write_whole
from billing.rules import Month
from cloudconsole.accounts.models import Account
from inference.models import InferenceModel


class Command(BaseCommand):
    help = "Write an account's usage of a month, or of several, to a file and print its SHA-256."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, required=True, metavar="ID")
        start = parser.add_mutually_exclusive_group(required=True)
        start.add_argument("--month", type=month_argument, metavar="YYYY-MM")
        start.add_argument("--from", dest="first", type=month_argument, metavar="YYYY-MM", help="the first of months")
        parser.add_argument("--to", dest="last", type=month_argument, metavar="YYYY-MM", help="the last of months")
        parser.add_argument("--format", choices=sorted(EXPORT_FORMATS), required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")
        parser.add_argument("--cluster", type=UUID, metavar="ID", help="only the usage of this cluster")
        parser.add_argument("--model", metavar="NAME", help="only the usage of this model")
        parser.add_argument("--api-key", type=UUID, metavar="ID", help="only the usage through this API key")
        parser.add_argument("--label", type=_label, metavar="KEY=VALUE", help="only clusters that have this label")

    def handle(self, *args: Any, account: UUID, format: str, output: Path, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first()
        if owner is None:
            raise CommandError(f"There is no account {account}.")
        if options["model"] is not None and not InferenceModel.objects.filter(name=options["model"]).exists():
            raise CommandError(f"There is no model {options['model']}.")
        month, until = _months(options["month"], options["first"], options["last"])
        selection = Selection(
            cluster_id=options["cluster"],
            model=options["model"],
            api_key_id=options["api_key"],
            label=options["label"],
        )
        pieces = stream_export(account=owner, month=month, until=until, selection=selection, format=format)
        try:
            written = write_whole(output, pieces)
        except OSError as error:
            raise CommandError(f"Cannot write {output}: {error.strerror}.") from error
        self.stdout.write(f"{written.sha256}  {output}")


def month_argument(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _label(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise argparse.ArgumentTypeError("A label is written as key=value.")
    return key, value


def _months(month: Month | None, first: Month | None, last: Month | None) -> tuple[Month, Month]:
    """The first and the last month asked for. ``month`` or ``first`` is given."""
    if month is not None:
        if last is not None:
            raise CommandError("--to goes with --from, not with --month.")
        return month, month
    assert first is not None, "the parser asks for one of both"
    last = first if last is None else last
    if last < first:
        raise CommandError(f"The months from {first} to {last} are none.")
    return first, last
