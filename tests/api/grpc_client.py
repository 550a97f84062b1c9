"""A client of the admin API's gRPC form, made from the protos alone."""

from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2

from cloudconsole.api.gen.buf.validate.violations_pb2 import Violations
from cloudconsole.api.methods import METHODS

_BY_SHORT_NAME = {method.short_name: method for method in METHODS.values()}


class GrpcClient:
    """One management key's client over TLS; ``authority`` is the PEM of whom it trusts."""

    def __init__(self, address: str, authority: bytes | None, secret: str | None) -> None:
        self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(authority))
        self._secret = secret

    def __enter__(self) -> "GrpcClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def call(self, short_name: str, metadata: dict[str, str] | None = None, **fields: Any) -> Any:
        """Call ``ClusterService.GetCluster`` with the fields of its request; returns the response message."""
        return self.call_with_trailers(short_name, metadata, **fields)[0]

    def call_with_trailers(
        self, short_name: str, metadata: dict[str, str] | None = None, **fields: Any
    ) -> tuple[Message, dict[str, str | bytes]]:
        method = _BY_SHORT_NAME[short_name]
        service, _, name = method.name.rpartition(".")
        data = method.request(**fields).SerializeToString()
        answer, call = self.bytes(f"/{service}/{name}", data, metadata)
        return method.response.FromString(answer), dict(call.trailing_metadata())

    def bytes(self, path: str, data: bytes, metadata: dict[str, str] | None = None) -> Any:
        """Call any path with any bytes; returns the answer's bytes and the call. Raises grpc.RpcError."""
        headers = {"authorization": f"apikey {self._secret}"} if self._secret else {}
        return self._channel.unary_unary(path).with_call(
            data, metadata=tuple((headers | (metadata or {})).items()), timeout=60, wait_for_ready=True
        )

    @property
    def channel(self) -> grpc.Channel:
        return self._channel


def violations_of(error: grpc.RpcError) -> Violations:
    """The broken rules that an error carries."""
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    found = Violations()
    assert status.details[0].Unpack(found)
    return found
