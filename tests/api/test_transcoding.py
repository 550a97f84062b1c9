"""Messages in JSON, in paths and in query strings."""

import json
from datetime import UTC, datetime

import pytest

from cloudconsole.api.gen.qdrant.cloud.booking.v1.booking_pb2 import GetQuoteResponse
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.configuration_pb2 import ClusterConfiguration
from cloudconsole.api.methods import METHODS
from cloudconsole.api.transcoding import UnreadableRequest, read_request, to_json

LIST_PACKAGES = METHODS["qdrant.cloud.booking.v1.BookingService.ListPackages"]
UPDATE_CLUSTER = METHODS["qdrant.cloud.cluster.v1.ClusterService.UpdateCluster"]
METRICS = METHODS["qdrant.cloud.monitoring.v1.MonitoringService.GetClusterInferenceMetrics"]
USAGE = METHODS["qdrant.cloud.monitoring.v1.MonitoringService.GetClusterUsageMetrics"]


def query(method, **parameters):
    lists = [(name, value if isinstance(value, list) else [value]) for name, value in parameters.items()]
    return read_request(method, variables={}, query=lists, body=b"")


def body(method, data, **variables):
    return read_request(method, variables=variables, query=[], body=json.dumps(data).encode())


def test_64_bit_integers_are_text_and_32_bit_ones_numbers():
    quote = to_json(GetQuoteResponse(currency="USD", original_price_per_hour=5200, discount_percentage=12.5))
    assert quote == {
        "currency": "USD",
        "originalPricePerHour": "5200",
        "discountedPricePerHour": "0",
        "discountPercentage": 12.5,
    }


def test_default_values_are_written_and_unset_optionals_left_out():
    written = to_json(ClusterConfiguration(number_of_nodes=0))
    assert written["numberOfNodes"] == 0
    assert written["packageId"] == ""
    assert written["tolerations"] == []
    assert not {"version", "restartPolicy", "additionalResources"} & set(written)


def test_an_empty_message_and_a_set_default_are_written():
    configuration = ClusterConfiguration()
    configuration.database_configuration.service.SetInParent()
    configuration.database_configuration.collection.vectors.on_disk = False
    assert to_json(configuration)["databaseConfiguration"] == {
        "service": {},
        "collection": {"vectors": {"onDisk": False}},
    }


def test_bodies_may_be_written_in_camel_or_snake_case():
    camel = body(UPDATE_CLUSTER, {"cluster": {"cloudProviderId": "aws", "configuration": {"numberOfNodes": 2}}})
    snake = body(UPDATE_CLUSTER, {"cluster": {"cloud_provider_id": "aws", "configuration": {"number_of_nodes": 2}}})
    assert camel == snake
    assert camel.cluster.configuration.number_of_nodes == 2


def test_integers_may_be_text_and_enums_numbers():
    request = body(UPDATE_CLUSTER, {"cluster": {"configuration": {"numberOfNodes": "2", "restartPolicy": 1}}})
    named = body(
        UPDATE_CLUSTER,
        {
            "cluster": {
                "configuration": {"numberOfNodes": 2, "restartPolicy": "CLUSTER_CONFIGURATION_RESTART_POLICY_ROLLING"}
            }
        },
    )
    assert request == named


def test_unknown_fields_of_a_body_are_ignored():
    request = body(UPDATE_CLUSTER, {"cluster": {"name": "kept", "colour": "red"}, "extra": [1, {"a": None}]})
    assert request == body(UPDATE_CLUSTER, {"cluster": {"name": "kept"}})


def test_null_means_unset():
    assert body(UPDATE_CLUSTER, {"cluster": {"name": "kept", "state": None, "labels": None}}) == body(
        UPDATE_CLUSTER, {"cluster": {"name": "kept"}}
    )


def test_no_body_is_an_empty_one():
    assert read_request(UPDATE_CLUSTER, variables={}, query=[], body=b" \n") == UPDATE_CLUSTER.request()


def test_the_path_overrides_the_body():
    request = body(
        UPDATE_CLUSTER,
        {"cluster": {"id": "body", "name": "kept"}},
        **{"cluster.id": "path", "cluster.account_id": "acme"},
    )
    assert (request.cluster.id, request.cluster.account_id, request.cluster.name) == ("path", "acme", "kept")


def test_the_mask_of_a_body_is_one_string_in_camel_case():
    request = body(UPDATE_CLUSTER, {"updateMask": "name,configuration.databaseConfiguration.inference.enabled"})
    assert list(request.update_mask.paths) == ["name", "configuration.database_configuration.inference.enabled"]


def test_query_strings_may_be_written_in_camel_or_snake_case():
    camel = query(LIST_PACKAGES, cloudProviderId="aws", minResources_="ignored")
    assert camel == query(LIST_PACKAGES, cloud_provider_id="aws")
    assert camel.cloud_provider_id == "aws"


def test_query_strings_reach_nested_fields_repeat_lists_and_know_every_kind_of_value():
    request = query(
        LIST_PACKAGES,
        **{"minResources.ram": "8GiB", "min_resources.cpu": "500m"},
        statuses=["PACKAGE_STATUS_ACTIVE", "2"],
        multiAz="true",
        gpu="0",
        tier="PACKAGE_TIER_PREMIUM",
    )
    assert (request.min_resources.ram, request.min_resources.cpu) == ("8GiB", "500m")
    assert list(request.statuses) == [1, 2]
    assert request.multi_az
    assert request.HasField("gpu")
    assert not request.gpu
    assert request.tier == 2


def test_timestamps_in_query_strings_are_rfc_3339():
    request = query(METRICS, since="2026-11-01T00:00:00Z", until="2026-11-02T02:00:00+02:00")
    assert request.since.ToDatetime(UTC) == datetime(2026, 11, 1, tzinfo=UTC)
    assert request.until.ToDatetime(UTC) == datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["colour", "", ".", "account_id.x", "statuses.x", "minResources.colour", "min_resources."]
)
def test_unknown_parameters_are_ignored(name):
    assert query(LIST_PACKAGES, **{name: "x"}) == LIST_PACKAGES.request()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"multiAz": "maybe"}, "The query parameter multiAz must be true or false."),
        ({"cloudProviderId": ["aws", "gcp"]}, "is given 2 times, but takes one value."),
        ({"tier": "GOLD"}, "The query parameter tier does not fit the request: Invalid enum value GOLD"),
        ({"minResources": "8GiB"}, "The query parameter minResources does not fit the request"),
    ],
)
def test_parameters_that_do_not_fit_are_told(parameters, sentence):
    with pytest.raises(UnreadableRequest) as unreadable:
        query(LIST_PACKAGES, **parameters)
    assert sentence in str(unreadable.value)


@pytest.mark.parametrize("since", ["yesterday", "2026-11-01", "2026-13-01T00:00:00Z", "99999-01-01T00:00:00Z", ""])
def test_timestamps_that_are_none_are_told(since):
    with pytest.raises(UnreadableRequest, match="The query parameter since does not fit the request"):
        query(USAGE, since=since)
