"""The rules that protos declare, each met and broken."""

import pytest

from cloudconsole.api.gen.qdrant.cloud.booking.v1.booking_pb2 import InferenceModel, ListInferenceModelsRequest, Package
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import (
    Cluster,
    CreateClusterRequest,
    ListClustersRequest,
    UpdateClusterRequest,
)
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.configuration_pb2 import (
    ClusterConfiguration,
    DatabaseConfigurationTls,
    TopologySpreadConstraint,
)
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.state_pb2 import ClusterState
from cloudconsole.api.gen.qdrant.cloud.common.v1.common_pb2 import KeyValue, SecretKeyRef
from cloudconsole.api.gen.qdrant.cloud.monitoring.v1.monitoring_pb2 import GetClusterUsageMetricsRequest, Metric
from cloudconsole.api.validation import dotted, violations

UUID = "7b0d8a26-31f5-4f7b-93d7-3d6f2f3c8a10"


def broken(message):
    """Path and rule of every violation."""
    return [(dotted(violation.field), violation.rule_id) for violation in violations(message)]


def broken_at(message, path):
    return [rule for at, rule in broken(message) if at == path]


@pytest.mark.parametrize("text", [UUID, UUID.upper()])
def test_uuids(text):
    assert broken_at(ListClustersRequest(account_id=text), "account_id") == []


@pytest.mark.parametrize("text", ["", "acme", UUID[:-1], UUID + "0", UUID + "\n", UUID.replace("-", ""), f"{{{UUID}}}"])
def test_what_is_no_uuid(text):
    assert broken_at(ListClustersRequest(account_id=text), "account_id") == ["string.uuid"]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("ok", []),
        ("a-b_C-9", []),
        ("x" * 64, []),
        ("x" * 65, ["string.max_len"]),
        ("x", ["string.min_len"]),
        ("no spaces", ["string.pattern"]),
        ("newline\n", ["string.pattern"]),
        ("größe", ["string.pattern"]),
        ("nul\0", ["string.no_nul", "string.pattern"]),
    ],
)
def test_cluster_names(name, rules):
    assert broken_at(Cluster(name=name), "name") == rules


def test_digits_of_a_version_are_ascii():
    assert broken_at(ClusterConfiguration(version="v1.١.0"), "version") == ["string.pattern"]
    assert broken_at(ClusterConfiguration(version="v1.19.0"), "version") == []


def test_fields_with_presence_are_checked_only_when_set():
    assert broken_at(ListClustersRequest(), "page_size") == []
    assert broken_at(ListClustersRequest(page_size=0), "page_size") == ["int32.gte"]
    assert broken_at(ListClustersRequest(page_size=250), "page_size") == []
    assert broken_at(ListClustersRequest(page_size=251), "page_size") == ["int32.lte"]
    assert broken_at(ListClustersRequest(page_token=""), "page_token") == ["string.min_len"]


def test_fields_without_presence_are_always_checked():
    assert broken_at(ClusterConfiguration(), "number_of_nodes") == ["uint32.gte"]
    assert broken_at(ListInferenceModelsRequest(), "cloud_provider_id") == ["string.min_len"]


def test_not_a_number_is_below_every_limit():
    assert broken_at(Metric(value=float("nan")), "value") == ["double.gte"]


def test_required_messages():
    assert broken(DatabaseConfigurationTls(cert=SecretKeyRef(name="a", key="b"))) == [("key", "required")]


def test_enums():
    assert broken_at(ClusterConfiguration(restart_policy=3), "restart_policy") == []
    assert broken_at(ClusterConfiguration(restart_policy=0), "restart_policy") == ["enum.not_in"]
    assert broken_at(ClusterConfiguration(restart_policy=9), "restart_policy") == ["enum.defined_only"]
    assert broken_at(ClusterState(phase=0), "phase") == []


def test_words():
    assert broken_at(Package(type="paid"), "type") == []
    assert broken_at(Package(type="gold"), "type") == ["string.in"]


