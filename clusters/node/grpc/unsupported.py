"""Methods of Qdrant's gRPC API that an embedded node does not have, each with the sentence that says so."""

_SHARD_KEYS = "an embedded node keeps a collection in one shard: it has no shard keys"
_CLUSTER = "an embedded node tells of its single shard over REST only, and has no shards to move"
_FULL_SNAPSHOTS = "an embedded node takes snapshots of single collections only"
_OLD_SEARCHES = "an embedded node has no Search, Recommend and Discover methods in gRPC; Query does all that they did"
_VECTOR_NAME = "an embedded node adds a vector to a collection over REST only"
_OLD = ("Search", "SearchBatch", "SearchGroups", "Recommend", "RecommendBatch", "RecommendGroups", "Discover")

UNSUPPORTED_METHODS: dict[str, str] = {
    **{f"/qdrant.Points/{name}": _OLD_SEARCHES for name in (*_OLD, "DiscoverBatch")},
    "/qdrant.Points/CreateVectorName": _VECTOR_NAME,
    **{f"/qdrant.Collections/{name}": _CLUSTER for name in ("CollectionClusterInfo", "UpdateCollectionClusterSetup")},
    **{f"/qdrant.Collections/{verb}": _SHARD_KEYS for verb in ("CreateShardKey", "DeleteShardKey", "ListShardKeys")},
    **{f"/qdrant.Snapshots/{verb}Full": _FULL_SNAPSHOTS for verb in ("Create", "List", "Delete")},
}
