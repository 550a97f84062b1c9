"""Which Qdrant server carries the clusters of a region."""

import pytest
from django.test import override_settings

from cloudconsole.errors import ServiceError
from cloudconsole.qdrant_servers import QdrantServer, QdrantServers
from clusters.admission import check_new_cluster
from clusters.models import Package, Region


def test_a_region_has_its_own_server_or_the_common_one_or_none():
    servers = QdrantServers(
        {
            "QDRANT_URL": "http://common:6333/",
            "QDRANT_API_KEY": "common",
            "QDRANT_URL_AWS_US_EAST_1": "https://east:6333",
            "QDRANT_GRPC_PORT_AWS_US_EAST_1": "7334",
            "QDRANT_CA_FILE_AWS_US_EAST_1": "/ca.pem",
            "QDRANT_SHARED_AWS_US_EAST_1": "1",
        }
    )
    assert servers.of_region("aws", "us-east-1") == QdrantServer("https://east:6333", 7334, None, "/ca.pem", True)
    assert servers.of_region("gcp", "us-east4") == QdrantServer("http://common:6333", api_key="common")
    assert QdrantServers({"QDRANT_API_KEY": "x", "QDRANT_URL": ""}).of_region("aws", "us-east-1") is None


@pytest.mark.django_db
def test_a_server_that_is_not_shared_carries_one_cluster(account, make_cluster, payment_method):
    package = Package.objects.filter(type="paid").first()
    wish = {"package": package, "nodes": 1, "additional_disk_gib": 0}
    east, west = (Region.objects.get(provider_id="aws", code=code) for code in ("us-east-1", "us-west-2"))
    make_cluster("first", region=east.code)
    one = {"QDRANT_URL": "http://common:6333"}
    with override_settings(QDRANT_SERVERS=QdrantServers(one)):
        for region in (east, west):
            with pytest.raises(ServiceError, match="carries one cluster, and has it already"):
                check_new_cluster(account, region=region, **wish)
    with override_settings(QDRANT_SERVERS=QdrantServers(one | {"QDRANT_SHARED": "1"})):
        check_new_cluster(account, region=west, **wish)
    with override_settings(QDRANT_SERVERS=QdrantServers(one | {"QDRANT_URL_AWS_US_WEST_2": "http://west:6333"})):
        check_new_cluster(account, region=west, **wish)
