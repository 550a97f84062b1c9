"""Prices of packages over time. A price is never changed, only followed by another one."""

from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from billing.models import Kind, PackagePrice
from clusters.models import Package

FIRST_PRICE_FROM = datetime(2025, 1, 1, tzinfo=UTC)


@transaction.atomic
def sync_package_prices() -> None:
    """A price for every package as the catalogue has it: a number that changed there counts from now on."""
    for package in Package.objects.select_for_update():
        for kind, millicents in (
            (Kind.COMPUTE, package.price_per_hour),
            (Kind.DISK, package.disk_price_per_gib_hour),
        ):
            latest = PackagePrice.objects.filter(package=package, kind=kind).order_by("effective_from").last()
            if latest is None or latest.millicents_per_hour != millicents:
                PackagePrice.objects.create(
                    package=package,
                    kind=kind,
                    millicents_per_hour=millicents,
                    effective_from=timezone.now() if latest else FIRST_PRICE_FROM,
                )
