"""Operations of Qdrant's API that an embedded node does not have, each with the sentence that says so."""

_SINGLE = "an embedded node is a single server: it has no shards to move and no peers"
_SHARD_KEYS = "an embedded node keeps a collection in one shard: it has no shard keys"
_FULL_SNAPSHOTS = "an embedded node takes snapshots of single collections only"
_SHARD_SNAPSHOTS = "an embedded node keeps a collection in one shard: take a snapshot of the collection"
_RECOVERY = "an embedded node fetches no snapshots; download the snapshot and upload it to snapshots/upload"
_ISSUES = "an embedded node looks for no issues"
_QUOTAS = "an embedded node has no quotas"
_COLLECTION = "/collections/{collection_name}"
_SHARD = f"{_COLLECTION}/shards/{{shard_id}}"

UNSUPPORTED: list[tuple[str, str, str]] = [
    ("POST", f"{_COLLECTION}/cluster", _SINGLE),
    ("GET", "/cluster/telemetry", _SINGLE),
    ("POST", "/cluster/recover", _SINGLE),
    ("DELETE", "/cluster/peer/{peer_id}", _SINGLE),
    *[(method, f"{_COLLECTION}/shards", _SHARD_KEYS) for method in ("GET", "PUT")],
    ("POST", f"{_COLLECTION}/shards/delete", _SHARD_KEYS),
    *[(method, "/snapshots", _FULL_SNAPSHOTS) for method in ("GET", "POST")],
    *[(method, "/snapshots/{snapshot_name}", _FULL_SNAPSHOTS) for method in ("GET", "DELETE")],
    ("GET", f"{_SHARD}/snapshot", _SHARD_SNAPSHOTS),
    *[(method, f"{_SHARD}/snapshots", _SHARD_SNAPSHOTS) for method in ("GET", "POST")],
    *[(method, f"{_SHARD}/snapshots/{{snapshot_name}}", _SHARD_SNAPSHOTS) for method in ("GET", "DELETE")],
    ("POST", f"{_SHARD}/snapshots/upload", _SHARD_SNAPSHOTS),
    ("PUT", f"{_SHARD}/snapshots/recover", _SHARD_SNAPSHOTS),
    ("PUT", f"{_COLLECTION}/snapshots/recover", _RECOVERY),
    *[(method, "/issues", _ISSUES) for method in ("GET", "DELETE")],
    *[(method, "/quotas", _QUOTAS) for method in ("GET", "PUT")],
]
