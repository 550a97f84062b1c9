"""What the protos declare beside fields, messages and methods, with its types (``cloudconsole/options.proto``)."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from cloudconsole.api.gen.cloudconsole import options_pb2

if TYPE_CHECKING:  # the stubs tell protobuf's implementations apart
    from google._upb import _message as upb

Field: TypeAlias = "FieldDescriptor | upb.FieldDescriptor"


def field_rules(field: Field) -> options_pb2.FieldRules:
    return cast(options_pb2.FieldRules, _option(field, options_pb2.rules))


def message_rules(message: Message) -> options_pb2.MessageRules:
    return cast(options_pb2.MessageRules, _option(message.DESCRIPTOR, options_pb2.message))


def method_access(method: MethodDescriptor) -> options_pb2.Access:
    return cast(options_pb2.Access, _option(method, options_pb2.access))


def _option(descriptor: Any, extension: Any) -> Any:
    return descriptor.GetOptions().Extensions[extension]
