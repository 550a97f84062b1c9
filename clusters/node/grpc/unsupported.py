"""Methods of Qdrant's gRPC API that an embedded node does not have, each with the sentence that says so."""

_SINGLE = "an embedded node is a single server: it has no shards to move and no peers"
_SNAPSHOTS = "an embedded node takes no snapshots; copy its data folder while it is stopped"
_ALIASES = "an embedded node has no collection aliases yet; use the collection's own name"
_VECTOR_NAMES = "an embedded node cannot add or remove vectors of a collection; create another collection"
_MATRIX = "an embedded node computes no distance matrices yet"
_OLD_SEARCHES = "an embedded node has no Search, Recommend and Discover methods; Query does all that they did"
_OLD = ("Search", "SearchBatch", "SearchGroups", "Recommend", "RecommendBatch", "RecommendGroups", "Discover")
_SHARDS = ("CollectionClusterInfo", "UpdateCollectionClusterSetup", "CreateShardKey", "DeleteShardKey", "ListShardKeys")

UNSUPPORTED_METHODS: dict[str, str] = {
    **{f"/qdrant.Points/{name}": _OLD_SEARCHES for name in (*_OLD, "DiscoverBatch")},
    **{f"/qdrant.Points/SearchMatrix{form}": _MATRIX for form in ("Pairs", "Offsets")},
    **{f"/qdrant.Points/{verb}VectorName": _VECTOR_NAMES for verb in ("Create", "Delete")},
    **{f"/qdrant.Collections/{name}": _ALIASES for name in ("UpdateAliases", "ListAliases", "ListCollectionAliases")},
    **{f"/qdrant.Collections/{name}": _SINGLE for name in _SHARDS},
    **{f"/qdrant.Snapshots/{verb}{full}": _SNAPSHOTS for verb in ("Create", "List", "Delete") for full in ("", "Full")},
}
