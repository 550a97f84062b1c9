"""The messages of Qdrant's gRPC API."""

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.message_factory import GetMessageClass

from clusters.client_parts import import_parts

if TYPE_CHECKING:
    from qdrant_client import grpc as q
else:
    [q] = import_parts(["qdrant_client.grpc"])

SERVICES = ("qdrant.Points", "qdrant.Collections", "qdrant.Snapshots")


@cache
def message_classes(path: str) -> tuple[Any, Any]:
    """The request and the reply class of a method such as ``/qdrant.Points/Upsert``."""
    _, service, name = path.split("/")
    method = _service(service).methods_by_name[name]
    return GetMessageClass(method.input_type), GetMessageClass(method.output_type)


def method_paths() -> list[str]:
    """Every method of Qdrant's API."""
    return [f"/{service}/{method.name}" for service in SERVICES for method in _service(service).methods]


def _service(name: str) -> Any:
    return q.qdrant_pb2.DESCRIPTOR.pool.FindServiceByName(name)
