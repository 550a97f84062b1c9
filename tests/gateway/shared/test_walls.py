"""With no key of cluster A is there anything to learn of cluster B: neither what it has nor that it is there.

Every operation is asked for a collection of B's and for one that nobody has; the answers must be the same but for the
name. Both with nodes of their own and on a server that both share.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from clusters.qdrant_messages import message_classes
from clusters.rules.access import READ_ONLY, Access, CollectionRule, collection_access
from gateway.operations import OPERATIONS, Row
from tests.gateway.bodies import aliases_of, body_of
from tests.gateway.conftest import Door
from tests.gateway.keys import key_for
from tests.gateway.shared.conftest import Tenant

pytestmark = pytest.mark.django_db

THEIRS, NOBODYS = "theirs", "nobody"  # of one length, so that no length tells them apart
# What may succeed for a collection that is not there: it makes one, or says that there is none.
HARMLESS = {"create_collection", "delete_collection", "collection_exists", "get_collection_aliases"}
NAMING = [name for name, row in OPERATIONS.items() if "{collection_name}" in row.path] + ["update_aliases"]


@dataclass(frozen=True)
class Neighbours:
    """B has a collection ``theirs`` with a point; A has one called ``mine``, and keys of every kind."""

    a: Door
    b: Door
    keys: dict[str, str]


@pytest.fixture(scope="module", params=["own nodes", "shared server"])
def neighbours(request: Any, tenants: tuple[Tenant, Tenant], open_door: Callable[..., Door]) -> Neighbours:
    if request.param == "shared server":
        a, b = (tenant.door for tenant in tenants)
    else:
        a, b = open_door("wall-a"), open_door("wall-b")
    for door, name in ((a, "mine"), (b, THEIRS)):
        door.collection(name, vectors={"size": 2, "distance": "Dot"})
        door.upsert(name, {"id": 1, "vector": [1, 0], "payload": {"a": "b"}}).raise_for_status()
    accesses = {
        "m": Access("m"),
        "r": READ_ONLY,
        "collection": collection_access([CollectionRule("mine", "rw")]),
        "named": collection_access([CollectionRule(THEIRS, "rw"), CollectionRule(NOBODYS, "rw")]),
    }
    return Neighbours(a, b, {name: key_for(a, name, access) for name, access in accesses.items()})


def answer(door: Door, secret: str, row: Row, collection: str) -> tuple[int, str]:
    """Status and body of the answer, with the collection's name and the time taken out."""
    fill = {"collection_name": collection, "id": "1", "shard_id": "0"}
    path = row.path.format(**fill, snapshot_name="none", field_name="a", vector_name="v")
    body = aliases_of(collection) if row.name == "update_aliases" else body_of(row.name, row.method)
    response = door.http.request(row.method, path, json=body, headers={"api-key": secret})
    told = response.json() if response.headers["content-type"].startswith("application/json") else response.text
    if isinstance(told, dict):
        told.pop("time", None)
    return response.status_code, json.dumps(told, sort_keys=True).replace(collection, "X")


@pytest.mark.parametrize("name", NAMING)
def test_rest_tells_nothing(neighbours: Neighbours, name: str):
    row = OPERATIONS[name]
    for key, secret in neighbours.keys.items():
        theirs, nobodys = (answer(neighbours.a, secret, row, one) for one in (THEIRS, NOBODYS))
        assert theirs == nobodys, key
        if name not in HARMLESS:
            assert theirs[0] in (400, 401, 403, 404, 501), theirs
    for collection in (THEIRS, NOBODYS):
        neighbours.a.http.delete(f"/collections/{collection}")
    assert neighbours.b.count(THEIRS) == 1


@pytest.mark.parametrize("name", [name for name in NAMING if OPERATIONS[name].grpc])
def test_grpc_tells_nothing(neighbours: Neighbours, channel: grpc.Channel, name: str):
    path = f"/qdrant.{OPERATIONS[name].grpc}"
    for key, secret in neighbours.keys.items():
        theirs, nobodys = (call(channel, secret, path, one) for one in (THEIRS, NOBODYS))
        assert theirs == nobodys, key
    for collection in (THEIRS, NOBODYS):
        neighbours.a.http.delete(f"/collections/{collection}")
    assert neighbours.b.count(THEIRS) == 1


def call(channel: grpc.Channel, secret: str, path: str, collection: str) -> tuple[Any, str]:
    request = message_classes(path)[0]()
    if "collection_name" in request.DESCRIPTOR.fields_by_name:
        request.collection_name = collection
    elif "actions" in request.DESCRIPTOR.fields_by_name:
        request.actions.add().create_alias.collection_name = collection
    try:
        channel.unary_unary(path)(request.SerializeToString(), metadata=[("api-key", secret)], timeout=30)
    except grpc.RpcError as error:
        return error.code(), error.details().replace(collection, "X")
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("name", ["query_points", "query_points_groups", "recommend_points"])
def test_lookups_tell_nothing(neighbours: Neighbours, name: str):
    row, told = OPERATIONS[name], []
    for collection in (THEIRS, NOBODYS):
        lookup = {"with_lookup": collection} if "groups" in name else {"lookup_from": {"collection": collection}}
        query = {} if name == "recommend_points" else {"query": 1}
        body = body_of(name, "POST") | query | lookup
        response = neighbours.a.http.post(row.path.format(collection_name="mine"), json=body)
        told.append((response.status_code, response.json()["status"]["error"].replace(collection, "X")))
    assert told[0] == told[1]
    assert told[0][0] == 404


def test_a_host_of_somebody_elses_cluster_tells_nothing(neighbours: Neighbours):
    region = neighbours.b.cluster.host.split(".", 1)[1]
    hosts = [
        f"{identity}.{region}.localhost"
        for identity in (neighbours.b.cluster.pk, "0" * 8 + "-0000" * 3 + "-" + "0" * 12)
    ]
    for key in (*neighbours.keys.values(), "wrong", ""):
        answers = [neighbours.a.http.get("/collections", headers={"host": host, "api-key": key}) for host in hosts]
        assert len({(one.status_code, one.json()["status"]["error"]) for one in answers}) == 1
        assert answers[0].status_code in (401, 403)


def test_no_request_of_a_reaches_the_node_of_b(open_door: Callable[..., Door]):
    """So no time that B takes can tell that it is there."""
    a, b = open_door("wall-c"), open_door("wall-d")
    b.collection(THEIRS, vectors={"size": 2, "distance": "Dot"})

    def answered() -> dict[str, Any]:
        figures: httpx.Response = b.http.get("/telemetry")
        responses = figures.json()["result"]["requests"]["rest"]["responses"]
        return {path: counts for path, counts in responses.items() if path != "GET /telemetry"}

    before = answered()
    for name in NAMING:
        for host in ({}, {"host": f"{b.cluster.host}.localhost"}):
            row = OPERATIONS[name]
            path = row.path.format(
                collection_name=THEIRS, id=1, shard_id=0, snapshot_name="s", field_name="f", vector_name="v"
            )
            a.http.request(row.method, path, json=body_of(name, row.method), headers=host)
    assert answered() == before
