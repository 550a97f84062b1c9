"""What keys and tokens may do through the gateway, over both transports, and what they may see."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import grpc
import jwt
import pytest
from qdrant_client import grpc as q

from clusters.database_keys import create_database_api_key, revoke_database_api_key, signing_secret
from clusters.qdrant_messages import message_classes
from clusters.rules.access import READ_ONLY, Access
from gateway.operations import OPERATIONS
from tests.gateway.conftest import Door, committing, sentence
from tests.gateway.keys import ACTOR, ask, key_for, token
from tests.gateway.test_operations import KEYS, allowed_by_qdrant
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
ALL_KEYS = {"m": Access("m"), **KEYS}
FORBIDDEN = {
    "Forbidden: Global manage access is required",
    "Forbidden: Global access is required",
    "Forbidden: Manage access for this operation is required",
    "Forbidden: Write access to collection c is required",
    "Forbidden: Only points access is allowed for collection c",
}
VECTORS = {"vectors": {"size": 2, "distance": "Dot"}}


@pytest.fixture(scope="module")
def door(open_door: Callable[..., Door]) -> Door:
    return open_door("rights")


@pytest.fixture(scope="module")
def secrets(door: Door) -> dict[str, str]:
    return {name: key_for(door, name, access) for name, access in ALL_KEYS.items()}


@pytest.fixture
def collections(door: Door) -> Iterator[None]:
    """Collections ``c``, with one point, and ``hidden``, which no key lists; one alias each."""
    for name in ("c", "hidden"):
        door.collection(name, **VECTORS)
        door.upsert(name, {"id": 1, "vector": [1, 0], "payload": {"user": "u1", "of": name}}).raise_for_status()
        alias = {"create_alias": {"collection_name": name, "alias_name": f"{name}-alias"}}
        door.http.post("/collections/aliases", json={"actions": [alias]}).raise_for_status()
    yield
    for name in ("c", "hidden"):
        door.http.delete(f"/collections/{name}")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_over_rest_and_grpc(door: Door, channel: grpc.Channel, secrets, name: str):
    operation = OPERATIONS[name]
    fill = {"collection_name": "c", "id": "1", "shard_id": "0", "peer_id": "1"}
    path = operation.path.format(**fill, snapshot_name="none", field_name="f", vector_name="v")
    for key, secret in secrets.items():
        expected = key == "m" or key in allowed_by_qdrant(name)
        body = None if operation.method in ("GET", "DELETE") else {}
        answer = ask(door, secret, operation.method, path, json=body)
        assert (answer.status_code not in (401, 403)) == expected, (key, answer.text)
        if not expected:
            assert sentence(answer) in FORBIDDEN
        if operation.grpc:
            code, words = call(channel, secret, f"/qdrant.{operation.grpc}")
            assert (code is not grpc.StatusCode.PERMISSION_DENIED) == expected, (key, words)
            assert expected or words == sentence(answer)


def call(channel: grpc.Channel, secret: str, path: str) -> tuple[Any, str]:
    """Code and sentence of a call whose message names the collection and nothing else."""
    request = message_classes(path)[0]()
    if "collection_name" in request.DESCRIPTOR.fields_by_name:
        request.collection_name = "c"
    try:
        channel.unary_unary(path)(request.SerializeToString(), metadata=[("api-key", secret)], timeout=30)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


class TestSeeing:
    @pytest.fixture(autouse=True)
    def _collections(self, collections: None) -> None:
        pass

    def test_lists_show_what_the_key_lists(self, door: Door, channel: grpc.Channel, secrets):
        for key in ("collection r", "collection rw", "collection prw"):
            headers = [("api-key", secrets[key])]
            stub = q.CollectionsStub(channel)
            listed = ask(door, secrets[key], "GET", "/collections").json()["result"]["collections"]
            assert listed == [{"name": "c"}]
            remote = stub.List(q.ListCollectionsRequest(), metadata=headers).collections
            assert [one.name for one in remote] == ["c"]
            aliases = ask(door, secrets[key], "GET", "/aliases").json()["result"]["aliases"]
            assert [one["alias_name"] for one in aliases] == ["c-alias"]
            remote = stub.ListAliases(q.ListAliasesRequest(), metadata=headers).aliases
            assert [one.alias_name for one in remote] == ["c-alias"]
            telemetry = ask(door, secrets[key], "GET", "/telemetry").text
            assert "hidden" not in telemetry
            assert '"number_of_collections":1' in telemetry
        everything = ask(door, secrets["r"], "GET", "/collections").json()["result"]["collections"]
        assert {one["name"] for one in everything} == {"c", "hidden"}
        assert "rest_responses_total{" in ask(door, secrets["r"], "GET", "/metrics").text

    @pytest.mark.parametrize("name", ["hidden", "missing", "c-alias", "hidden-alias"])
    def test_what_is_not_listed_looks_the_same_whether_it_is_there_or_not(self, door: Door, secrets, name: str):
        for method, path in (("GET", ""), ("GET", "/exists"), ("POST", "/points/query"), ("PUT", "/points")):
            answer = ask(door, secrets["collection rw"], method, f"/collections/{name}{path}", json={})
            assert answer.status_code == 403
            assert sentence(answer) == f"Forbidden: Access to collection {name} is required"

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("query", {"query": 1, "lookup_from": {"collection": "NAME"}}),
            (
                "query",
                {
                    "prefetch": {"query": 1, "prefetch": [{"query": 1, "lookup_from": {"collection": "NAME"}}]},
                    "query": 1,
                },
            ),
            ("query/batch", {"searches": [{"query": 1}, {"query": 1, "lookup_from": {"collection": "NAME"}}]}),
            ("query/groups", {"query": [1, 0], "group_by": "user", "with_lookup": "NAME"}),
            ("query/groups", {"query": [1, 0], "group_by": "user", "with_lookup": {"collection": "NAME"}}),
            (
                "search/groups",
                {"vector": [1, 0], "limit": 1, "group_size": 1, "group_by": "user", "with_lookup": "NAME"},
            ),
            ("recommend", {"positive": [1], "limit": 1, "lookup_from": {"collection": "NAME"}}),
        ],
    )
    def test_no_lookup_leads_out_of_the_list(self, door: Door, secrets, path: str, body: Any):
        text = json.dumps(body)
        for written in (text, text.replace("lookup", "l\\u006fokup"), text.replace("lookup", "\\u006Cook\\u0075p")):
            for name, status in (("hidden", 403), ("c", 200), ("missing", 403)):
                content = written.replace("NAME", name)
                headers = {"api-key": secrets["collection r"], "content-type": "application/json"}
                answer = door.http.post(f"/collections/c/points/{path}", content=content, headers=headers)
                assert answer.status_code == status, answer.text
                if status == 403:
                    assert sentence(answer) == f"Forbidden: Access to collection {name} is required"

    def test_of_a_name_given_twice_both_are_held_to_the_list(self, door: Door, secrets):
        for first, second in (("hidden", "c"), ("c", "hidden")):
            lookups = ", ".join(f'"lookup_from": {{"collection": "{name}"}}' for name in (first, second))
            headers = {"api-key": secrets["collection r"], "content-type": "application/json"}
            content = f'{{"query": 1, {lookups}}}'
            answer = door.http.post("/collections/c/points/query", content=content, headers=headers)
            assert answer.status_code == (200 if second == "c" else 403)

    def test_a_compressed_body_hides_nothing(self, door: Door, secrets):
        headers = {"api-key": secrets["collection r"], "content-encoding": "gzip"}
        answer = door.http.post("/collections/c/points/query", content=b"\x1f\x8b", headers=headers)
        assert answer.status_code == 415

    def test_no_grpc_lookup_leads_out_of_the_list(self, channel: grpc.Channel, secrets):
        metadata = [("api-key", secrets["collection r"])]
        nearest = q.Query(nearest=q.VectorInput(id=q.PointId(num=1)))
        lookup = q.LookupLocation(collection_name="hidden")
        deep = q.PrefetchQuery(prefetch=[q.PrefetchQuery(query=nearest, lookup_from=lookup)])
        for method, message in (
            ("Query", q.QueryPoints(collection_name="c", query=nearest, lookup_from=lookup)),
            ("Query", q.QueryPoints(collection_name="c", query=nearest, prefetch=[deep])),
            (
                "QueryBatch",
                q.QueryBatchPoints(
                    collection_name="c",
                    query_points=[q.QueryPoints(collection_name="hidden", query=nearest)],
                ),
            ),
            (
                "QueryGroups",
                q.QueryPointGroups(
                    collection_name="c", query=nearest, group_by="user", with_lookup=q.WithLookup(collection="hidden")
                ),
            ),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                getattr(q.PointsStub(channel), method)(message, metadata=metadata)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert refused.value.details() == "Forbidden: Access to collection hidden is required"


class TestSignedTokens:
    @pytest.fixture(autouse=True)
    def _collections(self, collections: None) -> None:
        pass

    def test_a_token_signed_with_the_clusters_secret_is_a_key(self, door: Door):
        for claims in ({}, {"access": "m"}, {"exp": int(time.time()) - 20}, {"sub": "job", "access": "r"}):
            assert ask(door, token(door, **claims), "GET", "/collections/c").status_code == 200
        read_only = token(door, access=[{"collection": "c", "access": "r"}])
        assert ask(door, read_only, "PUT", "/collections/c/points", json={"points": []}).status_code == 403
        assert ask(door, read_only, "GET", "/collections/hidden").status_code == 403

    def test_the_host_may_name_the_cluster_instead_of_the_token(self, door: Door):
        host = f"{door.cluster.host}.localhost:6333"
        secret = token(door, headers={})
        assert ask(door, secret, "GET", "/collections").status_code == 401
        assert door.http.get("/collections", headers={"api-key": secret, "host": host}).status_code == 200

    @pytest.mark.parametrize(
        ("claims", "status", "words"),
        [
            ({"exp": 1_000_000_000}, 403, "ExpiredSignature"),
            ({"access": "rw"}, 401, "access: rw is neither r nor m"),
            ({"exp": "soon"}, 401, "Invalid API key or JWT"),
            ({"subject": "api-key:00000000-0000-4000-8000-000000000000"}, 401, "Invalid API key or JWT"),
        ],
    )
    def test_a_token_that_does_not_hold_says_why(self, door: Door, claims, status, words):
        answer = ask(door, token(door, **claims), "GET", "/collections")
        assert (answer.status_code, sentence(answer)) == (status, words)

    def test_a_forged_token_is_told_the_same_whether_its_cluster_exists_or_not(self, door: Door, free_us: Door):
        nobody = "00000000-0000-4000-8000-000000000000"
        forged = [
            token(door, secret="guessed"),
            token(door, secret="guessed", headers={"kid": nobody}),
            token(door, headers={"kid": str(free_us.cluster.pk)}),
            token(door, headers={"kid": nobody}),
        ]
        answers = [ask(door, secret, "GET", "/collections") for secret in forged]
        assert {(one.status_code, sentence(one)) for one in answers} == {(403, "InvalidSignature")}
        unsigned = jwt.encode({"access": "m"}, "", "none", {"kid": str(door.cluster.pk)})
        assert ask(door, unsigned, "GET", "/collections").status_code == 401

    def test_of_a_cluster_that_is_gone_the_right_signature_helps_nobody(self, door: Door):
        gone = uuid4()
        answer = ask(door, token(door, signing_secret(gone), {"kid": str(gone)}), "GET", "/collections")
        assert (answer.status_code, sentence(answer)) == (401, "Invalid API key or JWT")

    def test_a_token_can_depend_on_a_point(self, door: Door, channel: grpc.Channel):
        condition = {"collection": "hidden", "matches": [{"key": "user", "value": "u1"}]}
        secret = token(door, access=[{"collection": "c", "access": "r"}], value_exists=condition)
        metadata = [("api-key", secret)]
        get = q.GetCollectionInfoRequest(collection_name="c")
        assert ask(door, secret, "GET", "/collections/c").status_code == 200
        assert q.CollectionsStub(channel).Get(get, metadata=metadata).result.points_count == 1
        door.http.post("/collections/hidden/points/delete", json={"points": [1]}, params={"wait": "true"})
        answer = ask(door, secret, "GET", "/collections/c")
        words = "Invalid JWT, stateful validation failed"
        assert (answer.status_code, sentence(answer)) == (401, words)
        with pytest.raises(grpc.RpcError, match=words):
            q.CollectionsStub(channel).Get(get, metadata=metadata)
        door.http.delete("/collections/hidden")
        answer = ask(door, secret, "GET", "/collections/c")
        assert (answer.status_code, sentence(answer)) == (403, words)

    def test_where_granular_keys_are_off_tokens_are_not_believed(self, open_door: Callable[..., Door]):
        opaque = open_door("opaque", jwt_rbac=False)
        assert opaque.secret.startswith("ccd_")
        assert opaque.http.get("/collections").status_code == 200
        answer = ask(opaque, token(opaque), "GET", "/collections")
        assert (answer.status_code, sentence(answer)) == (401, "Invalid API key or JWT")


def test_a_revoked_key_is_refused_within_a_second_everywhere(door: Door, channel: grpc.Channel):
    made = []
    committing(
        lambda: made.extend(
            create_database_api_key(cluster=door.cluster, name="leaver", access=READ_ONLY, requested_by=ACTOR)
        )
    )
    key, secret = made
    assert ask(door, secret, "GET", "/collections").status_code == 200
    committing(lambda: revoke_database_api_key(cluster=door.cluster, key_id=key.pk, requested_by=ACTOR))
    wait_until(lambda: ask(door, secret, "GET", "/collections").status_code == 401, seconds=1, what="it is refused")
    with pytest.raises(grpc.RpcError) as refused:
        q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=[("api-key", secret)])
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
