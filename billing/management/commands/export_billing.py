"""``manage.py export_billing``: a month's export in a file that is either complete or not there."""

import argparse
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.exports import EXPORT_FORMATS, stream_export
from billing.rules import Month
from cloudconsole.accounts.models import Account


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class Command(BaseCommand):
    help = "Write an account's usage of a month to a file and print its SHA-256."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, required=True, metavar="ID")
        parser.add_argument("--month", type=_month, required=True, metavar="YYYY-MM")
        parser.add_argument("--format", choices=sorted(EXPORT_FORMATS), required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, account: UUID, month: Month, format: str, output: Path, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first()
        if owner is None:
            raise CommandError(f"There is no account {account}.")
        try:
            digest = write_whole(output, stream_export(account=owner, month=month, format=format))
        except OSError as error:
            raise CommandError(f"Cannot write {output}: {error.strerror}.") from error
        self.stdout.write(f"{digest}  {output}")


def write_whole(output: Path, pieces: Iterable[bytes]) -> str:
    """Write to a temporary file beside ``output``, then put it in place; return its SHA-256 in hex."""
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, output)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(output.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest.hexdigest()
