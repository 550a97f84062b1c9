"""Requests to a cluster that restarts rolling wait for it instead of being refused, up to a bound."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from gateway.access import not_serving
from gateway.errors import Refused
from gateway.records import ClusterRecord, KeyRecord, Records, RecordsUnavailable

# Where announcements do not arrive, what is known of a cluster is looked at again so often.
LOOK_AGAIN_SECONDS = 0.2
T = TypeVar("T")


class Holding:
    """Lets requests through as soon as their cluster serves again. Belongs to one event loop."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def until_serving(
        self, key: KeyRecord, authenticate: Callable[[], Awaitable[tuple[KeyRecord, bool]]]
    ) -> tuple[KeyRecord, bool]:
        """The key as it is once its cluster serves. Raises Refused 503, at once if waiting is of no use."""
        deadline = _deadline()
        current = True
        while not key.cluster.serving:
            await self._wait(key.cluster, deadline)
            key, current = await authenticate()
        return key, current

    async def persist(self, cluster: ClusterRecord, ask: Callable[[], Awaitable[T]]) -> T:
        """What ``ask`` returns. A node that was just being replaced, and has not begun with it, is asked once more.

        The request came after the endpoint was closed, and before this process had heard of it.
        """
        deadline = _deadline()
        while True:
            try:
                return await ask()
            except Refused as refusal:
                if not (refusal.not_begun and cluster.rolling and time.monotonic() < deadline):
                    raise
            await self._records.wait_for_news(LOOK_AGAIN_SECONDS)
            while not (known := await self._known(cluster)).serving:
                await self._wait(known, deadline)

    async def _wait(self, cluster: ClusterRecord, deadline: float) -> None:
        if not cluster.requests_wait or time.monotonic() >= deadline:
            raise not_serving(cluster)
        await self._records.wait_for_news(LOOK_AGAIN_SECONDS)

    async def _known(self, cluster: ClusterRecord) -> ClusterRecord:
        try:
            found = await self._records.find_signer(cluster.id)
        except RecordsUnavailable:
            return cluster
        return found.key.cluster if found.key else cluster


def _deadline() -> float:
    return time.monotonic() + settings.GATEWAY_HOLD_SECONDS
