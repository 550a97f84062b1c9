"""Operations of Qdrant's API that an embedded node does not have, each with the sentence that says so."""

_SINGLE = "an embedded node is a single server: it has no shards to move and no peers"
_SNAPSHOTS = "an embedded node takes no snapshots; copy its data folder while it is stopped"
_TELEMETRY = "an embedded node keeps no telemetry"
_ALIASES = "an embedded node has no collection aliases yet; use the collection's own name"
_VECTOR_NAMES = "an embedded node cannot add or remove vectors of a collection; create another collection"
_MATRIX = "an embedded node computes no distance matrices yet"
_COLLECTION = "/collections/{collection_name}"

UNSUPPORTED: list[tuple[str, str, str]] = [
    *[(method, f"{_COLLECTION}/cluster", _SINGLE) for method in ("GET", "POST")],
    *[(method, f"{_COLLECTION}/shards", _SINGLE) for method in ("GET", "PUT")],
    ("POST", f"{_COLLECTION}/shards/delete", _SINGLE),
    ("GET", "/cluster", _SINGLE),
    ("POST", "/cluster/recover", _SINGLE),
    ("DELETE", "/cluster/peer/{peer_id}", _SINGLE),
    *[(method, f"{prefix}/snapshots", _SNAPSHOTS) for prefix in ("", _COLLECTION) for method in ("GET", "POST")],
    *[
        (method, f"{prefix}/snapshots/{{snapshot_name}}", _SNAPSHOTS)
        for prefix in ("", _COLLECTION)
        for method in ("GET", "DELETE")
    ],
    ("PUT", f"{_COLLECTION}/snapshots/recover", _SNAPSHOTS),
    ("POST", f"{_COLLECTION}/snapshots/upload", _SNAPSHOTS),
    ("GET", "/telemetry", _TELEMETRY),
    ("GET", "/metrics", _TELEMETRY),
    ("GET", "/aliases", _ALIASES),
    ("GET", f"{_COLLECTION}/aliases", _ALIASES),
    ("POST", "/collections/aliases", _ALIASES),
    *[(method, f"{_COLLECTION}/vectors/{{vector_name}}", _VECTOR_NAMES) for method in ("PUT", "DELETE")],
    *[("POST", f"{_COLLECTION}/points/search/matrix/{form}", _MATRIX) for form in ("pairs", "offsets")],
]
