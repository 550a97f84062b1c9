from cloudconsole.api.gen.cloudconsole import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class StorageTierType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORAGE_TIER_TYPE_UNSPECIFIED: _ClassVar[StorageTierType]
    STORAGE_TIER_TYPE_COST_OPTIMISED: _ClassVar[StorageTierType]
    STORAGE_TIER_TYPE_BALANCED: _ClassVar[StorageTierType]
    STORAGE_TIER_TYPE_PERFORMANCE: _ClassVar[StorageTierType]
STORAGE_TIER_TYPE_UNSPECIFIED: StorageTierType
STORAGE_TIER_TYPE_COST_OPTIMISED: StorageTierType
STORAGE_TIER_TYPE_BALANCED: StorageTierType
STORAGE_TIER_TYPE_PERFORMANCE: StorageTierType

class KeyValue(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class SecretKeyRef(_message.Message):
    __slots__ = ("name", "key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    key: str
    def __init__(self, name: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...
