"""Telling other processes that a cluster or key changed, so that their caches forget it within a second.

Only a hint: caches have a short lifetime of their own, so a lost message costs time, never truth.
"""

import logging
from functools import cache, partial
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction

CLUSTER_CHANNEL = "cloudconsole:cluster-changed"
logger = logging.getLogger(__name__)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def announce_cluster_change(cluster_id: UUID) -> None:
    """Publish after commit that this cluster, or one of its keys, is not what it was."""
    transaction.on_commit(partial(_publish, str(cluster_id)))


def _publish(cluster_id: str) -> None:
    try:
        _redis().publish(CLUSTER_CHANNEL, cluster_id)
    except redis.RedisError as error:
        logger.warning("cluster change of %s not announced: %s", cluster_id, error)
