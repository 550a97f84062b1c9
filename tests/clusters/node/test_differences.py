"""docs/differences.md is true, row by row."""

import io
import re
import tarfile
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusters.node.engine.updates import DEEPEST_PAYLOAD
from clusters.provisioners.owner import Owner
from tests.clusters.agent.running import CONFIGURATION, RunningAgent
from tests.clusters.node.differences import NOT_SERVED, PUBLISHED, ROWS, TEXT
from tests.clusters.node.running import RunningNode
from tests.waiting import wait_until

PROVEN: list[str] = []


def difference(row: str) -> Callable[[Any], Any]:
    """Declares which row a test proves."""
    PROVEN.append(row)
    return lambda test: test


@pytest.fixture
def path(node: RunningNode) -> str:
    """A collection of one vector with one point."""
    path = f"/collections/{uuid.uuid4()}"
    node.ok("PUT", path, {"vectors": {"size": 1, "distance": "Dot"}})
    node.ok("PUT", f"{path}/points?wait=true", {"points": [{"id": 1, "vector": [1]}]})
    return path


def assert_not_served(node: RunningNode, row: str) -> None:
    """Every operation of a row answers 501 with a sentence."""
    operations = [operation for operation, listed in NOT_SERVED.items() if listed == row]
    assert operations
    for operation, method, template in PUBLISHED:
        if operation in operations:
            answer = node.request(method, re.sub(r"{\w+}", "1", template))
            assert answer.status_code == 501
            assert answer.json()["status"]["error"].startswith("Not supported: an embedded node ")


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    rows = [row for row, _ in ROWS]
    assert len(set(rows)) == len(rows) == TEXT.count("\n| `")
    assert sorted(PROVEN) == sorted(rows)


@difference("one-server")
def test_one_server(node: RunningNode, path: str) -> None:
    assert_not_served(node, "one-server")
    assert node.ok("GET", "/cluster") == {"status": "disabled"}
    info = node.ok("GET", f"{path}/cluster")
    assert (info["peer_id"], [shard["shard_id"] for shard in info["local_shards"]]) == (0, [0])


@difference("nodes-are-one-process")
def test_nodes_are_one_process(tmp_path_factory: pytest.TempPathFactory) -> None:
    agent, cluster_id = RunningAgent(tmp_path_factory.mktemp("three")), uuid.uuid4()
    agent.provisioner.start(cluster_id, Owner(1), {**CONFIGURATION, "number_of_nodes": 3})
    agent.ready(cluster_id)
    assert len(agent.node_processes()) == 1
    agent.stop()


@difference("one-engine-for-all-releases")
def test_one_engine_for_all_releases(tmp_path: Path) -> None:
    older = RunningNode(tmp_path, version="v1.16.0")
    assert older.request("GET", "/").json()["version"] == "1.16.0"
    older.ok("PUT", "/collections/c", {"vectors": {"size": 1, "distance": "Dot"}})
    older.ok("PUT", "/collections/c/vectors/newer", {"dense": {"size": 2, "distance": "Dot"}})  # of 1.18
    older.stop()


@difference("no-shard-keys")
def test_no_shard_keys(node: RunningNode, path: str) -> None:
    assert_not_served(node, "no-shard-keys")
    body = {"points": [{"id": 2, "vector": [1]}], "shard_key": "a"}
    node.ok("PUT", f"{path}/points?wait=true", body)
    assert node.ok("POST", f"{path}/points/count", {"shard_key": "b"})["count"] == 2


@difference("replication-without-effect")
def test_replication_without_effect(node: RunningNode) -> None:
    asked = {"shard_number": 3, "replication_factor": 2, "write_consistency_factor": 2}
    node.ok("PUT", "/collections/replicated", {"vectors": {"size": 1, "distance": "Dot"}, **asked})
    params = node.ok("GET", "/collections/replicated")["config"]["params"]
    assert {name: params[name] for name in asked} == asked
    info = node.ok("GET", "/collections/replicated/cluster")
    assert (info["shard_count"], info["remote_shards"]) == (1, [])


@difference("consistency-without-effect")
def test_consistency_without_effect(node: RunningNode, path: str) -> None:
    node.ok("PUT", f"{path}/points?wait=true&ordering=strong", {"points": [{"id": 2, "vector": [1]}]})
    assert node.ok("POST", f"{path}/points/count?consistency=all", {})["count"] == 2


@difference("timeout-without-effect")
def test_timeout_without_effect(node: RunningNode, path: str) -> None:
    points = [{"id": id, "vector": [id]} for id in range(20_000)]
    answer = node.request("PUT", f"{path}/points?wait=true&timeout=0", {"points": points})
    assert answer.status_code == 200


