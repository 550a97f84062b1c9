"""The catalogue file and the rows made from it: providers, regions, packages and Qdrant releases."""

import tomllib
from pathlib import Path

from django.db import transaction

from cloudconsole.errors import Code, ServiceError
from clusters.models import CloudProvider, Package, Region

CATALOGUE_FILE = Path(__file__).with_suffix(".toml")
DEFAULT_VERSION = "v1.19.0"
LATEST = "latest"


def resolve_version(wanted: str) -> str:
    """The release that a version such as ``v1.19.0`` or ``latest`` names. Raises ServiceError INVALID_ARGUMENT."""
    if wanted not in (LATEST, DEFAULT_VERSION):
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Qdrant {wanted} is not on offer. Use {DEFAULT_VERSION} or {LATEST}."
        )
    return DEFAULT_VERSION


@transaction.atomic
def sync_catalogue() -> None:
    """Make the rows equal to the catalogue file. Repeating it changes nothing; nothing is ever deleted.

    ``inference_available`` is set when a region is first seen (true in the US) and then left to the operator.
    """
    data = tomllib.loads(CATALOGUE_FILE.read_text())
    for provider in data["providers"]:
        CloudProvider.objects.update_or_create(
            id=provider["id"],
            defaults={"name": provider["name"], "free_tier": provider["free_tier"], "available": True},
        )
    for provider_id, regions in data["regions"].items():
        for code, name, country, sub_region, free_tier in regions:
            facts = {
                "name": name,
                "country_iso_code": country,
                "geographical_sub_region": sub_region,
                "free_tier": free_tier,
                "available": True,
            }
            Region.objects.update_or_create(
                provider_id=provider_id,
                code=code,
                defaults=facts,
                create_defaults=facts | {"inference_available": country == "US"},
            )
    for package in data["packages"]:
        Package.objects.update_or_create(id=package["id"], defaults={k: v for k, v in package.items() if k != "id"})
