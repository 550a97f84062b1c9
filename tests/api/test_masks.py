"""Partial updates: what a mask replaces and what it leaves alone."""

import pytest
from google.protobuf.json_format import ParseDict

from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import Cluster, UpdateClusterRequest
from cloudconsole.api.masks import merge_masked
from cloudconsole.api.validation import InvalidRequest

CURRENT = {
    "id": "1",
    "name": "before",
    "createdAt": "2026-01-01T00:00:00Z",
    "labels": [{"key": "team", "value": "search"}],
    "costAllocationLabel": "team",
    "configuration": {
        "numberOfNodes": 1,
        "restartPolicy": "CLUSTER_CONFIGURATION_RESTART_POLICY_ROLLING",
        "lastModifiedAt": "2026-01-01T00:00:00Z",
        "databaseConfiguration": {"service": {}, "inference": {"enabled": True}},
    },
    "state": {"version": "v1.19.0"},
}


def cluster(data):
    return ParseDict(data, Cluster())


def merged(sent, *paths):
    """The cluster that an update amounts to."""
    request = UpdateClusterRequest(cluster=cluster(sent), update_mask={"paths": list(paths)})
    merge_masked(request, "cluster", cluster(CURRENT))
    return request.cluster


def current_with(change):
    """The current cluster without what only the server writes, changed by a function."""
    wanted = cluster(CURRENT)
    for name in ("created_at", "state"):
        wanted.ClearField(name)
    wanted.configuration.ClearField("last_modified_at")
    change(wanted)
    return wanted


def test_a_masked_field_is_replaced_and_nothing_else():
    def renamed(wanted):
        wanted.name = "after"

    assert merged({"name": "after", "labels": []}, "name") == current_with(renamed)


def test_a_nested_field_leaves_its_neighbours():
    def off(wanted):
        wanted.configuration.database_configuration.inference.enabled = False

    sent = {"configuration": {"databaseConfiguration": {"inference": {"enabled": False}}}}
    assert merged(sent, "configuration.database_configuration.inference.enabled") == current_with(off)


def test_a_masked_message_is_replaced_whole():
    def only_storage(wanted):
        wanted.configuration.database_configuration.Clear()
        wanted.configuration.database_configuration.storage.SetInParent()

    sent = {"configuration": {"databaseConfiguration": {"storage": {}}}}
    assert merged(sent, "configuration.database_configuration") == current_with(only_storage)


def test_a_masked_field_that_was_not_sent_is_cleared():
    def cleared(wanted):
        for name in ("labels", "cost_allocation_label"):
            wanted.ClearField(name)
        wanted.configuration.ClearField("restart_policy")
        wanted.configuration.database_configuration.ClearField("service")

    paths = (
        "labels",
        "cost_allocation_label",
        "configuration.restart_policy",
        "configuration.database_configuration.service",
    )
    assert merged({}, *paths) == current_with(cleared)


def test_a_list_is_replaced_not_appended_to():
    def relabelled(wanted):
        del wanted.labels[:]
        wanted.labels.add(key="stage", value="test")

    assert merged({"labels": [{"key": "stage", "value": "test"}]}, "labels", "labels") == current_with(relabelled)


def test_clearing_inside_a_message_that_is_not_there_leaves_no_empty_message_behind():
    assert merged({}, "configuration.database_configuration.tls.cert") == current_with(lambda wanted: None)


def test_an_empty_message_can_be_set():
    def with_storage(wanted):
        wanted.configuration.cluster_storage_configuration.SetInParent()

    sent = {"configuration": {"clusterStorageConfiguration": {}}}
    assert merged(sent, "configuration.cluster_storage_configuration") == current_with(with_storage)


def test_an_empty_mask_replaces_everything():
    sent = {"id": "1", "name": "after", "configuration": {"numberOfNodes": 1}}
    assert merged(sent) == cluster(sent)


@pytest.mark.parametrize("paths", [(), ("state", "created_at", "configuration.last_modified_at")])
def test_what_only_the_server_writes_is_ignored(paths):
    sent = CURRENT | {"state": {"version": "v9"}, "createdAt": "2030-01-01T00:00:00Z"}
    assert merged(sent, *paths) == current_with(lambda wanted: None)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "colour",
        "name.first",
        "labels.key",
        "configuration.",
        "cluster.name",
        "configuration.x.y",
        "databaseConfiguration",
    ],
)
def test_a_path_that_names_no_field_is_refused(path):
    with pytest.raises(InvalidRequest) as refused:
        merged({}, path)
    assert str(refused.value) == f"update_mask names no field: {path}"
