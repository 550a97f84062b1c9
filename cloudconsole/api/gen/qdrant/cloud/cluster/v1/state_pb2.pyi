import datetime

from cloudconsole.api.gen.cloudconsole import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClusterPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_PHASE_UNSPECIFIED: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_CREATING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_FAILED_TO_CREATE: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_UPDATING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_FAILED_TO_UPDATE: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_SCALING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_UPGRADING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_SUSPENDING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_SUSPENDED: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_FAILED_TO_SUSPEND: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_RESUMING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_FAILED_TO_RESUME: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_HEALTHY: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_NOT_READY: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_RECOVERY_MODE: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_MANUAL_MAINTENANCE: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_FAILED_TO_SYNC: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_NOT_FOUND: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_DELETING: _ClassVar[ClusterPhase]
    CLUSTER_PHASE_UNKNOWN: _ClassVar[ClusterPhase]

class ClusterNodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_NODE_STATE_UNSPECIFIED: _ClassVar[ClusterNodeState]
    CLUSTER_NODE_STATE_STARTING: _ClassVar[ClusterNodeState]
    CLUSTER_NODE_STATE_HEALTHY: _ClassVar[ClusterNodeState]
    CLUSTER_NODE_STATE_UNHEALTHY: _ClassVar[ClusterNodeState]
    CLUSTER_NODE_STATE_SUSPENDED: _ClassVar[ClusterNodeState]
    CLUSTER_NODE_STATE_RECOVERING: _ClassVar[ClusterNodeState]

class ClusterNodeNotReadyCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_NODE_NOT_READY_CONDITION_UNSPECIFIED: _ClassVar[ClusterNodeNotReadyCondition]
    CLUSTER_NODE_NOT_READY_CONDITION_POD_SCHEDULING_ERROR: _ClassVar[ClusterNodeNotReadyCondition]
    CLUSTER_NODE_NOT_READY_CONDITION_CONTAINER_START_BLOCKED: _ClassVar[ClusterNodeNotReadyCondition]
    CLUSTER_NODE_NOT_READY_CONDITION_CONTAINER_RESTARTING: _ClassVar[ClusterNodeNotReadyCondition]
    CLUSTER_NODE_NOT_READY_CONDITION_READINESS_FAILING: _ClassVar[ClusterNodeNotReadyCondition]
    CLUSTER_NODE_NOT_READY_CONDITION_UNKNOWN: _ClassVar[ClusterNodeNotReadyCondition]

class ClusterNodeTerminationEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_NODE_TERMINATION_EVENT_UNSPECIFIED: _ClassVar[ClusterNodeTerminationEvent]
    CLUSTER_NODE_TERMINATION_EVENT_OUT_OF_MEMORY: _ClassVar[ClusterNodeTerminationEvent]
    CLUSTER_NODE_TERMINATION_EVENT_PROCESS_EXITED: _ClassVar[ClusterNodeTerminationEvent]

class ClusterNodeActionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_NODE_ACTION_KIND_UNSPECIFIED: _ClassVar[ClusterNodeActionKind]
    CLUSTER_NODE_ACTION_KIND_SCALE_VERTICALLY: _ClassVar[ClusterNodeActionKind]
    CLUSTER_NODE_ACTION_KIND_DOCUMENTATION: _ClassVar[ClusterNodeActionKind]

class ClusterScalabilityStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_SCALABILITY_STATUS_UNSPECIFIED: _ClassVar[ClusterScalabilityStatus]
    CLUSTER_SCALABILITY_STATUS_NOT_SCALABLE: _ClassVar[ClusterScalabilityStatus]
    CLUSTER_SCALABILITY_STATUS_SCALABLE: _ClassVar[ClusterScalabilityStatus]

class ClusterDiskExpansionSupportStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_UNSPECIFIED: _ClassVar[ClusterDiskExpansionSupportStatus]
    CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_SUPPORTED: _ClassVar[ClusterDiskExpansionSupportStatus]
    CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_NOT_SUPPORTED: _ClassVar[ClusterDiskExpansionSupportStatus]

class ClusterBackupSupportStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_BACKUP_SUPPORT_STATUS_UNSPECIFIED: _ClassVar[ClusterBackupSupportStatus]
    CLUSTER_BACKUP_SUPPORT_STATUS_SUPPORTED: _ClassVar[ClusterBackupSupportStatus]
    CLUSTER_BACKUP_SUPPORT_STATUS_NOT_SUPPORTED: _ClassVar[ClusterBackupSupportStatus]
CLUSTER_PHASE_UNSPECIFIED: ClusterPhase
CLUSTER_PHASE_CREATING: ClusterPhase
CLUSTER_PHASE_FAILED_TO_CREATE: ClusterPhase
CLUSTER_PHASE_UPDATING: ClusterPhase
CLUSTER_PHASE_FAILED_TO_UPDATE: ClusterPhase
CLUSTER_PHASE_SCALING: ClusterPhase
CLUSTER_PHASE_UPGRADING: ClusterPhase
CLUSTER_PHASE_SUSPENDING: ClusterPhase
CLUSTER_PHASE_SUSPENDED: ClusterPhase
CLUSTER_PHASE_FAILED_TO_SUSPEND: ClusterPhase
CLUSTER_PHASE_RESUMING: ClusterPhase
CLUSTER_PHASE_FAILED_TO_RESUME: ClusterPhase
CLUSTER_PHASE_HEALTHY: ClusterPhase
CLUSTER_PHASE_NOT_READY: ClusterPhase
CLUSTER_PHASE_RECOVERY_MODE: ClusterPhase
CLUSTER_PHASE_MANUAL_MAINTENANCE: ClusterPhase
CLUSTER_PHASE_FAILED_TO_SYNC: ClusterPhase
CLUSTER_PHASE_NOT_FOUND: ClusterPhase
CLUSTER_PHASE_DELETING: ClusterPhase
CLUSTER_PHASE_UNKNOWN: ClusterPhase
CLUSTER_NODE_STATE_UNSPECIFIED: ClusterNodeState
CLUSTER_NODE_STATE_STARTING: ClusterNodeState
CLUSTER_NODE_STATE_HEALTHY: ClusterNodeState
CLUSTER_NODE_STATE_UNHEALTHY: ClusterNodeState
CLUSTER_NODE_STATE_SUSPENDED: ClusterNodeState
CLUSTER_NODE_STATE_RECOVERING: ClusterNodeState
CLUSTER_NODE_NOT_READY_CONDITION_UNSPECIFIED: ClusterNodeNotReadyCondition
CLUSTER_NODE_NOT_READY_CONDITION_POD_SCHEDULING_ERROR: ClusterNodeNotReadyCondition
CLUSTER_NODE_NOT_READY_CONDITION_CONTAINER_START_BLOCKED: ClusterNodeNotReadyCondition
CLUSTER_NODE_NOT_READY_CONDITION_CONTAINER_RESTARTING: ClusterNodeNotReadyCondition
CLUSTER_NODE_NOT_READY_CONDITION_READINESS_FAILING: ClusterNodeNotReadyCondition
CLUSTER_NODE_NOT_READY_CONDITION_UNKNOWN: ClusterNodeNotReadyCondition
CLUSTER_NODE_TERMINATION_EVENT_UNSPECIFIED: ClusterNodeTerminationEvent
CLUSTER_NODE_TERMINATION_EVENT_OUT_OF_MEMORY: ClusterNodeTerminationEvent
CLUSTER_NODE_TERMINATION_EVENT_PROCESS_EXITED: ClusterNodeTerminationEvent
CLUSTER_NODE_ACTION_KIND_UNSPECIFIED: ClusterNodeActionKind
CLUSTER_NODE_ACTION_KIND_SCALE_VERTICALLY: ClusterNodeActionKind
CLUSTER_NODE_ACTION_KIND_DOCUMENTATION: ClusterNodeActionKind
CLUSTER_SCALABILITY_STATUS_UNSPECIFIED: ClusterScalabilityStatus
CLUSTER_SCALABILITY_STATUS_NOT_SCALABLE: ClusterScalabilityStatus
CLUSTER_SCALABILITY_STATUS_SCALABLE: ClusterScalabilityStatus
CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_UNSPECIFIED: ClusterDiskExpansionSupportStatus
CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_SUPPORTED: ClusterDiskExpansionSupportStatus
CLUSTER_DISK_EXPANSION_SUPPORT_STATUS_NOT_SUPPORTED: ClusterDiskExpansionSupportStatus
CLUSTER_BACKUP_SUPPORT_STATUS_UNSPECIFIED: ClusterBackupSupportStatus
CLUSTER_BACKUP_SUPPORT_STATUS_SUPPORTED: ClusterBackupSupportStatus
CLUSTER_BACKUP_SUPPORT_STATUS_NOT_SUPPORTED: ClusterBackupSupportStatus

