"""DatabaseApiKeyService: keys to the data of clusters."""

from datetime import UTC
from uuid import UUID

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.cluster.auth.v2 import database_api_key_pb2 as pb
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError
from clusters.database_keys import create_database_api_key, revoke_database_api_key
from clusters.models import DatabaseApiKey
from clusters.queries import cluster_of, database_keys_of
from clusters.rules import access
from clusters.rules.access import Access, CollectionRule

_SERVICE = "qdrant.cloud.cluster.auth.v2.DatabaseApiKeyService"
_GLOBAL = {
    pb.GLOBAL_ACCESS_RULE_ACCESS_TYPE_READ_ONLY: access.READ,
    pb.GLOBAL_ACCESS_RULE_ACCESS_TYPE_MANAGE: access.MANAGE,
}
_COLLECTION = {
    pb.COLLECTION_ACCESS_RULE_ACCESS_TYPE_READ_ONLY: access.READ,
    pb.COLLECTION_ACCESS_RULE_ACCESS_TYPE_READ_WRITE: access.READ_WRITE,
}


@serves(f"{_SERVICE}.ListDatabaseApiKeys")
def list_database_api_keys(request: pb.ListDatabaseApiKeysRequest, caller: Caller) -> pb.ListDatabaseApiKeysResponse:
    keys = database_keys_of(caller.account)
    if request.HasField("cluster_id"):
        keys = keys.filter(cluster=cluster_of(caller.account, UUID(request.cluster_id)))
    return pb.ListDatabaseApiKeysResponse(items=[_key(key) for key in keys])


@serves(f"{_SERVICE}.CreateDatabaseApiKey")
def create_key(request: pb.CreateDatabaseApiKeyRequest, caller: Caller) -> pb.CreateDatabaseApiKeyResponse:
    wanted = request.database_api_key
    key, secret = create_database_api_key(
        cluster=cluster_of(caller.account, UUID(wanted.cluster_id)),
        name=wanted.name,
        expires_at=wanted.expires_at.ToDatetime(UTC) if wanted.HasField("expires_at") else None,
        access=_access(wanted) if wanted.access_rules else None,
        requested_by=caller.actor,
    )
    message = _key(key)
    message.key = secret
    return pb.CreateDatabaseApiKeyResponse(database_api_key=message)


@serves(f"{_SERVICE}.DeleteDatabaseApiKey")
def delete_key(request: pb.DeleteDatabaseApiKeyRequest, caller: Caller) -> pb.DeleteDatabaseApiKeyResponse:
    cluster = cluster_of(caller.account, UUID(request.cluster_id))
    revoke_database_api_key(cluster=cluster, key_id=UUID(request.database_api_key_id), requested_by=caller.actor)
    return pb.DeleteDatabaseApiKeyResponse()


def _access(wanted: pb.DatabaseApiKey) -> Access:
    """What the rules of a message come to. Raises ServiceError for rules that contradict each other."""
    everywhere = [rule.global_access for rule in wanted.access_rules if rule.HasField("global_access")]
    if everywhere:
        if len(wanted.access_rules) > 1:
            raise ServiceError(
                Code.INVALID_ARGUMENT,
                "A key has either one rule for the whole cluster or rules for collections, not both.",
                "access_rules",
            )
        return Access(_GLOBAL[everywhere[0].access_type])
    rules = [rule.collection_access for rule in wanted.access_rules]
    try:
        return access.collection_access(
            CollectionRule(rule.collection_name, _COLLECTION[rule.access_type]) for rule in rules
        )
    except ValueError as error:
        raise ServiceError(Code.INVALID_ARGUMENT, f"{error}.", "access_rules") from None


def _key(key: DatabaseApiKey) -> pb.DatabaseApiKey:
    return pb.DatabaseApiKey(
        id=str(key.pk),
        account_id=str(key.cluster.account_id),
        created_at=key.created_at,
        cluster_id=str(key.cluster_id),
        name=key.name,
        expires_at=key.expires_at,
        access_rules=_rules(key),
        created_by_email=key.created_by_email,
        postfix=key.postfix,
    )


def _rules(key: DatabaseApiKey) -> list[pb.AccessRule]:
    found = access.access_of_claim(key.access)
    if found.everywhere:
        by_mode = {mode: number for number, mode in _GLOBAL.items()}
        rule = pb.AccessRule(global_access=pb.GlobalAccessRule(access_type=by_mode[found.everywhere]))
        return [rule] if key.access_given else []
    return [
        pb.AccessRule(
            collection_access=pb.CollectionAccessRule(
                collection_name=rule.collection,
                access_type=pb.COLLECTION_ACCESS_RULE_ACCESS_TYPE_READ_ONLY
                if rule.mode == access.READ
                else pb.COLLECTION_ACCESS_RULE_ACCESS_TYPE_READ_WRITE,
            )
        )
        for rule in found.rules
    ]
