"""BookingService: packages, quotes and disk tiers. The list of inference models is the inference app's."""

import re
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.booking.v1 import booking_pb2
from cloudconsole.api.gen.qdrant.cloud.common.v1 import common_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError
from clusters.models import Package, Region
from clusters.queries import offered_package, package_with, region_of
from clusters.rules.quote import quote

_SERVICE = "qdrant.cloud.booking.v1.BookingService"
_CURRENCY = "USD"
# The one disk tier of this cloud, in every region and for nothing
_TIER = common_pb2.STORAGE_TIER_TYPE_COST_OPTIMISED
_TIERS_ON_OFFER = {common_pb2.STORAGE_TIER_TYPE_UNSPECIFIED, _TIER}
_QUANTITY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(m|G|Gi|GiB)?")


@serves(f"{_SERVICE}.ListPackages")
def list_packages(request: booking_pb2.ListPackagesRequest, caller: Caller) -> booking_pb2.ListPackagesResponse:
    region = _region(request)
    statuses = set(request.statuses) or {booking_pb2.PACKAGE_STATUS_ACTIVE}
    items = [
        message
        for message in _packages(region, request.tier or booking_pb2.PACKAGE_TIER_STANDARD, request.min_resources)
        if message.status in statuses and not request.multi_az and not request.gpu
    ]
    return booking_pb2.ListPackagesResponse(items=items)


@serves(f"{_SERVICE}.ListGlobalPackages")
def list_global_packages(
    request: booking_pb2.ListGlobalPackagesRequest, caller: object
) -> booking_pb2.ListGlobalPackagesResponse:
    region = _region(request)
    found = _packages(region, request.tier or booking_pb2.PACKAGE_TIER_STANDARD, request.min_resources)
    active = [message for message in found if message.status == booking_pb2.PACKAGE_STATUS_ACTIVE and not request.gpu]
    return booking_pb2.ListGlobalPackagesResponse(items=active)


@serves(f"{_SERVICE}.GetPackage")
def get_package(request: booking_pb2.GetPackageRequest, caller: Caller) -> booking_pb2.GetPackageResponse:
    _region(request)
    return booking_pb2.GetPackageResponse(package=_package(offered_package(UUID(request.id))))


@serves(f"{_SERVICE}.GetQuote")
def get_quote(request: booking_pb2.GetQuoteRequest, caller: Caller) -> booking_pb2.GetQuoteResponse:
    _region(request)
    if request.storage_tier_type not in _TIERS_ON_OFFER:
        raise ServiceError(
            Code.FAILED_PRECONDITION, "This cloud has cost-optimised disks only. Leave the storage tier out."
        )
    package = package_with(UUID(request.package_id))
    if not package.active:
        raise ServiceError(Code.FAILED_PRECONDITION, f"Package {package.name} is not on offer; choose another one.")
    price = quote(
        price_per_hour=package.price_per_hour,
        number_of_nodes=request.number_of_nodes,
        additional_disk_gib=request.additional_disk_gib,
        disk_price_per_gib_hour=package.disk_price_per_gib_hour,
    )
    paid = package.type == Package.Type.PAID
    disk = price.additional_disk_per_hour
    return booking_pb2.GetQuoteResponse(
        currency=_CURRENCY,
        original_price_per_hour=price.per_hour,
        discounted_price_per_hour=price.per_hour,
        package=_breakdown(price.per_hour - disk) if paid else None,
        extra_disk=_breakdown(disk) if request.additional_disk_gib else None,
    )


@serves(f"{_SERVICE}.ListStorageTierTypes")
def list_storage_tier_types(
    request: booking_pb2.ListStorageTierTypesRequest, caller: Caller
) -> booking_pb2.ListStorageTierTypesResponse:
    region_of(request.cloud_provider_id, request.cloud_provider_region_id)
    return booking_pb2.ListStorageTierTypesResponse(items=[booking_pb2.StorageTiers(storage_tier_type=_TIER)])


def _region(
    request: booking_pb2.ListPackagesRequest
    | booking_pb2.ListGlobalPackagesRequest
    | booking_pb2.GetPackageRequest
    | booking_pb2.GetQuoteRequest,
) -> Region:
    if not request.HasField("cloud_provider_region_id"):
        raise ServiceError(Code.INVALID_ARGUMENT, "cloud_provider_region_id is missing: prices are per region.")
    return region_of(request.cloud_provider_id, request.cloud_provider_region_id)


def _packages(region: Region, tier: int, least: booking_pb2.ResourceConfigurationFilter) -> list[booking_pb2.Package]:
    """The packages of a tier in a region that have at least these resources, cheapest first."""
    rows: Iterable[Package] = Package.objects.order_by("price_per_hour", "name")
    ram, cpu, disk = (_quantity(getattr(least, name), name) for name in ("ram", "cpu", "disk"))
    if least.HasField("gpu") and _quantity(least.gpu, "gpu"):
        return []
    fitting = [
        row for row in rows if row.ram_gib >= ram and Decimal(row.cpu_millicores) / 1000 >= cpu and row.disk_gib >= disk
    ]
    sold_here = [row for row in fitting if row.type == Package.Type.PAID or region.free_tier]
    return [message for row in sold_here if (message := _package(row)).tier == tier]


def _quantity(text: str, name: str) -> Decimal:
    """Cores or GiB out of a Kubernetes quantity: ``500m``, ``0.5``, ``4Gi``, ``4GiB``, ``4G``. Nothing is zero."""
    if not text:
        return Decimal(0)
    match = _QUANTITY.fullmatch(text)
    if match is None or (match[2] == "m") > (name in ("cpu", "gpu")):
        raise ServiceError(
            Code.INVALID_ARGUMENT,
            f"min_resources.{name} is not a quantity such as {'500m' if name == 'cpu' else '4Gi'}.",
        )
    number = Decimal(match[1])
    return number / 1000 if match[2] == "m" else number


def _package(package: Package) -> booking_pb2.Package:
    paid = package.type == Package.Type.PAID
    disk = booking_pb2.AvailableAdditionalResources(disk_price_per_hour=package.disk_price_per_gib_hour)
    return booking_pb2.Package(
        id=str(package.pk),
        name=package.name,
        type=package.type,
        resource_configuration=booking_pb2.ResourceConfiguration(
            ram=f"{package.ram_gib}Gi", cpu=f"{package.cpu_millicores}m", disk=f"{package.disk_gib}Gi"
        ),
        currency=_CURRENCY,
        unit_int_price_per_hour=package.price_per_hour,
        status=booking_pb2.PACKAGE_STATUS_ACTIVE if package.active else booking_pb2.PACKAGE_STATUS_DEACTIVATED,
        available_additional_resources=disk if paid else None,
        tier=f"PACKAGE_TIER_{package.tier.upper()}",
        available_storage_tier_configurations=[
            booking_pb2.AvailableStoragePerformanceTierConfigurations(storage_tier_type=_TIER)
        ],
    )


def _breakdown(price: int) -> booking_pb2.PriceBreakdown:
    return booking_pb2.PriceBreakdown(original_price_per_hour=price, discounted_price_per_hour=price)
