from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
RULES_FIELD_NUMBER: _ClassVar[int]
rules: _descriptor.FieldDescriptor
MESSAGE_FIELD_NUMBER: _ClassVar[int]
message: _descriptor.FieldDescriptor
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor

class FieldRules(_message.Message):
    __slots__ = ("required", "output_only", "uuid", "min_len", "max_len", "pattern", "one_of", "uri", "ipv4_prefix", "qualified_name", "gte", "lte", "gt", "defined_only", "not_unspecified", "min_items", "max_items", "items")
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ONLY_FIELD_NUMBER: _ClassVar[int]
    UUID_FIELD_NUMBER: _ClassVar[int]
    MIN_LEN_FIELD_NUMBER: _ClassVar[int]
    MAX_LEN_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    IPV4_PREFIX_FIELD_NUMBER: _ClassVar[int]
    QUALIFIED_NAME_FIELD_NUMBER: _ClassVar[int]
    GTE_FIELD_NUMBER: _ClassVar[int]
    LTE_FIELD_NUMBER: _ClassVar[int]
    GT_FIELD_NUMBER: _ClassVar[int]
    DEFINED_ONLY_FIELD_NUMBER: _ClassVar[int]
    NOT_UNSPECIFIED_FIELD_NUMBER: _ClassVar[int]
    MIN_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    required: bool
    output_only: bool
    uuid: bool
    min_len: int
    max_len: int
    pattern: str
    one_of: _containers.RepeatedScalarFieldContainer[str]
    uri: bool
    ipv4_prefix: bool
    qualified_name: bool
    gte: float
    lte: float
    gt: float
    defined_only: bool
    not_unspecified: bool
    min_items: int
    max_items: int
    items: FieldRules
    def __init__(self, required: _Optional[bool] = ..., output_only: _Optional[bool] = ..., uuid: _Optional[bool] = ..., min_len: _Optional[int] = ..., max_len: _Optional[int] = ..., pattern: _Optional[str] = ..., one_of: _Optional[_Iterable[str]] = ..., uri: _Optional[bool] = ..., ipv4_prefix: _Optional[bool] = ..., qualified_name: _Optional[bool] = ..., gte: _Optional[float] = ..., lte: _Optional[float] = ..., gt: _Optional[float] = ..., defined_only: _Optional[bool] = ..., not_unspecified: _Optional[bool] = ..., min_items: _Optional[int] = ..., max_items: _Optional[int] = ..., items: _Optional[_Union[FieldRules, _Mapping]] = ...) -> None: ...

class MessageRules(_message.Message):
    __slots__ = ("absent", "uuid", "needs", "after", "required_oneof")
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    UUID_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_ONEOF_FIELD_NUMBER: _ClassVar[int]
    absent: _containers.RepeatedScalarFieldContainer[str]
    uuid: _containers.RepeatedScalarFieldContainer[str]
    needs: _containers.RepeatedCompositeFieldContainer[FieldPair]
    after: _containers.RepeatedCompositeFieldContainer[FieldPair]
    required_oneof: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, absent: _Optional[_Iterable[str]] = ..., uuid: _Optional[_Iterable[str]] = ..., needs: _Optional[_Iterable[_Union[FieldPair, _Mapping]]] = ..., after: _Optional[_Iterable[_Union[FieldPair, _Mapping]]] = ..., required_oneof: _Optional[_Iterable[str]] = ...) -> None: ...

class FieldPair(_message.Message):
    __slots__ = ("field", "other")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    field: str
    other: str
    def __init__(self, field: _Optional[str] = ..., other: _Optional[str] = ...) -> None: ...

class Access(_message.Message):
    __slots__ = ("account", "permissions", "any_actor", "user_only", "masked_resource", "public", "creates")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    ANY_ACTOR_FIELD_NUMBER: _ClassVar[int]
    USER_ONLY_FIELD_NUMBER: _ClassVar[int]
    MASKED_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    CREATES_FIELD_NUMBER: _ClassVar[int]
    account: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    any_actor: bool
    user_only: bool
    masked_resource: str
    public: bool
    creates: bool
    def __init__(self, account: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., any_actor: _Optional[bool] = ..., user_only: _Optional[bool] = ..., masked_resource: _Optional[str] = ..., public: _Optional[bool] = ..., creates: _Optional[bool] = ...) -> None: ...
