"""Methods of Qdrant's gRPC API that an embedded node does not have, each with the sentence that says so."""

_SHARD_KEYS = "an embedded node keeps a collection in one shard: it has no shard keys"
_CLUSTER = "an embedded node is a single server: it has no shards to move and no peers"
_FULL_SNAPSHOTS = "an embedded node takes snapshots of single collections only"

UNSUPPORTED_METHODS: dict[str, str] = {
    "/qdrant.Collections/UpdateCollectionClusterSetup": _CLUSTER,
    **{f"/qdrant.Collections/{verb}": _SHARD_KEYS for verb in ("CreateShardKey", "DeleteShardKey", "ListShardKeys")},
    **{f"/qdrant.Snapshots/{verb}Full": _FULL_SNAPSHOTS for verb in ("Create", "List", "Delete")},
}
