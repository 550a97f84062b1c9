"""``manage.py export_audit``: an account's audit log on standard output."""

from datetime import date
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cloudconsole.accounts.audit_log import FORMATS, AuditFilter, export_audit_log
from cloudconsole.accounts.models import Account


class Command(BaseCommand):
    help = "Write an account's audit log to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, required=True, metavar="ID")
        parser.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
        parser.add_argument("--from", dest="first_day", type=date.fromisoformat, metavar="DAY", help="first day (UTC)")
        parser.add_argument("--to", dest="last_day", type=date.fromisoformat, metavar="DAY", help="last day (UTC)")

    def handle(self, *args: Any, account: UUID, format: str, **options: Any) -> None:
        owner = Account.objects.filter(pk=account).first()
        if owner is None:
            raise CommandError(f"There is no account {account}.")
        wanted = AuditFilter(first_day=options["first_day"], last_day=options["last_day"])
        for piece in export_audit_log(owner, wanted, format):
            self.stdout.write(piece, ending="")
