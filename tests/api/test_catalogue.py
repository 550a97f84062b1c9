"""What is on offer: providers, regions, packages, quotes."""

from uuid import uuid4

import pytest
from django.test import Client

from clusters.models import Package, Region

pytestmark = pytest.mark.django_db
PACKAGES = "/booking/v1/accounts/{account}/packages"
HERE = {"cloudProviderId": "aws", "cloudProviderRegionId": "us-east-1"}


def names(answer):
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["items"]]


def test_a_package_tells_its_size_and_price(api):
    [package] = [item for item in api.get(PACKAGES, **HERE).json()["items"] if item["name"] == "mx1"]
    assert package == {
        "id": str(Package.objects.get(name="mx1").pk),
        "name": "mx1",
        "type": "paid",
        "resourceConfiguration": {"ram": "2Gi", "cpu": "500m", "disk": "8Gi"},
        "currency": "USD",
        "unitIntPricePerHour": 2600,
        "status": "PACKAGE_STATUS_ACTIVE",
        "availableAdditionalResources": {"diskPricePerHour": 20},
        "tier": "PACKAGE_TIER_STANDARD",
        "availableStorageTierConfigurations": [
            {"storageTierType": "STORAGE_TIER_TYPE_COST_OPTIMISED", "pricePerHour": 0}
        ],
        "multiAz": False,
    }
    path = PACKAGES.removesuffix("packages") + f"packages/{package['id']}"
    assert api.get(path, **HERE).json() == {"package": package}


def test_no_two_packages_on_offer_have_the_same_size(api):
    """The cloud's CLI chooses a package by its cores and memory, and gives up when several fit."""
    items = api.get(PACKAGES, **HERE).json()["items"]
    sizes = [(item["resourceConfiguration"]["cpu"], item["resourceConfiguration"]["ram"]) for item in items]
    assert len(sizes) == len(set(sizes)) > 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"minResources.ram": "4GiB", "minResources.cpu": "1"}, {"mx2", "mx3", "mx4", "mx5", "mx6"}),
        ({"minResources.cpu": "16000m"}, {"mx6"}),
        ({"minResources.disk": "1000000Gi"}, set()),
        ({"minResources.gpu": "1"}, set()),
        ({"gpu": "true"}, set()),
        ({"multiAz": "true"}, set()),
        ({"statuses": "PACKAGE_STATUS_DEACTIVATED"}, set()),
        ({"tier": "PACKAGE_TIER_PREMIUM"}, {"px6"}),
    ],
)
def test_packages_are_filtered(api, asked, expected):
    assert set(names(api.get(PACKAGES, **HERE, **asked))) == expected


def test_free_packages_are_listed_where_free_clusters_may_run(api):
    assert "free2" in names(api.get(PACKAGES, **HERE))
    assert "free2" not in names(api.get(PACKAGES, cloudProviderId="azure", cloudProviderRegionId="eastus"))


def test_a_package_that_is_not_sold_any_more_can_still_be_read(api):
    Package.objects.filter(name="mx1").update(active=False)
    assert "mx1" not in names(api.get(PACKAGES, **HERE))
    assert names(api.get(PACKAGES, **HERE, statuses="PACKAGE_STATUS_DEACTIVATED")) == ["mx1"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"cloudProviderId": "aws"}, 400),
        ({"cloudProviderId": "aws", "cloudProviderRegionId": "mars-1"}, 400),
        (HERE | {"minResources.ram": "much"}, 400),
        (HERE | {"minResources.ram": "500m"}, 400),
    ],
)
def test_what_cannot_be_priced_is_refused(api, asked, status):
    assert api.get(PACKAGES, **asked).status_code == status


def test_a_package_that_is_none_is_not_found(api):
    assert api.get(f"{PACKAGES}/{uuid4()}", **HERE).status_code == 404


def ask_for_quote(api, package, **wish):
    package_id = str(Package.objects.get(name=package).pk)
    body = HERE | {"packageId": package_id, "numberOfNodes": 1} | wish
    return api.post("/booking/v1/accounts/{account}/quote", body)


def test_a_quote_is_for_all_nodes_and_their_disks(api):
    assert ask_for_quote(api, "mx1", numberOfNodes=3, additionalDiskGib=10).json() == {
        "currency": "USD",
        "originalPricePerHour": "8400",
        "discountedPricePerHour": "8400",
        "discountPercentage": 0.0,
        "package": {"originalPricePerHour": "7800", "discountedPricePerHour": "7800", "discountPercentage": 0.0},
        "extraDisk": {"originalPricePerHour": "600", "discountedPricePerHour": "600", "discountPercentage": 0.0},
    }


def test_a_free_cluster_costs_nothing(api):
    quote = ask_for_quote(api, "free2").json()
    assert quote["originalPricePerHour"] == "0"
    assert not {"package", "extraDisk", "diskSpeed"} & set(quote)


def test_a_disk_speed_that_nobody_sells_has_no_price(api):
    answer = ask_for_quote(api, "mx1", storageTierType="STORAGE_TIER_TYPE_BALANCED")
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    tiers = api.get("/booking/v1/accounts/{account}/storage-tiers", **HERE).json()
    assert tiers == {"items": [{"storageTierType": "STORAGE_TIER_TYPE_COST_OPTIMISED"}]}


def test_the_price_list_and_the_regions_are_public(client):
    def read(path, **query):
        answer = client.get(f"/api{path}", query)
        assert answer.status_code == 200
        return answer.json()

    assert "mx1" in [item["name"] for item in read("/booking/v1/packages", **HERE)["items"]]
    assert [item["id"] for item in read("/platform/v1/cloud-providers")["items"]] == ["aws", "azure", "gcp"]
    regions = read("/platform/v1/cloud-providers/aws/regions")["items"]
    assert len(regions) == Region.objects.filter(provider_id="aws").count()
    assert read("/platform/v1/cloud-providers/aws/regions/us-east-1")["region"] in regions


def test_a_wrong_key_is_refused_where_none_is_needed():
    answer = Client().get("/api/platform/v1/cloud-providers", headers={"Authorization": "apikey wrong"})
    assert answer.status_code == 401


def test_an_account_sees_the_same_regions(api):
    path = "/platform/v1/accounts/{account}/cloud-providers"
    assert [item["id"] for item in api.get(path).json()["items"]] == ["aws", "azure", "gcp"]
    [virginia] = [item for item in api.get(f"{path}/aws/regions").json()["items"] if item["id"] == "us-east-1"]
    assert virginia == {
        "id": "us-east-1",
        "name": "US East (N. Virginia)",
        "freeTier": True,
        "available": True,
        "provider": "aws",
        "countryIsoCode": "US",
        "geographicalSubRegion": "North America",
        "capabilities": {"volumeSnapshot": False, "volumeExpansion": True},
    }
    assert api.get(f"{path}/aws/regions/us-east-1").json() == {"region": virginia}


@pytest.mark.parametrize("path", ["hybrid/regions", "aws/regions/mars-1", "nobody/regions/us-east-1"])
def test_places_that_are_none_are_not_found(api, path):
    assert api.get(f"/platform/v1/accounts/{{account}}/cloud-providers/{path}").status_code == 404


def test_a_suggested_name_is_free_and_legal(api, wish, payment_method):
    name = api.get("/cluster/v1/accounts/{account}/clusters/suggest-name").json()["name"]
    assert api.post("/cluster/v1/accounts/{account}/clusters", wish(name=name)).status_code == 200
