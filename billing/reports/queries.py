"""Reading exports and deliveries."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from billing.reports.models import DeliveredMonth, Delivery, Export
from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError


def exports_of(account: Account) -> QuerySet[Export]:
    """The account's exports, latest first."""
    return Export.objects.filter(account=account).order_by("-created_at", "id")


def export_of(account: Account, export_id: UUID) -> Export:
    """One export of the account. Raises ServiceError NOT_FOUND, also for exports of other accounts."""
    export = exports_of(account).filter(pk=export_id).first()
    if export is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no export {export_id} in account {account.pk}.")
    return export


def deliveries_of(account: Account) -> QuerySet[Delivery]:
    """The account's deliveries with their months, latest month first."""
    latest_first = Prefetch("months", DeliveredMonth.objects.order_by("-month"))
    return Delivery.objects.filter(account=account).prefetch_related(latest_first).order_by("created_at", "id")
