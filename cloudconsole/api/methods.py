"""Every RPC that the protos declare, with what they declare about it."""

import re
from dataclasses import dataclass
from types import ModuleType

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cloudconsole.api.declarations import method_access
from cloudconsole.api.gen.cloudconsole import options_pb2
from cloudconsole.api.gen.qdrant.cloud.account.v1 import account_pb2
from cloudconsole.api.gen.qdrant.cloud.auth.v1 import auth_pb2
from cloudconsole.api.gen.qdrant.cloud.billing.v1 import billing_pb2
from cloudconsole.api.gen.qdrant.cloud.booking.v1 import booking_pb2
from cloudconsole.api.gen.qdrant.cloud.cluster.auth.v2 import database_api_key_pb2
from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import cluster_pb2
from cloudconsole.api.gen.qdrant.cloud.iam.v1 import iam_pb2
from cloudconsole.api.gen.qdrant.cloud.metering.v1 import metering_pb2
from cloudconsole.api.gen.qdrant.cloud.monitoring.v1 import monitoring_pb2
from cloudconsole.api.gen.qdrant.cloud.payment.v1 import payment_pb2
from cloudconsole.api.gen.qdrant.cloud.platform.v1 import platform_pb2
from cloudconsole.api.gen.qdrant.cloud.quota.v1 import quota_pb2

VARIABLE = re.compile(r"\{([a-z_.]+)\}")  # in a path
_FILES: tuple[ModuleType, ...] = (
    cluster_pb2,
    database_api_key_pb2,
    booking_pb2,
    platform_pb2,
    monitoring_pb2,
    metering_pb2,
    billing_pb2,
    account_pb2,
    iam_pb2,
    auth_pb2,
    quota_pb2,
    payment_pb2,
)


@dataclass(frozen=True)
class Method:
    """One RPC. ``path`` is its REST path with ``{field.path}`` variables, ``verb`` the HTTP method in capitals."""

    name: str  # "qdrant.cloud.cluster.v1.ClusterService.GetCluster"
    request: type[Message]
    response: type[Message]
    access: options_pb2.Access
    verb: str
    path: str
    has_body: bool

    @property
    def variables(self) -> tuple[str, ...]:
        """The field paths that stand in ``path``, in order."""
        return tuple(VARIABLE.findall(self.path))

    @property
    def short_name(self) -> str:
        """``ClusterService.GetCluster``."""
        return ".".join(self.name.rsplit(".", 2)[1:])


def _method(descriptor: MethodDescriptor) -> Method:
    http = descriptor.GetOptions().Extensions[annotations_pb2.http]
    verb = http.WhichOneof("pattern")
    return Method(
        name=descriptor.full_name,
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        access=method_access(descriptor),
        verb=verb.upper(),
        path=getattr(http, verb),
        has_body=http.body == "*",
    )


METHODS: dict[str, Method] = {
    method.full_name: _method(method)
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
