import datetime

from cloudconsole.api.gen.cloudconsole import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from cloudconsole.api.gen.qdrant.cloud.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClusterServiceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_SERVICE_TYPE_UNSPECIFIED: _ClassVar[ClusterServiceType]
    CLUSTER_SERVICE_TYPE_CLUSTER_IP: _ClassVar[ClusterServiceType]
    CLUSTER_SERVICE_TYPE_NODE_PORT: _ClassVar[ClusterServiceType]
    CLUSTER_SERVICE_TYPE_LOAD_BALANCER: _ClassVar[ClusterServiceType]

class ClusterConfigurationGpuType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_CONFIGURATION_GPU_TYPE_UNSPECIFIED: _ClassVar[ClusterConfigurationGpuType]
    CLUSTER_CONFIGURATION_GPU_TYPE_NVIDIA: _ClassVar[ClusterConfigurationGpuType]
    CLUSTER_CONFIGURATION_GPU_TYPE_AMD: _ClassVar[ClusterConfigurationGpuType]

class ClusterConfigurationRestartPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_CONFIGURATION_RESTART_POLICY_UNSPECIFIED: _ClassVar[ClusterConfigurationRestartPolicy]
    CLUSTER_CONFIGURATION_RESTART_POLICY_ROLLING: _ClassVar[ClusterConfigurationRestartPolicy]
    CLUSTER_CONFIGURATION_RESTART_POLICY_PARALLEL: _ClassVar[ClusterConfigurationRestartPolicy]
    CLUSTER_CONFIGURATION_RESTART_POLICY_AUTOMATIC: _ClassVar[ClusterConfigurationRestartPolicy]

class ClusterConfigurationRebalanceStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_UNSPECIFIED: _ClassVar[ClusterConfigurationRebalanceStrategy]
    CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_COUNT: _ClassVar[ClusterConfigurationRebalanceStrategy]
    CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_SIZE: _ClassVar[ClusterConfigurationRebalanceStrategy]
    CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_COUNT_AND_SIZE: _ClassVar[ClusterConfigurationRebalanceStrategy]
    CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_DISABLED: _ClassVar[ClusterConfigurationRebalanceStrategy]

class DatabaseConfigurationLogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATABASE_CONFIGURATION_LOG_LEVEL_UNSPECIFIED: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_TRACE: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_DEBUG: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_INFO: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_WARN: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_ERROR: _ClassVar[DatabaseConfigurationLogLevel]
    DATABASE_CONFIGURATION_LOG_LEVEL_OFF: _ClassVar[DatabaseConfigurationLogLevel]

class AuditLogRotation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_LOG_ROTATION_UNSPECIFIED: _ClassVar[AuditLogRotation]
    AUDIT_LOG_ROTATION_DAILY: _ClassVar[AuditLogRotation]
    AUDIT_LOG_ROTATION_HOURLY: _ClassVar[AuditLogRotation]

class TolerationOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOLERATION_OPERATOR_UNSPECIFIED: _ClassVar[TolerationOperator]
    TOLERATION_OPERATOR_EXISTS: _ClassVar[TolerationOperator]
    TOLERATION_OPERATOR_EQUAL: _ClassVar[TolerationOperator]

class TolerationEffect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOLERATION_EFFECT_UNSPECIFIED: _ClassVar[TolerationEffect]
    TOLERATION_EFFECT_NO_SCHEDULE: _ClassVar[TolerationEffect]
    TOLERATION_EFFECT_PREFER_NO_SCHEDULE: _ClassVar[TolerationEffect]
    TOLERATION_EFFECT_NO_EXECUTE: _ClassVar[TolerationEffect]

