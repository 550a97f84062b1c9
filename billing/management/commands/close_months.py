"""``manage.py close_months``: what the schedule does, now."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.closing import close_finished_months
from cloudconsole.accounts.models import Account
from cloudconsole.money import format_usd


class Command(BaseCommand):
    help = "Close every month that is over and not closed yet, and print the statements made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, metavar="ID", help="only this account, not every one")

    def handle(self, *args: Any, account: UUID | None, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first() if account else None
        if account and owner is None:
            raise CommandError(f"There is no account {account}.")
        statements = close_finished_months(now=timezone.now(), account=owner)
        for one in statements:
            self.stdout.write(
                f"{one.invoice_number}: {one.account_name}, {one.month:%Y-%m}, {one.line_count} lines, "
                f"{format_usd(one.total + one.tax)}, to pay {format_usd(one.due)}, SHA-256 {one.sha256}"
            )
        self.stdout.write(f"Statements made: {len(statements)}.")
