"""Lists of clusters: order, pages, filters."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import ParseDict

from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import ListClustersResponse
from cloudconsole.api.validation import violations
from tests.api.conftest import CLUSTERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(make_cluster):
    """Clusters called 0 (the newest) to 4; two of them are equally old."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = [make_cluster(f"c{n}", created_at=start - timedelta(days=min(n, 3))) for n in range(5)]
    return [made[0], made[1], made[2], *sorted(made[3:], key=lambda cluster: cluster.pk)]


def names(answer):
    return [item["name"] for item in answer.json()["items"]]


def test_without_a_page_size_everything_is_listed(api, five):
    answer = api.get(CLUSTERS)
    assert names(answer) == [cluster.name for cluster in five]
    assert not {"totalSize", "nextPageToken"} & set(answer.json())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 250])
def test_pages_list_every_cluster_once(api, five, size):
    listed, query, pages = [], {"page_size": size}, 0
    while True:
        answer = api.get(CLUSTERS, **query)
        assert answer.json()["totalSize"] == 5
        assert violations(ParseDict(answer.json(), ListClustersResponse())) == []
        listed += names(answer)
        pages += 1
        assert pages <= 5
        if "nextPageToken" not in answer.json():
            break
        query["pageToken"] = answer.json()["nextPageToken"]
    assert listed == [cluster.name for cluster in five]
    assert pages == -(-5 // size)


def test_a_page_goes_on_where_the_last_one_ended_whatever_happened_since(api, five, make_cluster):
    first = api.get(CLUSTERS, page_size=2)
    five[0].delete()
    make_cluster("newer")
    second = api.get(CLUSTERS, page_size=2, page_token=first.json()["nextPageToken"])
    assert names(second) == [cluster.name for cluster in five[2:4]]


@pytest.mark.parametrize(
    "token", ["x", "bm90IGpzb24=", "W10=", "WyJ4IiwgInkiXQ==", "W251bGwsIG51bGxd", "eyJhIjogMX0=", "\0"]
)
def test_a_page_token_that_no_answer_held_is_refused(api, token):
    answer = api.get(CLUSTERS, page_size=2, page_token=token)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("size", [0, -1, 251, "many"])
def test_a_page_size_out_of_range_is_refused(api, size):
    assert api.get(CLUSTERS, page_size=size).status_code == 400


def test_clusters_are_listed_by_provider_and_region(api, make_cluster):
    make_cluster("us")
    make_cluster("eu", region="eu-central-1")
    make_cluster("gcp", provider="gcp", region="us-east4")
    assert set(names(api.get(CLUSTERS, cloudProviderId="aws"))) == {"us", "eu"}
    assert names(api.get(CLUSTERS, cloudProviderId="aws", cloud_provider_region_id="eu-central-1")) == ["eu"]
    refused = api.get(CLUSTERS, cloudProviderRegionId="eu-central-1")
    assert refused.json()["message"] == "cloud_provider_id is needed together with cloud_provider_region_id"


def test_listing_takes_the_same_number_of_queries_for_any_number_of_clusters(api, five, django_assert_num_queries):
    with django_assert_num_queries(3):  # the key, the count, the rows
        api.get(CLUSTERS, page_size=250)
