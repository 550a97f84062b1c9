"""PlatformService: providers and regions, which are the same for everybody."""

from typing import Any

from cloudconsole.api.gen.qdrant.cloud.platform.v1 import platform_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError
from clusters.models import CloudProvider, Region
from clusters.queries import provider_with_regions, providers_with_regions

_SERVICE = "qdrant.cloud.platform.v1.PlatformService"


@serves(f"{_SERVICE}.ListGlobalCloudProviders")
def list_global_cloud_providers(request: Any, caller: object) -> platform_pb2.ListGlobalCloudProvidersResponse:
    return platform_pb2.ListGlobalCloudProvidersResponse(items=_providers())


@serves(f"{_SERVICE}.ListCloudProviders")
def list_cloud_providers(request: Any, caller: object) -> platform_pb2.ListCloudProvidersResponse:
    return platform_pb2.ListCloudProvidersResponse(items=_providers())


@serves(f"{_SERVICE}.ListGlobalCloudProviderRegions")
def list_global_cloud_provider_regions(
    request: platform_pb2.ListGlobalCloudProviderRegionsRequest, caller: object
) -> platform_pb2.ListGlobalCloudProviderRegionsResponse:
    return platform_pb2.ListGlobalCloudProviderRegionsResponse(items=_regions(request.cloud_provider_id))


@serves(f"{_SERVICE}.ListCloudProviderRegions")
def list_cloud_provider_regions(
    request: platform_pb2.ListCloudProviderRegionsRequest, caller: object
) -> platform_pb2.ListCloudProviderRegionsResponse:
    return platform_pb2.ListCloudProviderRegionsResponse(items=_regions(request.cloud_provider_id))


@serves(f"{_SERVICE}.GetGlobalCloudProviderRegion")
def get_global_cloud_provider_region(
    request: platform_pb2.GetGlobalCloudProviderRegionRequest, caller: object
) -> platform_pb2.GetGlobalCloudProviderRegionResponse:
    region = _region_with(request.cloud_provider_id, request.region_id)
    return platform_pb2.GetGlobalCloudProviderRegionResponse(region=region)


@serves(f"{_SERVICE}.GetCloudProviderRegion")
def get_cloud_provider_region(
    request: platform_pb2.GetCloudProviderRegionRequest, caller: object
) -> platform_pb2.GetCloudProviderRegionResponse:
    region = _region_with(request.cloud_provider_id, request.region_id)
    return platform_pb2.GetCloudProviderRegionResponse(region=region)


def _providers() -> list[platform_pb2.CloudProvider]:
    return [_provider(provider) for provider in providers_with_regions()]


def _provider(provider: CloudProvider) -> platform_pb2.CloudProvider:
    return platform_pb2.CloudProvider(
        id=provider.id, name=provider.name, free_tier=provider.free_tier, available=provider.available
    )


def _regions(provider_id: str) -> list[platform_pb2.CloudProviderRegion]:
    provider = provider_with_regions(provider_id)
    return [_region(region) for region in provider.offered_regions]  # type: ignore[attr-defined]


def _region_with(provider_id: str, region_id: str) -> platform_pb2.CloudProviderRegion:
    found = [region for region in _regions(provider_id) if region.id == region_id]
    if not found:
        raise ServiceError(Code.NOT_FOUND, f"There is no region {region_id} of the provider {provider_id}.")
    return found[0]


def _region(region: Region) -> platform_pb2.CloudProviderRegion:
    return platform_pb2.CloudProviderRegion(
        id=region.code,
        name=region.name,
        free_tier=region.free_tier,
        available=region.available,
        provider=region.provider_id,
        country_iso_code=region.country_iso_code,
        geographical_sub_region=region.geographical_sub_region,
        capabilities=platform_pb2.CloudProviderRegionCapabilities(volume_snapshot=False, volume_expansion=True),
    )
