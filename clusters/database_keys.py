"""Keys for a cluster's data plane: making and revoking them. Verbs, keyword-only, one transaction each."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import jwt
from django.db import IntegrityError, transaction
from django.utils import timezone

from cloudconsole.accounts.services import Actor, record_audit_event
from cloudconsole.errors import Code, ServiceError
from cloudconsole.secrets_at_rest import POSTFIX_LENGTH, PREFIX_LENGTH, derive_secret, hash_secret, new_secret
from clusters.intents import lock_cluster
from clusters.models import Cluster, DatabaseApiKey
from clusters.notifications import announce_cluster_change
from clusters.queries import quotas_of
from clusters.rules.access import COLLECTION_NAME, FULL_ACCESS, MOST_RULES, Access

ALGORITHM = "HS256"
SUBJECT_PREFIX = "api-key:"
OPAQUE_PREFIX = "ccd_"


def signing_secret(cluster_id: UUID) -> str:
    """The secret that signs the tokens of one cluster, and of no other; whoever has it can make keys of their own."""
    return derive_secret("database keys", str(cluster_id))


@transaction.atomic
def create_database_api_key(
    *,
    cluster: Cluster,
    name: str,
    requested_by: Actor,
    expires_at: datetime | None = None,
    access: Access | None = None,
    secret: str | None = None,
) -> tuple[DatabaseApiKey, str]:
    """A key for the cluster's data plane and its secret, which is readable only now.

    The secret is a token signed for the cluster, or an opaque one where the cluster has no tokens; the demo seed
    brings an opaque one of its own. Without ``access`` it may do everything.
    Raises ServiceError: name taken, end in the past, rules that cannot be.
    """
    granted = access or FULL_ACCESS
    _check(cluster, granted, expires_at)
    _check_quota(cluster)
    key = DatabaseApiKey(
        id=uuid4(),
        cluster=cluster,
        name=name,
        expires_at=expires_at,
        access=granted.claim,
        access_given=access is not None,
        created_by_email=requested_by.name if requested_by.type == "user" else "",
    )
    secret = secret or (_signed(key) if cluster.jwt_rbac else new_secret(OPAQUE_PREFIX.rstrip("_")))
    key.prefix, key.postfix = secret[:PREFIX_LENGTH], secret[-POSTFIX_LENGTH:]
    key.secret_hash = hash_secret(secret)
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        raise ServiceError(
            Code.ALREADY_EXISTS, f"This cluster has a key called {name} already. Choose another name.", "name"
        ) from None
    _audit(key, requested_by, "create")
    return key, secret


@transaction.atomic
def revoke_database_api_key(*, cluster: Cluster, key_id: UUID, requested_by: Actor) -> None:
    """Refuse the key from now on; gateways hear of it at once. Raises ServiceError NOT_FOUND."""
    keys = DatabaseApiKey.objects.select_for_update().filter(cluster=cluster, revoked_at=None)
    key = keys.filter(pk=key_id).first()
    if key is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no database API key {key_id} of cluster {cluster.pk}.")
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    _audit(key, requested_by, "delete")
    announce_cluster_change(cluster.pk)


def _check_quota(cluster: Cluster) -> None:
    lock_cluster(cluster)  # keys are counted under this lock
    allowed = quotas_of(cluster.account).max_cluster_database_api_keys
    if cluster.api_keys.filter(revoked_at=None).count() >= allowed:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED, f"This cluster may have {allowed} keys and has them. Revoke one first.", "name"
        )


def _check(cluster: Cluster, access: Access, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise ServiceError(Code.INVALID_ARGUMENT, "A key must end in the future.", "expires_at")
    if access.everywhere is None:
        if not 1 <= len(access.rules) <= MOST_RULES:
            sentence = f"A key has 1 to {MOST_RULES} rules for collections, or access to all of them."
            raise ServiceError(Code.INVALID_ARGUMENT, sentence, "access_rules")
        if wrong := [rule.collection for rule in access.rules if not COLLECTION_NAME.fullmatch(rule.collection)]:
            sentence = f"{wrong[0]!r} cannot be a collection here: use letters, digits, -, _ and dots."
            raise ServiceError(Code.INVALID_ARGUMENT, sentence, "access_rules")
    if access != FULL_ACCESS and not cluster.jwt_rbac:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"Cluster {cluster.name} has no granular keys yet. Enable them for the cluster first.",
            "access_rules",
        )


def _signed(key: DatabaseApiKey) -> str:
    claims: dict[str, Any] = {"access": key.access, "subject": f"{SUBJECT_PREFIX}{key.pk}"}
    if key.expires_at is not None:
        claims["exp"] = int(key.expires_at.timestamp())
    cluster_id = key.cluster_id
    return jwt.encode(claims, signing_secret(cluster_id), ALGORITHM, headers={"kid": str(cluster_id)})


def _audit(key: DatabaseApiKey, actor: Actor, action: str) -> None:
    facts = {"name": key.name, "cluster": str(key.cluster_id), "access": key.access}
    facts["expires_at"] = key.expires_at and key.expires_at.isoformat()
    record_audit_event(
        account=key.cluster.account,
        actor=actor,
        action=action,
        resource_type="database-api-key",
        resource_id=str(key.pk),
        before=facts if action == "delete" else None,
        after=facts if action == "create" else None,
    )
