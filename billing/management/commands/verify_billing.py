"""``manage.py verify_billing``: bills computed a second time from the ledger, and compared with what is shown."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.kept_check import check_account
from billing.management.commands.export_billing import month_argument
from billing.rules import Month
from billing.verification import Verdict, accounts_and_months, verify_month
from cloudconsole.accounts.models import Account
from cloudconsole.money import format_usd


class Command(BaseCommand):
    help = "Recompute bills from the ledger and compare them with queries, exports, hourly sums, statements and files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, metavar="ID", help="only this account, not every one")
        parser.add_argument("--month", type=month_argument, metavar="YYYY-MM", help="only this month, not every one")

    def handle(self, *args: Any, account: UUID | None, month: Month | None, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first() if account else None
        if account and owner is None:
            raise CommandError(f"There is no account {account}.")
        differences = months = 0
        checked = accounts_and_months(account=owner, month=month)
        for whose, when in checked:
            verdict = verify_month(account=whose, month=when)
            months += 1
            differences += len(verdict.differences)
            self._tell(verdict)
        for whose in {whose.pk: whose for whose, _ in checked}.values():
            for difference in check_account(whose):
                differences += 1
                self.stdout.write(f"{whose.name} ({whose.pk}): {difference}")
        if differences:
            raise CommandError(f"Bills differ from the ledger. Months checked: {months}, differences: {differences}.")
        self.stdout.write(f"Every bill is what the ledger says. Months of accounts checked: {months}.")

    def _tell(self, verdict: Verdict) -> None:
        total = verdict.total
        self.stdout.write(
            f"{verdict.account.name} ({verdict.account.pk}), {verdict.month}: {total.events} events in "
            f"{verdict.lines} lines, {format_usd(total.cost)}. "
            f"Compared: {', '.join(verdict.checked)}. Differences: {len(verdict.differences)}."
        )
        for difference in verdict.differences:
            self.stdout.write(f"  {difference}")
