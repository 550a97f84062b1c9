"""Clusters on one server do not see each other, nor the prefixes that keep them apart."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest
from qdrant_client import grpc as q

from clusters.provisioners.choice import provisioner_for
from gateway.exchange import Hider
from gateway.operations import OPERATIONS
from gateway.scope import NOT_ON_SHARED_SERVERS
from tests.gateway.conftest import document, sentence
from tests.gateway.shared.conftest import Tenant

pytestmark = pytest.mark.django_db
VECTORS = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture
def both(tenants: tuple[Tenant, Tenant]) -> Iterator[tuple[Tenant, Tenant]]:
    """Each has a collection ``books`` and an alias ``shelf`` of it, with a point that says whose it is."""
    for tenant in tenants:
        for left_over in tenant.ok("GET", "/collections")["collections"]:
            tenant.ok("DELETE", f"/collections/{quote(left_over['name'], safe='')}")
        tenant.door.collection("books", **VECTORS)
        point = {"id": 1, "vector": [1, 0], "payload": {"of": tenant.door.cluster.name}}
        tenant.door.upsert("books", point).raise_for_status()
        alias = {"create_alias": {"collection_name": "books", "alias_name": "shelf"}}
        tenant.ok("POST", "/collections/aliases", {"actions": [alias]})
    yield tenants
    for tenant in tenants:
        tenant.door.http.delete("/collections/books")


def test_the_same_names_are_different_collections(both, server: httpx.Client):
    for tenant in both:
        assert tenant.ok("GET", "/collections") == {"collections": [{"name": "books"}]}
        assert tenant.ok("GET", "/aliases") == {"aliases": [{"alias_name": "shelf", "collection_name": "books"}]}
        for name in ("books", "shelf"):
            assert tenant.ok("GET", f"/collections/{name}/points/1")["payload"] == {"of": tenant.door.cluster.name}
    kept = {one["name"] for one in server.get("/collections").json()["result"]["collections"]}
    assert {f"{tenant.prefix}books" for tenant in both} <= kept


def test_lookups_stay_inside(both):
    a, b = both
    b.door.collection("secret", **VECTORS)
    b.door.upsert("secret", {"id": 7, "vector": [0, 1]}).raise_for_status()
    for name in ("secret", f"{b.prefix}secret"):
        answer = a.request("POST", "/collections/books/points/query", {"query": 7, "lookup_from": {"collection": name}})
        assert answer.status_code == 404
        body = {"query": [1, 0], "group_by": "of", "with_lookup": name}
        groups = a.request("POST", "/collections/books/points/query/groups", body)
        assert groups.status_code == 404
        assert "with_lookup" not in groups.text
    found = b.ok("POST", "/collections/books/points/query", {"query": 7, "lookup_from": {"collection": "secret"}})
    assert found["points"]
    a.door.collection("authors", **VECTORS)
    author = {"id": "0f0c7d3a-0000-4c55-9d0e-1f6a3c1f0009", "vector": [1, 0], "payload": {"name": "Ann"}}
    a.door.upsert("authors", author).raise_for_status()
    point = {"id": 2, "vector": [0, 1], "payload": {"author": author["id"]}}
    a.door.upsert("books", point).raise_for_status()
    body = {"query": [0, 1], "group_by": "author", "with_lookup": {"collection": "authors"}}
    groups = a.ok("POST", "/collections/books/points/query/groups", body)["groups"]
    assert groups[0]["lookup"]["payload"] == {"name": "Ann"}
    for tenant, name in ((a, "authors"), (b, "secret")):
        tenant.ok("DELETE", f"/collections/{name}")


@pytest.mark.parametrize("name", ["", ".", "..", "%2E%2E", "a/b", "x" * 300, "a\nb", "ä", "{}"])
def test_odd_names_lead_nowhere_else(both, server: httpx.Client, name: str):
    before = server.get("/collections").json()["result"]
    path = f"/collections/{quote(name, safe='%')}"
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/points/scroll"), ("GET", "/points/1")):
        both[0].request(method, path + rest, {} if method == "POST" else None)
    assert server.get("/collections").json()["result"] == before


def test_errors_say_the_name_that_the_client_uses(both, channel: grpc.Channel):
    a, _ = both
    answer = a.request("GET", "/collections/missing")
    assert sentence(answer) == "Not found: Collection `missing` doesn't exist!"
    answer = a.request("PUT", "/collections/books", VECTORS)
    assert "Collection `books` already exists" in sentence(answer)
    answer = a.door.upsert("missing", {"id": 1, "vector": document("a word")})
    assert sentence(answer) == "Not found: Collection `missing` doesn't exist!"
    get = q.GetCollectionInfoRequest(collection_name="missing")
    with pytest.raises(grpc.RpcError) as refused:
        q.CollectionsStub(channel).Get(get, metadata=[("api-key", a.door.secret)])
    assert refused.value.details() == "Not found: Collection `missing` doesn't exist!"


def test_documents_are_embedded_into_the_right_collection(both):
    a, _ = both
    name = a.door.collection("texts")
    answer = a.door.upsert(name, {"id": 1, "vector": document("A cat purrs.")})
    assert answer.json()["usage"]["inference"]["models"]
    assert a.ok("POST", f"/collections/{name}/points/query", {"query": document("cat")})["points"][0]["id"] == 1
    a.ok("DELETE", f"/collections/{name}")


def test_snapshots_have_names_without_the_prefix_and_work(both):
    a, b = both
    made = a.ok("POST", "/collections/books/snapshots")["name"]
    assert [one["name"] for one in a.ok("GET", "/collections/books/snapshots")] == [made]
    assert b.request("GET", f"/collections/books/snapshots/{made}").status_code == 404
    file = a.door.http.get(f"/collections/books/snapshots/{made}")
    assert file.status_code == 200
    assert a.prefix not in str(file.headers)
    files = {"snapshot": ("books.snapshot", file.content)}
    assert b.request("POST", "/collections/copy/snapshots/upload", files=files).status_code == 200
    assert b.ok("GET", "/collections/copy/points/1")["payload"] == {"of": "tenant-a"}
    b.ok("DELETE", "/collections/copy")
    a.ok("DELETE", f"/collections/books/snapshots/{made}")


def test_figures_are_of_ones_own_collections(both):
    for tenant in both:
        telemetry = tenant.request("GET", "/telemetry").json()["result"]
        assert telemetry["collections"]["number_of_collections"] == 1
        assert "requests" not in telemetry
        metrics = tenant.request("GET", "/metrics").text
        assert "rest_responses_total{" not in metrics
        points = [line for line in metrics.splitlines() if line.startswith("collection_points{")]
        assert [line for line in points if 'id="books"' in line] == points


@pytest.mark.parametrize("name", sorted(NOT_ON_SHARED_SERVERS))
def test_what_concerns_the_whole_server_is_refused(both, name: str):
    operation = OPERATIONS[name]
    path = operation.path.format(collection_name="books", snapshot_name="x", shard_id=0, peer_id=1)
    body: Any = None if operation.method in ("GET", "DELETE") else {"location": "file:///etc/passwd"}
    answer = both[0].request(operation.method, path, body)
    assert (answer.status_code, "whole server" in sentence(answer)) == (403, True)


def test_unknown_routes_and_methods_are_not_passed_on(both, channel: grpc.Channel):
    assert both[0].request("GET", "/dashboard").status_code == 404
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/qdrant.CollectionsInternal/Get")(b"", metadata=[("api-key", both[0].door.secret)])
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_grpc_has_the_same_walls(both, channel: grpc.Channel):
    for tenant in both:
        stub, key = q.CollectionsStub(channel), [("api-key", tenant.door.secret)]
        assert [one.name for one in stub.List(q.ListCollectionsRequest(), metadata=key).collections] == ["books"]
        [alias] = stub.ListAliases(q.ListAliasesRequest(), metadata=key).aliases
        assert (alias.alias_name, alias.collection_name) == ("shelf", "books")
        request = q.ListCollectionAliasesRequest(collection_name="books")
        assert [one.alias_name for one in stub.ListCollectionAliases(request, metadata=key).aliases] == ["shelf"]
        snapshots = q.SnapshotsStub(channel)
        made = snapshots.Create(q.CreateSnapshotRequest(collection_name="books"), metadata=key).snapshot_description
        assert tenant.prefix not in made.name
        delete = q.DeleteSnapshotRequest(collection_name="books", snapshot_name=made.name)
        snapshots.Delete(delete, metadata=key)


def test_deleting_a_cluster_deletes_its_collections_and_no_others(both, server: httpx.Client):
    a, b = both
    provisioner_for(a.door.cluster).delete(a.door.cluster.pk, owner=None)  # type: ignore[arg-type]
    kept = {one["name"] for one in server.get("/collections").json()["result"]["collections"]}
    assert f"{a.prefix}books" not in kept
    assert f"{b.prefix}books" in kept


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_prefix_is_hidden_wherever_a_stream_is_cut(size: int):
    text, hidden = b"abXYZcXYXYZdXY", b"XYZ"
    hider = Hider(hidden)
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    parts = [hider.take(chunk, last=False) for chunk in chunks]
    assert b"".join([*parts, hider.take(b"", last=True)]) == text.replace(hidden, b"")
