"""``manage.py create_account``: the first person of a cloud without the demo."""

import argparse
import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from cloudconsole.accounts.services import create_account, create_management_key
from cloudconsole.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Create an account with its owner, a simulated payment method and a management key. "
        "The password is asked for, or taken from CLOUDCONSOLE_OWNER_PASSWORD."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("email", help="the owner's e-mail address, used to sign in")
        parser.add_argument("--name", default="Default", help="the account's name")

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("CLOUDCONSOLE_OWNER_PASSWORD") or getpass.getpass("Password: ")
        try:
            validate_password(password)
            account = create_account(name=options["name"], owner_email=options["email"], owner_password=password)
        except (ValidationError, ServiceError) as error:
            raise CommandError("; ".join(getattr(error, "messages", [str(error)]))) from None
        _, secret = create_management_key(account=account)
        self.stdout.write(f"account id      {account.pk}")
        self.stdout.write(f"management key  {secret}  (shown only now)")
