"""AuthService: the keys to this API."""

from uuid import UUID

from cloudconsole.accounts.models import ManagementKey
from cloudconsole.accounts.queries import management_keys_of
from cloudconsole.accounts.services import create_management_key, revoke_management_key
from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.auth.v1 import auth_pb2
from cloudconsole.api.registry import serves

_SERVICE = "qdrant.cloud.auth.v1.AuthService"


@serves(f"{_SERVICE}.ListManagementKeys")
def list_keys(request: auth_pb2.ListManagementKeysRequest, caller: Caller) -> auth_pb2.ListManagementKeysResponse:
    keys = management_keys_of(caller.account)
    return auth_pb2.ListManagementKeysResponse(items=[_key(key) for key in keys])


@serves(f"{_SERVICE}.CreateManagementKey")
def create_key(request: auth_pb2.CreateManagementKeyRequest, caller: Caller) -> auth_pb2.CreateManagementKeyResponse:
    key, secret = create_management_key(account=caller.account, requested_by=caller.actor)
    message = _key(key)
    message.key = secret
    return auth_pb2.CreateManagementKeyResponse(management_key=message)


@serves(f"{_SERVICE}.DeleteManagementKey")
def delete_key(request: auth_pb2.DeleteManagementKeyRequest, caller: Caller) -> auth_pb2.DeleteManagementKeyResponse:
    revoke_management_key(account=caller.account, key_id=UUID(request.management_key_id), requested_by=caller.actor)
    return auth_pb2.DeleteManagementKeyResponse()


def _key(key: ManagementKey) -> auth_pb2.ManagementKey:
    return auth_pb2.ManagementKey(
        id=str(key.pk), account_id=str(key.account_id), created_at=key.created_at, prefix=key.prefix
    )
