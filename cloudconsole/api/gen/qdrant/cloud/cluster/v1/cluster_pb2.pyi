import datetime

from cloudconsole.api.gen.cloudconsole import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import configuration_pb2 as _configuration_pb2
from cloudconsole.api.gen.qdrant.cloud.cluster.v1 import state_pb2 as _state_pb2
from cloudconsole.api.gen.qdrant.cloud.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClusterDownscaleRiskResource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_DOWNSCALE_RISK_RESOURCE_UNSPECIFIED: _ClassVar[ClusterDownscaleRiskResource]
    CLUSTER_DOWNSCALE_RISK_RESOURCE_MEMORY: _ClassVar[ClusterDownscaleRiskResource]

class ClusterDownscaleRiskStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLUSTER_DOWNSCALE_RISK_STATUS_UNSPECIFIED: _ClassVar[ClusterDownscaleRiskStatus]
    CLUSTER_DOWNSCALE_RISK_STATUS_NO_RISK: _ClassVar[ClusterDownscaleRiskStatus]
    CLUSTER_DOWNSCALE_RISK_STATUS_USAGE_EXCEEDS_TARGET: _ClassVar[ClusterDownscaleRiskStatus]
    CLUSTER_DOWNSCALE_RISK_STATUS_USAGE_UNKNOWN: _ClassVar[ClusterDownscaleRiskStatus]
CLUSTER_DOWNSCALE_RISK_RESOURCE_UNSPECIFIED: ClusterDownscaleRiskResource
CLUSTER_DOWNSCALE_RISK_RESOURCE_MEMORY: ClusterDownscaleRiskResource
CLUSTER_DOWNSCALE_RISK_STATUS_UNSPECIFIED: ClusterDownscaleRiskStatus
CLUSTER_DOWNSCALE_RISK_STATUS_NO_RISK: ClusterDownscaleRiskStatus
CLUSTER_DOWNSCALE_RISK_STATUS_USAGE_EXCEEDS_TARGET: ClusterDownscaleRiskStatus
CLUSTER_DOWNSCALE_RISK_STATUS_USAGE_UNKNOWN: ClusterDownscaleRiskStatus

class ListClustersRequest(_message.Message):
    __slots__ = ("account_id", "cloud_provider_id", "cloud_provider_region_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOUD_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLOUD_PROVIDER_REGION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cloud_provider_id: str
    cloud_provider_region_id: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., cloud_provider_id: _Optional[str] = ..., cloud_provider_region_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListClustersResponse(_message.Message):
    __slots__ = ("items", "total_size", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Cluster]
    total_size: int
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[Cluster, _Mapping]]] = ..., total_size: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetClusterRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class GetClusterResponse(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class GetClusterDownscaleRiskRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id", "package_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    package_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ..., package_id: _Optional[str] = ...) -> None: ...

class GetClusterDownscaleRiskResponse(_message.Message):
    __slots__ = ("downscale_risks",)
    DOWNSCALE_RISKS_FIELD_NUMBER: _ClassVar[int]
    downscale_risks: _containers.RepeatedCompositeFieldContainer[ClusterDownscaleRiskInfo]
    def __init__(self, downscale_risks: _Optional[_Iterable[_Union[ClusterDownscaleRiskInfo, _Mapping]]] = ...) -> None: ...

class ClusterDownscaleRiskInfo(_message.Message):
    __slots__ = ("resource", "status", "reason")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    resource: ClusterDownscaleRiskResource
    status: ClusterDownscaleRiskStatus
    reason: str
    def __init__(self, resource: _Optional[_Union[ClusterDownscaleRiskResource, str]] = ..., status: _Optional[_Union[ClusterDownscaleRiskStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateClusterRequest(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class CreateClusterResponse(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class CreateClusterFromBackupRequest(_message.Message):
    __slots__ = ("account_id", "backup_id", "cluster_name")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    BACKUP_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    backup_id: str
    cluster_name: str
    def __init__(self, account_id: _Optional[str] = ..., backup_id: _Optional[str] = ..., cluster_name: _Optional[str] = ...) -> None: ...

class CreateClusterFromBackupResponse(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class UpdateClusterRequest(_message.Message):
    __slots__ = ("cluster", "update_mask")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateClusterResponse(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class DeleteClusterRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id", "delete_backups", "force")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    DELETE_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    delete_backups: bool
    force: bool
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ..., delete_backups: _Optional[bool] = ..., force: _Optional[bool] = ...) -> None: ...

class DeleteClusterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RestartClusterRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class RestartClusterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SuspendClusterRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class SuspendClusterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnsuspendClusterRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class UnsuspendClusterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EnableClusterJwtRbacRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class EnableClusterJwtRbacResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SuggestClusterNameRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class SuggestClusterNameResponse(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListQdrantReleasesRequest(_message.Message):
    __slots__ = ("account_id", "cluster_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    cluster_id: str
    def __init__(self, account_id: _Optional[str] = ..., cluster_id: _Optional[str] = ...) -> None: ...

class ListQdrantReleasesResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[QdrantRelease]
    def __init__(self, items: _Optional[_Iterable[_Union[QdrantRelease, _Mapping]]] = ...) -> None: ...

class GetQdrantReleaseRequest(_message.Message):
    __slots__ = ("account_id", "version")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    version: str
    def __init__(self, account_id: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class GetQdrantReleaseResponse(_message.Message):
    __slots__ = ("release",)
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    release: QdrantRelease
    def __init__(self, release: _Optional[_Union[QdrantRelease, _Mapping]] = ...) -> None: ...

class QdrantRelease(_message.Message):
    __slots__ = ("version", "default", "release_notes_url", "remarks", "end_of_life", "unavailable")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_NOTES_URL_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    END_OF_LIFE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    version: str
    default: bool
    release_notes_url: str
    remarks: str
    end_of_life: bool
    unavailable: bool
    def __init__(self, version: _Optional[str] = ..., default: _Optional[bool] = ..., release_notes_url: _Optional[str] = ..., remarks: _Optional[str] = ..., end_of_life: _Optional[bool] = ..., unavailable: _Optional[bool] = ...) -> None: ...

class Cluster(_message.Message):
    __slots__ = ("id", "created_at", "account_id", "name", "deleted_at", "cloud_provider_id", "cloud_provider_region_id", "labels", "cost_allocation_label", "configuration", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOUD_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLOUD_PROVIDER_REGION_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    COST_ALLOCATION_LABEL_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: _timestamp_pb2.Timestamp
    account_id: str
    name: str
    deleted_at: _timestamp_pb2.Timestamp
    cloud_provider_id: str
    cloud_provider_region_id: str
    labels: _containers.RepeatedCompositeFieldContainer[_common_pb2.KeyValue]
    cost_allocation_label: str
    configuration: _configuration_pb2.ClusterConfiguration
    state: _state_pb2.ClusterState
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., account_id: _Optional[str] = ..., name: _Optional[str] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cloud_provider_id: _Optional[str] = ..., cloud_provider_region_id: _Optional[str] = ..., labels: _Optional[_Iterable[_Union[_common_pb2.KeyValue, _Mapping]]] = ..., cost_allocation_label: _Optional[str] = ..., configuration: _Optional[_Union[_configuration_pb2.ClusterConfiguration, _Mapping]] = ..., state: _Optional[_Union[_state_pb2.ClusterState, _Mapping]] = ...) -> None: ...
