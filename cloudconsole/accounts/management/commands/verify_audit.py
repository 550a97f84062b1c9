"""``manage.py verify_audit``: is the audit log still what was written?"""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.verification import accounts_with_a_log, verify_audit_log


class Command(BaseCommand):
    help = "Check that no event of the audit log was changed, removed, added or moved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, metavar="ID", help="only this account, not every one")

    def handle(self, *args: Any, account: UUID | None, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first() if account else None
        if account and owner is None:
            raise CommandError(f"There is no account {account}.")
        checked = problems = 0
        for one in accounts_with_a_log(owner):
            verdict = verify_audit_log(one)
            checked += 1
            problems += len(verdict.problems)
            self.stdout.write(f"{one.name} ({one.pk}): {verdict.events} events, head {verdict.head or 'none'}.")
            for problem in verdict.problems:
                self.stdout.write(f"  {problem}")
        if problems:
            raise CommandError(f"The audit log was tampered with. Accounts checked: {checked}, problems: {problems}.")
        self.stdout.write(f"The audit log is what was written. Accounts checked: {checked}.")