@difference("waits-for-disk")
def test_waits_for_disk(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    node.ok("PUT", "/collections/c", {"vectors": {"size": 1, "distance": "Dot"}})
    body = {"points": [{"id": 1, "vector": [1]}]}
    assert node.ok("PUT", "/collections/c/points?wait=false", body)["status"] == "acknowledged"
    node.kill()
    with RunningNode(tmp_path).stopped_at_end() as again:
        assert again.ok("POST", "/collections/c/points/count", {})["count"] == 1


@difference("optimises-a-copy")
def test_optimises_a_copy(tmp_path: Path) -> None:
    with RunningNode(tmp_path).stopped_at_end() as node:
        small = {"optimizers_config": {"indexing_threshold": 1}, "hnsw_config": {"full_scan_threshold": 10}}
        node.ok("PUT", "/collections/large", {"vectors": {"size": 64, "distance": "Dot"}, **small})
        before = list((tmp_path / "collections").iterdir())
        told = node.ok("GET", "/collections/large/optimizations?with=idle_segments")
        assert told["idle_segments"] == [{"uuid": before[0].name, "points_count": 0}]
        points = [{"id": id, "vector": [id] * 64} for id in range(1_000)]
        node.ok("PUT", "/collections/large/points?wait=true", {"points": points})
        assert node.ok("GET", "/collections/large")["status"] == "yellow"
        wait_until(
            lambda: node.ok("GET", "/collections/large")["status"] == "green", seconds=60, what="an optimisation"
        )
        assert node.ok("GET", "/collections/large")["indexed_vectors_count"] == 1_000
        after = list((tmp_path / "collections").iterdir())
    assert len(before) == len(after) == 1
    assert before != after


@difference("settings-without-effect")
def test_settings_without_effect(node: RunningNode) -> None:
    wal = {"wal_capacity_mb": 64, "wal_segments_ahead": 1, "wal_retain_closed": 2}
    optimizers = {"flush_interval_sec": 60, "memmap_threshold": 7, "max_optimization_threads": 3}
    vectors = {"size": 1, "distance": "Dot"}
    body = {"vectors": vectors, "wal_config": wal, "optimizers_config": optimizers}
    node.ok("PUT", "/collections/settings", body)
    config = node.ok("GET", "/collections/settings")["config"]
    assert config["wal_config"] == wal
    assert config["optimizer_config"] | optimizers == config["optimizer_config"]
    assert not [file for file in (node.data_dir / "collections").rglob("*") if "wal" in file.name]


@difference("operation-ids-restart")
def test_operation_ids_restart(tmp_path: Path) -> None:
    body = {"points": [{"id": 1, "vector": [1]}]}
    with RunningNode(tmp_path).stopped_at_end() as node:
        node.ok("PUT", "/collections/c", {"vectors": {"size": 1, "distance": "Dot"}})
        assert [node.ok("PUT", "/collections/c/points", body)["operation_id"] for _ in range(2)] == [0, 1]
    with RunningNode(tmp_path).stopped_at_end() as node:
        assert node.ok("PUT", "/collections/c/points", body)["operation_id"] == 0


@difference("no-vectorless-collections")
def test_no_vectorless_collections(node: RunningNode) -> None:
    answer = node.request("PUT", "/collections/empty", {})
    assert (answer.status_code, "at least one dense or sparse vector" in answer.text) == (400, True)
    node.ok("PUT", "/collections/last", {"vectors": {"a": {"size": 1, "distance": "Dot"}}})
    assert node.request("DELETE", "/collections/last/vectors/a").status_code == 400


@difference("field-type-required")
def test_field_type_required(node: RunningNode, path: str) -> None:
    answer = node.request("PUT", f"{path}/index", {"field_name": "n"})
    assert (answer.status_code, "field_schema is required" in answer.text) == (400, True)


@difference("payload-depth")
def test_payload_depth(node: RunningNode, path: str) -> None:
    payload: dict[str, Any] = {}
    for _ in range(DEEPEST_PAYLOAD):
        payload = {"a": payload}
    answer = node.request("PUT", f"{path}/points", {"points": [{"id": 2, "vector": [1], "payload": payload}]})
    assert (answer.status_code, f"at most {DEEPEST_PAYLOAD} levels" in answer.text) == (400, True)
    shallower = {"points": [{"id": 2, "vector": [1], "payload": payload["a"]}]}
    assert node.ok("PUT", f"{path}/points", shallower)


@difference("vector-name-characters")
@pytest.mark.parametrize("name", ["a/../../../../outside", "/", "\0", "x" * 201])
def test_vector_name_characters(node: RunningNode, path: str, name: str) -> None:
    vectors = {"dense": {"size": 1, "distance": "Dot"}}
    quoted = urllib.parse.quote(name, safe="")
    assert node.request("PUT", f"{path}/vectors/{quoted}", vectors).status_code == 422
    assert node.request("PUT", "/collections/named", {"vectors": {name: vectors["dense"]}}).status_code == 422
    assert node.request("PUT", "/collections/named", {"sparse_vectors": {name: {}}}).status_code == 422


@difference("vector-names-copy")
def test_vector_names_copy(node: RunningNode, path: str) -> None:
    before = set((node.data_dir / "collections").iterdir())
    node.ok("PUT", f"{path}/vectors/new", {"dense": {"size": 1, "distance": "Dot"}})
    after = set((node.data_dir / "collections").iterdir())
    assert (len(before - after), len(after - before)) == (1, 1)


@difference("aliases-all-at-once")
def test_aliases_all_at_once(node: RunningNode, path: str) -> None:
    name = path.rsplit("/", 1)[1]
    create = {"create_alias": {"alias_name": "first", "collection_name": name}}
    rename = {"rename_alias": {"old_alias_name": "first", "new_alias_name": name}}
    answer = node.request("POST", "/collections/aliases", {"actions": [create, rename]})
    assert answer.status_code == 409
    assert node.ok("GET", f"{path}/aliases") == {"aliases": []}


@difference("strict-mode-partly")
def test_strict_mode_partly(node: RunningNode, path: str) -> None:
    unchecked = {
        "read_rate_limit": 1,
        "write_rate_limit": 1,
        "max_collection_vector_size_bytes": 1,
        "max_collection_payload_size_bytes": 1,
        "max_resident_memory_percent": 1,
        "multivector_config": {"a": {"max_vectors": 1}},
        "sparse_config": {"b": {"max_length": 1}},
    }
    late = {"dense": {"size": 1, "distance": "Dot", "multivector_config": {"comparator": "max_sim"}}}
    node.ok("PUT", f"{path}/vectors/a", late)
    node.ok("PUT", f"{path}/vectors/b", {"sparse": {}})
    node.ok("PATCH", path, {"strict_mode_config": {"enabled": True, **unchecked}})
    assert node.ok("GET", path)["config"]["strict_mode_config"] == {"enabled": True, **unchecked}
    vectors = {"a": [[1], [2]], "b": {"indices": [1, 2], "values": [1, 2]}}
    for _ in range(2):
        body = {"points": [{"id": 2, "vector": vectors, "payload": {"n": 1}}]}
        node.ok("PUT", f"{path}/points?wait=true", body)
        node.ok("POST", f"{path}/points/count", {})


@difference("snapshot-format")
def test_snapshot_format(node: RunningNode, path: str) -> None:
    taken = node.ok("POST", f"{path}/snapshots")
    content = node.request("GET", f"{path}/snapshots/{taken['name']}").content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames()[:2] == ["collection.json", "shard"]
    servers = io.BytesIO()
    with tarfile.open(fileobj=servers, mode="w") as archive:
        for name in ("0/", "config.json", "version.info"):
            archive.addfile(tarfile.TarInfo(name))
    answer = node.http.post(f"{path}/snapshots/upload", files={"snapshot": servers.getvalue()})
    assert (answer.status_code, "other Qdrant servers have another form" in answer.text) == (400, True)


@difference("snapshots-wait")
def test_snapshots_wait(node: RunningNode, path: str) -> None:
    taken = node.ok("POST", f"{path}/snapshots?wait=false")
    assert node.ok("GET", f"{path}/snapshots") == [taken]


@difference("no-snapshot-fetching")
def test_no_snapshot_fetching(node: RunningNode) -> None:
    assert_not_served(node, "no-snapshot-fetching")


@difference("no-full-snapshots")
def test_no_full_snapshots(node: RunningNode) -> None:
    assert_not_served(node, "no-full-snapshots")


@difference("no-shard-snapshots")
def test_no_shard_snapshots(node: RunningNode) -> None:
    assert_not_served(node, "no-shard-snapshots")


@difference("small-telemetry")
def test_small_telemetry(node: RunningNode) -> None:
    told = node.ok("GET", "/telemetry?details_level=10&anonymize=true&per_collection=true")
    assert set(told) == {"id", "app", "collections", "cluster", "requests"}
    text = node.request("GET", "/metrics?anonymize=true&per_collection=true").text
    families = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    collections = {"collections_total", "collection_points", "collection_vectors"}
    assert families == {"app_info", "rest_responses_total", *collections}


@difference("no-issues")
def test_no_issues(node: RunningNode) -> None:
    assert_not_served(node, "no-issues")


@difference("no-quotas")
def test_no_quotas(node: RunningNode) -> None:
    assert_not_served(node, "no-quotas")


@difference("no-dashboard")
def test_no_dashboard(node: RunningNode) -> None:
    assert node.request("GET", "/dashboard").status_code == 404