class TopologySpreadConstraintWhenUnsatisfiable(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_UNSPECIFIED: _ClassVar[TopologySpreadConstraintWhenUnsatisfiable]
    TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_DO_NOT_SCHEDULE: _ClassVar[TopologySpreadConstraintWhenUnsatisfiable]
    TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_SCHEDULE_ANYWAY: _ClassVar[TopologySpreadConstraintWhenUnsatisfiable]
CLUSTER_SERVICE_TYPE_UNSPECIFIED: ClusterServiceType
CLUSTER_SERVICE_TYPE_CLUSTER_IP: ClusterServiceType
CLUSTER_SERVICE_TYPE_NODE_PORT: ClusterServiceType
CLUSTER_SERVICE_TYPE_LOAD_BALANCER: ClusterServiceType
CLUSTER_CONFIGURATION_GPU_TYPE_UNSPECIFIED: ClusterConfigurationGpuType
CLUSTER_CONFIGURATION_GPU_TYPE_NVIDIA: ClusterConfigurationGpuType
CLUSTER_CONFIGURATION_GPU_TYPE_AMD: ClusterConfigurationGpuType
CLUSTER_CONFIGURATION_RESTART_POLICY_UNSPECIFIED: ClusterConfigurationRestartPolicy
CLUSTER_CONFIGURATION_RESTART_POLICY_ROLLING: ClusterConfigurationRestartPolicy
CLUSTER_CONFIGURATION_RESTART_POLICY_PARALLEL: ClusterConfigurationRestartPolicy
CLUSTER_CONFIGURATION_RESTART_POLICY_AUTOMATIC: ClusterConfigurationRestartPolicy
CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_UNSPECIFIED: ClusterConfigurationRebalanceStrategy
CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_COUNT: ClusterConfigurationRebalanceStrategy
CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_SIZE: ClusterConfigurationRebalanceStrategy
CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_BY_COUNT_AND_SIZE: ClusterConfigurationRebalanceStrategy
CLUSTER_CONFIGURATION_REBALANCE_STRATEGY_DISABLED: ClusterConfigurationRebalanceStrategy
DATABASE_CONFIGURATION_LOG_LEVEL_UNSPECIFIED: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_TRACE: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_DEBUG: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_INFO: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_WARN: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_ERROR: DatabaseConfigurationLogLevel
DATABASE_CONFIGURATION_LOG_LEVEL_OFF: DatabaseConfigurationLogLevel
AUDIT_LOG_ROTATION_UNSPECIFIED: AuditLogRotation
AUDIT_LOG_ROTATION_DAILY: AuditLogRotation
AUDIT_LOG_ROTATION_HOURLY: AuditLogRotation
TOLERATION_OPERATOR_UNSPECIFIED: TolerationOperator
TOLERATION_OPERATOR_EXISTS: TolerationOperator
TOLERATION_OPERATOR_EQUAL: TolerationOperator
TOLERATION_EFFECT_UNSPECIFIED: TolerationEffect
TOLERATION_EFFECT_NO_SCHEDULE: TolerationEffect
TOLERATION_EFFECT_PREFER_NO_SCHEDULE: TolerationEffect
TOLERATION_EFFECT_NO_EXECUTE: TolerationEffect
TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_UNSPECIFIED: TopologySpreadConstraintWhenUnsatisfiable
TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_DO_NOT_SCHEDULE: TopologySpreadConstraintWhenUnsatisfiable
TOPOLOGY_SPREAD_CONSTRAINT_WHEN_UNSATISFIABLE_SCHEDULE_ANYWAY: TopologySpreadConstraintWhenUnsatisfiable

class ClusterConfiguration(_message.Message):
    __slots__ = ("last_modified_at", "number_of_nodes", "version", "package_id", "additional_resources", "database_configuration", "node_selector", "tolerations", "annotations", "allowed_ip_source_ranges", "service_type", "service_annotations", "pod_labels", "reserved_cpu_percentage", "reserved_memory_percentage", "gpu_type", "restart_policy", "rebalance_strategy", "topology_spread_constraints", "cluster_storage_configuration", "gpu_configuration")
    LAST_MODIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_OF_NODES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    DATABASE_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    NODE_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    TOLERATIONS_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_IP_SOURCE_RANGES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    POD_LABELS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_CPU_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MEMORY_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESTART_POLICY_FIELD_NUMBER: _ClassVar[int]
    REBALANCE_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_SPREAD_CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_STORAGE_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    GPU_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    last_modified_at: _timestamp_pb2.Timestamp
    number_of_nodes: int
    version: str
    package_id: str
    additional_resources: AdditionalResources
    database_configuration: DatabaseConfiguration
    node_selector: _containers.RepeatedCompositeFieldContainer[_common_pb2.KeyValue]
    tolerations: _containers.RepeatedCompositeFieldContainer[Toleration]
    annotations: _containers.RepeatedCompositeFieldContainer[_common_pb2.KeyValue]
    allowed_ip_source_ranges: _containers.RepeatedScalarFieldContainer[str]
    service_type: ClusterServiceType
    service_annotations: _containers.RepeatedCompositeFieldContainer[_common_pb2.KeyValue]
    pod_labels: _containers.RepeatedCompositeFieldContainer[_common_pb2.KeyValue]
    reserved_cpu_percentage: int
    reserved_memory_percentage: int
    gpu_type: ClusterConfigurationGpuType
    restart_policy: ClusterConfigurationRestartPolicy
    rebalance_strategy: ClusterConfigurationRebalanceStrategy
    topology_spread_constraints: _containers.RepeatedCompositeFieldContainer[TopologySpreadConstraint]
    cluster_storage_configuration: ClusterStorageConfiguration
    gpu_configuration: ClusterConfigurationGpuConfiguration
    def __init__(self, last_modified_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., number_of_nodes: _Optional[int] = ..., version: _Optional[str] = ..., package_id: _Optional[str] = ..., additional_resources: _Optional[_Union[AdditionalResources, _Mapping]] = ..., database_configuration: _Optional[_Union[DatabaseConfiguration, _Mapping]] = ..., node_selector: _Optional[_Iterable[_Union[_common_pb2.KeyValue, _Mapping]]] = ..., tolerations: _Optional[_Iterable[_Union[Toleration, _Mapping]]] = ..., annotations: _Optional[_Iterable[_Union[_common_pb2.KeyValue, _Mapping]]] = ..., allowed_ip_source_ranges: _Optional[_Iterable[str]] = ..., service_type: _Optional[_Union[ClusterServiceType, str]] = ..., service_annotations: _Optional[_Iterable[_Union[_common_pb2.KeyValue, _Mapping]]] = ..., pod_labels: _Optional[_Iterable[_Union[_common_pb2.KeyValue, _Mapping]]] = ..., reserved_cpu_percentage: _Optional[int] = ..., reserved_memory_percentage: _Optional[int] = ..., gpu_type: _Optional[_Union[ClusterConfigurationGpuType, str]] = ..., restart_policy: _Optional[_Union[ClusterConfigurationRestartPolicy, str]] = ..., rebalance_strategy: _Optional[_Union[ClusterConfigurationRebalanceStrategy, str]] = ..., topology_spread_constraints: _Optional[_Iterable[_Union[TopologySpreadConstraint, _Mapping]]] = ..., cluster_storage_configuration: _Optional[_Union[ClusterStorageConfiguration, _Mapping]] = ..., gpu_configuration: _Optional[_Union[ClusterConfigurationGpuConfiguration, _Mapping]] = ...) -> None: ...

class AdditionalResources(_message.Message):
    __slots__ = ("disk",)
    DISK_FIELD_NUMBER: _ClassVar[int]
    disk: int
    def __init__(self, disk: _Optional[int] = ...) -> None: ...

class DatabaseConfiguration(_message.Message):
    __slots__ = ("collection", "storage", "service", "log_level", "tls", "inference", "audit_logging")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    LOG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_FIELD_NUMBER: _ClassVar[int]
    AUDIT_LOGGING_FIELD_NUMBER: _ClassVar[int]
    collection: DatabaseConfigurationCollection
    storage: DatabaseConfigurationStorage
    service: DatabaseConfigurationService
    log_level: DatabaseConfigurationLogLevel
    tls: DatabaseConfigurationTls
    inference: DatabaseConfigurationInference
    audit_logging: DatabaseConfigurationAuditLogging
    def __init__(self, collection: _Optional[_Union[DatabaseConfigurationCollection, _Mapping]] = ..., storage: _Optional[_Union[DatabaseConfigurationStorage, _Mapping]] = ..., service: _Optional[_Union[DatabaseConfigurationService, _Mapping]] = ..., log_level: _Optional[_Union[DatabaseConfigurationLogLevel, str]] = ..., tls: _Optional[_Union[DatabaseConfigurationTls, _Mapping]] = ..., inference: _Optional[_Union[DatabaseConfigurationInference, _Mapping]] = ..., audit_logging: _Optional[_Union[DatabaseConfigurationAuditLogging, _Mapping]] = ...) -> None: ...

class DatabaseConfigurationCollection(_message.Message):
    __slots__ = ("replication_factor", "write_consistency_factor", "vectors")
    REPLICATION_FACTOR_FIELD_NUMBER: _ClassVar[int]
    WRITE_CONSISTENCY_FACTOR_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    replication_factor: int
    write_consistency_factor: int
    vectors: DatabaseConfigurationCollectionVectors
    def __init__(self, replication_factor: _Optional[int] = ..., write_consistency_factor: _Optional[int] = ..., vectors: _Optional[_Union[DatabaseConfigurationCollectionVectors, _Mapping]] = ...) -> None: ...

class DatabaseConfigurationCollectionVectors(_message.Message):
    __slots__ = ("on_disk",)
    ON_DISK_FIELD_NUMBER: _ClassVar[int]
    on_disk: bool
    def __init__(self, on_disk: _Optional[bool] = ...) -> None: ...

class DatabaseConfigurationStorage(_message.Message):
    __slots__ = ("performance",)
    PERFORMANCE_FIELD_NUMBER: _ClassVar[int]
    performance: DatabaseConfigurationStoragePerformance
    def __init__(self, performance: _Optional[_Union[DatabaseConfigurationStoragePerformance, _Mapping]] = ...) -> None: ...

class DatabaseConfigurationStoragePerformance(_message.Message):
    __slots__ = ("optimizer_cpu_budget", "async_scorer")
    OPTIMIZER_CPU_BUDGET_FIELD_NUMBER: _ClassVar[int]
    ASYNC_SCORER_FIELD_NUMBER: _ClassVar[int]
    optimizer_cpu_budget: int
    async_scorer: bool
    def __init__(self, optimizer_cpu_budget: _Optional[int] = ..., async_scorer: _Optional[bool] = ...) -> None: ...

class DatabaseConfigurationService(_message.Message):
    __slots__ = ("api_key", "read_only_api_key", "enable_tls")
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_API_KEY_FIELD_NUMBER: _ClassVar[int]
    ENABLE_TLS_FIELD_NUMBER: _ClassVar[int]
    api_key: _common_pb2.SecretKeyRef
    read_only_api_key: _common_pb2.SecretKeyRef
    enable_tls: bool
    def __init__(self, api_key: _Optional[_Union[_common_pb2.SecretKeyRef, _Mapping]] = ..., read_only_api_key: _Optional[_Union[_common_pb2.SecretKeyRef, _Mapping]] = ..., enable_tls: _Optional[bool] = ...) -> None: ...

class DatabaseConfigurationTls(_message.Message):
    __slots__ = ("cert", "key")
    CERT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    cert: _common_pb2.SecretKeyRef
    key: _common_pb2.SecretKeyRef
    def __init__(self, cert: _Optional[_Union[_common_pb2.SecretKeyRef, _Mapping]] = ..., key: _Optional[_Union[_common_pb2.SecretKeyRef, _Mapping]] = ...) -> None: ...

class DatabaseConfigurationInference(_message.Message):
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    def __init__(self, enabled: _Optional[bool] = ...) -> None: ...

class DatabaseConfigurationAuditLogging(_message.Message):
    __slots__ = ("enabled", "rotation", "max_log_files", "trust_forwarded_headers")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    MAX_LOG_FILES_FIELD_NUMBER: _ClassVar[int]
    TRUST_FORWARDED_HEADERS_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    rotation: AuditLogRotation
    max_log_files: int
    trust_forwarded_headers: bool
    def __init__(self, enabled: _Optional[bool] = ..., rotation: _Optional[_Union[AuditLogRotation, str]] = ..., max_log_files: _Optional[int] = ..., trust_forwarded_headers: _Optional[bool] = ...) -> None: ...

class ClusterStorageConfiguration(_message.Message):
    __slots__ = ("storage_tier_type", "database_storage_class", "snapshot_storage_class", "volume_snapshot_class", "volume_attributes_class")
    STORAGE_TIER_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATABASE_STORAGE_CLASS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_STORAGE_CLASS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_SNAPSHOT_CLASS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_ATTRIBUTES_CLASS_FIELD_NUMBER: _ClassVar[int]
    storage_tier_type: _common_pb2.StorageTierType
    database_storage_class: str
    snapshot_storage_class: str
    volume_snapshot_class: str
    volume_attributes_class: str
    def __init__(self, storage_tier_type: _Optional[_Union[_common_pb2.StorageTierType, str]] = ..., database_storage_class: _Optional[str] = ..., snapshot_storage_class: _Optional[str] = ..., volume_snapshot_class: _Optional[str] = ..., volume_attributes_class: _Optional[str] = ...) -> None: ...

class Toleration(_message.Message):
    __slots__ = ("key", "operator", "value", "effect", "toleration_seconds")
    KEY_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    TOLERATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    key: str
    operator: TolerationOperator
    value: str
    effect: TolerationEffect
    toleration_seconds: int
    def __init__(self, key: _Optional[str] = ..., operator: _Optional[_Union[TolerationOperator, str]] = ..., value: _Optional[str] = ..., effect: _Optional[_Union[TolerationEffect, str]] = ..., toleration_seconds: _Optional[int] = ...) -> None: ...

class TopologySpreadConstraint(_message.Message):
    __slots__ = ("max_skew", "topology_key", "when_unsatisfiable")
    MAX_SKEW_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_KEY_FIELD_NUMBER: _ClassVar[int]
    WHEN_UNSATISFIABLE_FIELD_NUMBER: _ClassVar[int]
    max_skew: int
    topology_key: str
    when_unsatisfiable: TopologySpreadConstraintWhenUnsatisfiable
    def __init__(self, max_skew: _Optional[int] = ..., topology_key: _Optional[str] = ..., when_unsatisfiable: _Optional[_Union[TopologySpreadConstraintWhenUnsatisfiable, str]] = ...) -> None: ...

class ClusterConfigurationGpuConfiguration(_message.Message):
    __slots__ = ("force_half_precision", "device_filter", "devices", "parallel_indexes", "groups_count", "allow_integrated")
    FORCE_HALF_PRECISION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FILTER_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_COUNT_FIELD_NUMBER: _ClassVar[int]
    ALLOW_INTEGRATED_FIELD_NUMBER: _ClassVar[int]
    force_half_precision: bool
    device_filter: _containers.RepeatedScalarFieldContainer[str]
    devices: _containers.RepeatedScalarFieldContainer[str]
    parallel_indexes: int
    groups_count: int
    allow_integrated: bool
    def __init__(self, force_half_precision: _Optional[bool] = ..., device_filter: _Optional[_Iterable[str]] = ..., devices: _Optional[_Iterable[str]] = ..., parallel_indexes: _Optional[int] = ..., groups_count: _Optional[int] = ..., allow_integrated: _Optional[bool] = ...) -> None: ...
