"""gRPC messages that carry no inference objects go through as they came."""

from typing import Any

import grpc
import pytest
from qdrant_client import grpc as q

from gateway import grpc_upstream
from tests.gateway.conftest import MINILM, Door
from tests.gateway.grpc_door import GrpcDoor, point, request_id
from tests.gateway.running import GrpcMirror, running_node
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def point_bytes() -> bytes:
    """The field ``points`` of an upsert, with a payload that looks like an inference object."""
    one = point(1, q.Vector(data=[0.5]), text="x", model=MINILM)
    return q.UpsertPoints(points=[one]).SerializeToString()


@pytest.mark.parametrize("path", ["/qdrant.Points/Scroll", "/qdrant.Collections/Create", "/some.Other/Method"])
@pytest.mark.parametrize("size", [0, 100, 3_000_000])
def test_messages_arrive_byte_for_byte_both_ways(
    mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror, path: str, size: int
):
    message = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert mirrored_remote.raw(path, message) == message
    assert grpc_mirror.seen[0][:2] == (path, message)


def test_without_inference_objects_even_odd_bytes_pass(mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
    # an unknown field, and fields in another order than a serialiser would write them
    message = b"\xfa\x3e\x03abc" + point_bytes() + b"\x0a\x01x"
    grpc_mirror.answers["/qdrant.Points/Upsert"] = b"\xfa\x3e\x03abc"
    assert mirrored_remote.raw("/qdrant.Points/Upsert", message) == b"\xfa\x3e\x03abc"
    assert grpc_mirror.seen[0][1] == message


def test_no_key_is_forwarded(mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
    mirrored_remote.raw("/qdrant.Points/Count", b"", authorization="Bearer x", openai_api_key="sk", x_kept="yes")
    metadata = grpc_mirror.seen[0][2]
    assert not {"api-key", "authorization", "openai-api-key"} & set(metadata)
    assert metadata["x-kept"] == "yes"


def test_trailers_come_back(mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
    _, call = mirrored_remote.channel.unary_unary("/qdrant.Points/Count").with_call(
        b"", metadata=[("api-key", mirrored_remote.secret)]
    )
    assert dict(call.trailing_metadata())["x-from-node"] == "1"
    assert request_id(call)


def test_the_callers_deadline_and_departure_reach_the_cluster(mirrored_remote: GrpcDoor, grpc_mirror: GrpcMirror):
    grpc_mirror.held.add("/qdrant.Points/Count")
    call = mirrored_remote.channel.unary_unary("/qdrant.Points/Count").future(
        b"", metadata=[("api-key", mirrored_remote.secret)], timeout=8
    )
    wait_until(lambda: grpc_mirror.seen, seconds=5, what="the call is at the cluster")
    assert 4 < grpc_mirror.seconds[0] < 9
    call.cancel()
    assert grpc_mirror.gone.wait(5)


def test_a_cluster_that_comes_back_is_found_at_once(
    mirrored: Door, mirrored_remote: GrpcDoor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    for number in range(2):
        with running_node(mirrored.cluster.pk, tmp_path):
            mirrored_remote.raw("/qdrant.Collections/List", b"")
        with monkeypatch.context() as patch:
            patch.setattr(grpc_upstream, "CONNECT_SECONDS", 0.1)
            with pytest.raises(grpc.RpcError):
                mirrored_remote.raw("/qdrant.Collections/List", bytes(number))