class ClusterState(_message.Message):
    __slots__ = ("version", "nodes_up", "restarted_at", "phase", "reason", "endpoint", "resources", "scalability_info", "nodes", "jwt_rbac", "capabilities")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NODES_UP_FIELD_NUMBER: _ClassVar[int]
    RESTARTED_AT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    SCALABILITY_INFO_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    JWT_RBAC_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    version: str
    nodes_up: int
    restarted_at: _timestamp_pb2.Timestamp
    phase: ClusterPhase
    reason: str
    endpoint: ClusterEndpoint
    resources: ClusterNodeResourcesSummary
    scalability_info: ClusterScalabilityInfo
    nodes: _containers.RepeatedCompositeFieldContainer[ClusterNodeInfo]
    jwt_rbac: bool
    capabilities: ClusterCapabilities
    def __init__(self, version: _Optional[str] = ..., nodes_up: _Optional[int] = ..., restarted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., phase: _Optional[_Union[ClusterPhase, str]] = ..., reason: _Optional[str] = ..., endpoint: _Optional[_Union[ClusterEndpoint, _Mapping]] = ..., resources: _Optional[_Union[ClusterNodeResourcesSummary, _Mapping]] = ..., scalability_info: _Optional[_Union[ClusterScalabilityInfo, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[ClusterNodeInfo, _Mapping]]] = ..., jwt_rbac: _Optional[bool] = ..., capabilities: _Optional[_Union[ClusterCapabilities, _Mapping]] = ...) -> None: ...

class ClusterEndpoint(_message.Message):
    __slots__ = ("url", "rest_port", "grpc_port")
    URL_FIELD_NUMBER: _ClassVar[int]
    REST_PORT_FIELD_NUMBER: _ClassVar[int]
    GRPC_PORT_FIELD_NUMBER: _ClassVar[int]
    url: str
    rest_port: int
    grpc_port: int
    def __init__(self, url: _Optional[str] = ..., rest_port: _Optional[int] = ..., grpc_port: _Optional[int] = ...) -> None: ...

class ClusterNodeInfo(_message.Message):
    __slots__ = ("name", "started_at", "version", "endpoint", "state", "availability_zone", "not_ready_info")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ZONE_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_INFO_FIELD_NUMBER: _ClassVar[int]
    name: str
    started_at: _timestamp_pb2.Timestamp
    version: str
    endpoint: ClusterEndpoint
    state: ClusterNodeState
    availability_zone: str
    not_ready_info: ClusterNodeNotReadyInfo
    def __init__(self, name: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[str] = ..., endpoint: _Optional[_Union[ClusterEndpoint, _Mapping]] = ..., state: _Optional[_Union[ClusterNodeState, str]] = ..., availability_zone: _Optional[str] = ..., not_ready_info: _Optional[_Union[ClusterNodeNotReadyInfo, _Mapping]] = ...) -> None: ...

