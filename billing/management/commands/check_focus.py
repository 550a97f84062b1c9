"""``manage.py check_focus``: every problem of a FOCUS file, with its row and column."""

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.focus_check import SUMMABLE, check_focus
from billing.focus_columns import FOCUS_VERSION


def _expectation(text: str) -> tuple[str, Decimal]:
    column, _, number = text.partition("=")
    if column not in SUMMABLE:
        raise argparse.ArgumentTypeError(f"Write COLUMN=SUM with one of the columns {', '.join(SUMMABLE)}.")
    try:
        return column, Decimal(number)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{number} is no number.") from None


class Command(BaseCommand):
    help = f"Check a FOCUS {FOCUS_VERSION} file of ours (CSV or Parquet) and tell every problem."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--expect",
            type=_expectation,
            action="append",
            default=[],
            metavar="COLUMN=SUM",
            help="what a column must sum to; may be repeated",
        )

    def handle(self, *args: Any, file: Path, expect: list[tuple[str, Decimal]], **options: Any) -> None:
        count = 0
        try:
            for problem in check_focus(file, dict(expect)):
                count += 1
                self.stdout.write(str(problem))
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
        if count:
            raise CommandError(f"{file} is not FOCUS {FOCUS_VERSION} as we write it. Problems: {count}.")
        self.stdout.write(f"{file} is FOCUS {FOCUS_VERSION} without a problem.")
