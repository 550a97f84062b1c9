"""``manage.py deliveries``: where accounts' months go when they are over. For the operator, whose places they are."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.exports import EXPORT_FORMATS
from billing.management.commands.export_billing import month_argument
from billing.reports.deliveries import create_delivery, deliver_again, remove_delivery
from billing.reports.models import Delivery
from billing.rules import Month
from cloudconsole.accounts.models import Account
from cloudconsole.errors import ServiceError


class Command(BaseCommand):
    help = "Monthly deliveries of billing reports to folders and S3-compatible servers."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="deliver an account's months from now on")
        add.add_argument("--account", type=UUID, required=True, metavar="ID")
        add.add_argument("--to", required=True, metavar="URL", help="file:///folder or s3://bucket/prefix")
        add.add_argument("--endpoint-url", default="", metavar="URL", help="of an S3-compatible server, not AWS")
        add.add_argument("--format", choices=sorted(EXPORT_FORMATS), action="append", required=True, dest="formats")
        add.add_argument("--from", dest="first", type=month_argument, metavar="YYYY-MM", help="earlier months too")
        verbs.add_parser("list", help="every delivery and what became of its months")
        again = verbs.add_parser("again", help="put a month there once more")
        again.add_argument("delivery", type=UUID)
        again.add_argument("--month", type=month_argument, required=True, metavar="YYYY-MM")
        remove = verbs.add_parser("remove", help="deliver nothing more; what was delivered stays")
        remove.add_argument("delivery", type=UUID)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except ServiceError as error:
            raise CommandError(error.sentence) from error

    def _add(
        self, account: UUID, to: str, endpoint_url: str, formats: list[str], first: Month | None, **_: Any
    ) -> None:
        owner = Account.objects.filter(pk=account).first()
        if owner is None:
            raise CommandError(f"There is no account {account}.")
        delivery = create_delivery(
            account=owner,
            url=to,
            endpoint_url=endpoint_url,
            formats=formats,
            first_month=first or Month.of(timezone.now()),
        )
        self.stdout.write(str(delivery.pk))

    def _list(self, **_: Any) -> None:
        for delivery in Delivery.objects.select_related("account").order_by("created_at"):
            formats = ", ".join(delivery.formats)
            self.stdout.write(f"{delivery.pk}  {delivery.account.name} to {delivery.url} ({formats})")
            for month in delivery.months.order_by("month"):
                why = f": {month.error}" if month.error else ""
                self.stdout.write(f"  {month.month:%Y-%m} {month.state} after {month.attempts} attempts{why}")

    def _again(self, delivery: UUID, month: Month, **_: Any) -> None:
        row = self._delivery(delivery).months.filter(month=month.start.date()).first()
        if row is None:
            raise CommandError(f"{month} was not to be delivered there yet.")
        deliver_again(delivered=row)

    def _remove(self, delivery: UUID, **_: Any) -> None:
        remove_delivery(delivery=self._delivery(delivery))

    def _delivery(self, id: UUID) -> Delivery:
        found = Delivery.objects.filter(pk=id).first()
        if found is None:
            raise CommandError(f"There is no delivery {id}.")
        return found
