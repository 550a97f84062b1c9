"""Random bytes on both ports: neither falls over, hangs, or keeps what it was sent."""

import contextlib
import socket

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import grpc as q

from clusters.qdrant_messages import message_classes, method_paths
from tests.gateway.conftest import Door
from tests.gateway.fuzz.conftest import FUZZING
from tests.gateway.fuzz.test_inference_lookalikes import FAULTS
from tests.gateway.running import RunningGateway

pytestmark = pytest.mark.django_db
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BEGINNINGS = st.sampled_from(
    [
        b"",
        PREFACE,
        PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        b"POST /collections/fuzz/points/query HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
        b"PUT /collections/fuzz/points HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"\x16\x03\x01",
    ]
)


@FUZZING
@given(BEGINNINGS, st.binary(max_size=2000))
def test_ports_survive_whatever_they_are_sent(gateway: RunningGateway, fuzzed: Door, beginning: bytes, noise: bytes):
    for port in (int(gateway.url.rsplit(":", 1)[1]), gateway.grpc_port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.settimeout(0.05)
            with contextlib.suppress(OSError):
                connection.sendall(beginning + noise)
                while connection.recv(65536):
                    pass
    assert fuzzed.http.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", method_paths())
@FUZZING
@given(st.binary(max_size=200), st.data())
def test_no_message_is_a_fault(fuzzed: Door, channel: grpc.Channel, path: str, noise: bytes, data: st.DataObject):
    """Plain noise, and a good message with some of its bytes changed."""
    request = message_classes(path)[0]()
    if "collection_name" in request.DESCRIPTOR.fields_by_name and path != "/qdrant.Collections/Delete":
        request.collection_name = "fuzz"
    good = request.SerializeToString()
    cut = data.draw(st.integers(0, len(good)))
    for message in (noise, good[:cut] + noise + good[cut:], good + noise):
        call = channel.unary_unary(path).future(message, metadata=[("api-key", fuzzed.secret)], timeout=30)
        assert call.code() not in FAULTS, call.details()


def test_unknown_methods_and_odd_keys_are_refused(fuzzed: Door, channel: grpc.Channel):
    for path in ("/", "/qdrant.Points/", "/qdrant.Points/Nothing", "/a/b"):
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(path)(b"", metadata=[("api-key", fuzzed.secret)], timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    for key in ("eyJhbGciOiJIUzI1NiJ9.e30.", "." * 5000, "eyJ.eyJ.eyJ", "x" * 6000):
        with pytest.raises(grpc.RpcError) as refused:
            q.CollectionsStub(channel).List(q.ListCollectionsRequest(), metadata=[("api-key", key)], timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert fuzzed.http.get("/collections", headers={"api-key": key}).status_code == 401
