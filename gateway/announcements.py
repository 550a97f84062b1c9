"""Hearing of changed clusters and keys over Redis, so that what is cached of them is dropped at once."""

import asyncio
import logging
from typing import Any
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from clusters.notifications import CLUSTER_CHANNEL
from gateway.records import Records

LONGEST_PAUSE_SECONDS = 2.0
logger = logging.getLogger(__name__)


async def follow_announcements(records: Records, redis_url: str) -> None:
    """Keep listening until cancelled; after every (re)connection everything is looked up anew."""
    failures = 0
    while True:
        # redis-py's default read timeout would end a subscription that is merely quiet.
        client = redis.asyncio.Redis.from_url(redis_url, socket_timeout=None, socket_connect_timeout=2)
        try:
            async with client, client.pubsub() as subscription:
                await subscription.subscribe(CLUSTER_CHANNEL)
                async for message in subscription.listen():
                    failures = 0
                    _hear(records, message)
        except (RedisError, OSError) as error:
            if not failures:
                logger.warning("Redis is away (%s); revoked keys are noticed a second later until it is back", error)
        failures += 1
        await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, 0.2 * failures))


def _hear(records: Records, message: dict[str, Any]) -> None:
    if message["type"] == "subscribe":
        records.expire_all()
    elif message["type"] == "message":
        try:
            records.forget(UUID(message["data"].decode()))
        except ValueError:
            logger.warning("an announcement that names no cluster: %r", message["data"])