class ClusterNodeNotReadyInfo(_message.Message):
    __slots__ = ("condition", "condition_message", "event", "event_message", "actions")
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    CONDITION_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    condition: ClusterNodeNotReadyCondition
    condition_message: str
    event: ClusterNodeTerminationEvent
    event_message: str
    actions: _containers.RepeatedCompositeFieldContainer[ClusterNodeAction]
    def __init__(self, condition: _Optional[_Union[ClusterNodeNotReadyCondition, str]] = ..., condition_message: _Optional[str] = ..., event: _Optional[_Union[ClusterNodeTerminationEvent, str]] = ..., event_message: _Optional[str] = ..., actions: _Optional[_Iterable[_Union[ClusterNodeAction, _Mapping]]] = ...) -> None: ...

class ClusterNodeAction(_message.Message):
    __slots__ = ("kind", "description", "url")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    kind: ClusterNodeActionKind
    description: str
    url: str
    def __init__(self, kind: _Optional[_Union[ClusterNodeActionKind, str]] = ..., description: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class ClusterNodeResourcesSummary(_message.Message):
    __slots__ = ("disk", "ram", "cpu", "gpu", "gpu_ram")
    DISK_FIELD_NUMBER: _ClassVar[int]
    RAM_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    GPU_FIELD_NUMBER: _ClassVar[int]
    GPU_RAM_FIELD_NUMBER: _ClassVar[int]
    disk: ClusterNodeResources
    ram: ClusterNodeResources
    cpu: ClusterNodeResources
    gpu: ClusterNodeResources
    gpu_ram: ClusterNodeResources
    def __init__(self, disk: _Optional[_Union[ClusterNodeResources, _Mapping]] = ..., ram: _Optional[_Union[ClusterNodeResources, _Mapping]] = ..., cpu: _Optional[_Union[ClusterNodeResources, _Mapping]] = ..., gpu: _Optional[_Union[ClusterNodeResources, _Mapping]] = ..., gpu_ram: _Optional[_Union[ClusterNodeResources, _Mapping]] = ...) -> None: ...

class ClusterNodeResources(_message.Message):
    __slots__ = ("base", "complimentary", "additional", "reserved", "available")
    BASE_FIELD_NUMBER: _ClassVar[int]
    COMPLIMENTARY_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    base: float
    complimentary: float
    additional: float
    reserved: float
    available: float
    def __init__(self, base: _Optional[float] = ..., complimentary: _Optional[float] = ..., additional: _Optional[float] = ..., reserved: _Optional[float] = ..., available: _Optional[float] = ...) -> None: ...

class ClusterCapabilities(_message.Message):
    __slots__ = ("disk_expansion", "backup", "scalability_info")
    DISK_EXPANSION_FIELD_NUMBER: _ClassVar[int]
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    SCALABILITY_INFO_FIELD_NUMBER: _ClassVar[int]
    disk_expansion: ClusterDiskExpansionSupportInfo
    backup: ClusterBackupSupportInfo
    scalability_info: ClusterScalabilityInfo
    def __init__(self, disk_expansion: _Optional[_Union[ClusterDiskExpansionSupportInfo, _Mapping]] = ..., backup: _Optional[_Union[ClusterBackupSupportInfo, _Mapping]] = ..., scalability_info: _Optional[_Union[ClusterScalabilityInfo, _Mapping]] = ...) -> None: ...

class ClusterDiskExpansionSupportInfo(_message.Message):
    __slots__ = ("status", "reason")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    status: ClusterDiskExpansionSupportStatus
    reason: str
    def __init__(self, status: _Optional[_Union[ClusterDiskExpansionSupportStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ClusterBackupSupportInfo(_message.Message):
    __slots__ = ("status", "reason")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    status: ClusterBackupSupportStatus
    reason: str
    def __init__(self, status: _Optional[_Union[ClusterBackupSupportStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ClusterScalabilityInfo(_message.Message):
    __slots__ = ("status", "reason")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    status: ClusterScalabilityStatus
    reason: str
    def __init__(self, status: _Optional[_Union[ClusterScalabilityStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...
