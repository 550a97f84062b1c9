"""The catalogue file and the rows made from it: providers, regions, packages and Qdrant releases."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from cloudconsole.errors import Code, ServiceError
from clusters.models import CloudProvider, Package, Region

CATALOGUE_FILE = Path(__file__).with_suffix(".toml")
LATEST = "latest"


@dataclass(frozen=True)
class Release:
    """A Qdrant version that clusters can run, such as ``v1.19.0``."""

    version: str
    default: bool = False
    end_of_life: bool = False  # no cluster starts with it or is upgraded to it any more

    @property
    def release_notes_url(self) -> str:
        return f"https://github.com/qdrant/qdrant/releases/tag/{self.version}"

    @property
    def number(self) -> tuple[int, ...]:
        return version_number(self.version)


def version_number(version: str) -> tuple[int, ...]:
    """``v1.19.0`` as ``(1, 19, 0)``, which compares."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


RELEASES: tuple[Release, ...] = tuple(
    sorted(
        (Release(**release) for release in tomllib.loads(CATALOGUE_FILE.read_text())["releases"]),
        key=lambda release: release.number,
    )
)
DEFAULT_VERSION = next(release.version for release in RELEASES if release.default)


def releases_from(version: str | None = None) -> list[Release]:
    """The releases on offer, oldest first; with a version those that a cluster can be upgraded to from there."""
    return [
        release
        for release in RELEASES
        if not release.end_of_life and (version is None or release.number > version_number(version))
    ]


def resolve_version(wanted: str) -> str:
    """The release that a version such as ``v1.19.0`` or ``latest`` names. Raises ServiceError INVALID_ARGUMENT."""
    if wanted == LATEST:
        return DEFAULT_VERSION
    offered = [release.version for release in releases_from()]
    if wanted not in offered:
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Qdrant {wanted} is not on offer. Use {LATEST} or one of {', '.join(offered)}."
        )
    return wanted


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
