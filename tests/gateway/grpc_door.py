"""The gateway as its gRPC clients see it, and the messages that tests send."""

from dataclasses import dataclass
from typing import Any

import grpc
from qdrant_client import grpc as q

MINILM = "sentence-transformers/all-minilm-l6-v2"


@dataclass(frozen=True)
class GrpcDoor:
    """One cluster through the gateway's gRPC, with its key."""

    channel: grpc.Channel
    secret: str

    def call(self, message: Any, method: str, **options: Any) -> Any:
        """The reply to a message, and the call with its trailers."""
        stub = getattr(q.PointsStub(self.channel), method)
        return stub.with_call(message, metadata=[("api-key", self.secret)], **options)

    def raw(self, path: str, message: bytes, **metadata: str) -> bytes:
        sent = [("api-key", self.secret), *((name.replace("_", "-"), value) for name, value in metadata.items())]
        return self.channel.unary_unary(path)(message, metadata=sent, timeout=10)


def text(words: str, model: str = MINILM) -> Any:
    return q.Document(text=words, model=model)


def point(number: int, vector: Any, **payload: Any) -> Any:
    values = {name: q.Value(string_value=value) for name, value in payload.items()}
    vectors = q.Vectors(vector=vector)
    return q.PointStruct(id=q.PointId(num=number), vectors=vectors, payload=values)


def named(number: int, **vectors: Any) -> Any:
    return q.PointVectors(id=q.PointId(num=number), vectors=q.Vectors(vectors=q.NamedVectors(vectors=vectors)))


def used(reply: Any) -> dict[str, int]:
    return {name: usage.tokens for name, usage in reply.usage.inference.models.items()}


def request_id(call: Any) -> str:
    return dict(call.trailing_metadata())["x-request-id"]