@pytest.mark.parametrize("url", ["https://docs.example.com", "http://localhost:6333/x?y#z"])
def test_uris(url):
    assert broken_at(InferenceModel(external_docs_url=url), "external_docs_url") == []


@pytest.mark.parametrize("url", ["", "docs.example.com", "/docs", "https://", "http://[::1"])
def test_what_is_no_uri(url):
    assert broken_at(InferenceModel(external_docs_url=url), "external_docs_url") == ["string.uri"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32"])
def test_ipv4_networks(network):
    assert broken_at(ClusterConfiguration(allowed_ip_source_ranges=[network]), "allowed_ip_source_ranges[0]") == []


@pytest.mark.parametrize(
    "network", ["", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "::/0", "10.0.0/8", "1.2.3.4/٣٢"]
)
def test_what_is_no_ipv4_network(network):
    configuration = ClusterConfiguration(allowed_ip_source_ranges=["10.0.0.0/8", network])
    assert broken_at(configuration, "allowed_ip_source_ranges[1]") == ["string.ipv4_prefix"]


@pytest.mark.parametrize("key", ["a", "team", "A.b_c-9", "x" * 63, "example.com/team"])
def test_qualified_names(key):
    assert broken(KeyValue(key=key)) == []


@pytest.mark.parametrize("key", ["", "-a", "a-", "x" * 64, "a/b/c", "Example.com/a", "/a", "a/", "a b", "a\n"])
def test_what_is_no_qualified_name(key):
    assert broken(KeyValue(key=key)) == [("key", "string.qualified_name")]


def test_a_text_beyond_its_length_is_not_looked_at_further():
    assert broken(KeyValue(key="-" * 2_000_000)) == [("key", "string.max_len")]


def test_numbers_of_items():
    labels = [KeyValue(key="team")] * 10
    assert broken_at(Cluster(labels=labels), "labels") == []
    assert broken_at(Cluster(labels=[*labels, labels[0]]), "labels") == ["repeated.max_items"]
    assert broken_at(Package(), "available_storage_tier_configurations") == ["repeated.min_items"]


def test_rules_hold_at_every_depth():
    configuration = ClusterConfiguration(topology_spread_constraints=[TopologySpreadConstraint(max_skew=0)])
    assert ("cluster.configuration.topology_spread_constraints[0].max_skew", "int32.gte") in broken(
        CreateClusterRequest(cluster=Cluster(configuration=configuration))
    )


@pytest.mark.parametrize(
    "fields", [{"id": UUID}, {"created_at": {"seconds": 1}}, {"deleted_at": {}}, {"state": ClusterState()}]
)
def test_a_new_cluster_must_not_bring_what_the_server_sets(fields):
    (name,) = fields
    assert "message.absent" in broken_at(CreateClusterRequest(cluster=Cluster(**fields)), f"cluster.{name}")


def test_an_update_names_its_cluster():
    assert broken_at(UpdateClusterRequest(cluster=Cluster()), "cluster.id") == ["string.uuid"]
    assert broken_at(UpdateClusterRequest(cluster=Cluster(id=UUID)), "cluster.id") == []


def test_a_region_needs_its_provider():
    request = ListClustersRequest(account_id=UUID, cloud_provider_region_id="us-east-1")
    assert broken(request) == [("cloud_provider_id", "message.needs")]
    request.cloud_provider_id = "aws"
    assert broken(request) == []


@pytest.mark.parametrize(
    ("since", "until", "rules"),
    [
        ({"seconds": 1}, {"seconds": 2}, []),
        ({"seconds": 1}, {"seconds": 1, "nanos": 1}, []),
        ({"seconds": 1}, {"seconds": 1}, ["message.after"]),
        ({"seconds": 2}, {"seconds": 1, "nanos": 5}, ["message.after"]),
        ({"seconds": 2}, None, []),
        (None, {"seconds": 1}, []),
    ],
)
def test_a_window_ends_after_it_began(since, until, rules):
    request = GetClusterUsageMetricsRequest(account_id=UUID, cluster_id=UUID, since=since, until=until)
    assert broken(request) == [("until", rule) for rule in rules]
