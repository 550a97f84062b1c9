"""What the gateway knows of keys and clusters: small frozen records, read from the database and kept for a second.

A change that is announced (``gateway.announcements``) takes effect at once, any other within the lifetime. While
the database is away the last known record goes on being used, and says so: good enough for plain traffic.
"""

import asyncio
import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from billing.budgets.queries import inference_refusal
from clusters.database_keys import OPAQUE_PREFIX
from clusters.models import Cluster, DatabaseApiKey
from clusters.provisioners.choice import upstream_of
from clusters.provisioners.upstream import Upstream
from clusters.rules.access import FULL_ACCESS, Access, access_of_claim
from clusters.rules.lifecycle import Phase
from clusters.rules.restarts import requests_wait
from gateway.activity import note_use
from gateway.tokens import ValueExists
from inference.gate import cluster_facts
from inference.rules import ClusterFacts

LIFETIME_SECONDS = 1.0  # so a revoked key is refused within a second even when Redis is away
# A key in use is looked up again so long before its record expires: no request waits for that.
AHEAD_SECONDS = 0.3
# A wrong key is looked up again almost at once (it may have been made just now), but not for every request of a flood.
UNKNOWN_LIFETIME_SECONDS = 0.5
PATIENCE_SECONDS = 1.0  # how long a request that could be served from a known record waits for a newer one
MAX_KNOWN = 10_000
MAX_UNKNOWN = 1_000
_THREADS = 2
_SIGNER = "signer of "  # no hash begins with it


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """``host`` lacks the cloud's domain."""

    id: UUID
    account_id: UUID
    name: str
    host: str
    version: str
    phase: str
    serving: bool
    facts: ClusterFacts
    upstream: Upstream
    rolling: bool = False  # its nodes restart without a request that fails

    @property
    def requests_wait(self) -> bool:
        """Whether requests that come while it does not serve are to wait."""
        return requests_wait(rolling=self.rolling, phase=Phase(self.phase))


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key, or the secret with which a cluster's tokens are signed (then ``access`` is the token's)."""

    id: UUID
    expires_at: datetime | None
    revoked: bool
    access: Access
    is_token: bool
    cluster: ClusterRecord
    value_exists: ValueExists | None = None
    inference_refusal: str | None = None  # a hard cap was reached: why inference is not for this key


@dataclass(frozen=True, slots=True)
class Found:
    """A record (None: there is no such key) and whether it is ``current``: no older than its lifetime."""

    key: KeyRecord | None
    current: bool = True


class RecordsUnavailable(Exception):
    """The database is away and nothing is known of the key."""


def load_key(secret_hash: str) -> KeyRecord | None:
    """Read a key and its cluster, or what signs a cluster's tokens, and whether its budgets are used up.

    Two queries; raises ``django.db.Error``.
    """
    close_old_connections()
    try:
        if secret_hash.startswith(_SIGNER):
            return _within_budgets(_load_signer(UUID(secret_hash.removeprefix(_SIGNER))))
        return _within_budgets(_load_key(secret_hash))
    finally:
        close_old_connections()


def _within_budgets(key: KeyRecord | None) -> KeyRecord | None:
    if key is None:
        return None
    refusal = inference_refusal(
        account_id=key.cluster.account_id, cluster_id=key.cluster.id, api_key_id=key.id, now=datetime.now(UTC)
    )
    return replace(key, inference_refusal=refusal)


def _load_key(secret_hash: str) -> KeyRecord | None:
    keys = DatabaseApiKey.objects.select_related("cluster__region", "cluster__package")
    key = keys.filter(secret_hash=secret_hash).first()
    if key is None:
        return None
    if key.revoked_at is None:
        note_use(key.cluster)
    return KeyRecord(
        id=key.pk,
        expires_at=key.expires_at,
        revoked=key.revoked_at is not None,
        access=access_of_claim(key.access),
        is_token=not key.prefix.startswith(OPAQUE_PREFIX),
        cluster=_record_of(key.cluster),
    )


def _load_signer(cluster_id: UUID) -> KeyRecord | None:
    cluster = Cluster.objects.select_related("region", "package").filter(pk=cluster_id).first()
    if cluster is None:
        return None
    return KeyRecord(
        id=uuid5(cluster_id, "tokens"),
        expires_at=None,
        revoked=not cluster.jwt_rbac or cluster.phase == Phase.DELETED,
        access=FULL_ACCESS,
        is_token=True,
        cluster=_record_of(cluster),
    )


def _record_of(cluster: Cluster) -> ClusterRecord:
    return ClusterRecord(
        id=cluster.pk,
        account_id=cluster.account_id,
        name=cluster.name,
        host=cluster.host,
        version=cluster.version.removeprefix("v"),
        phase=cluster.phase,
        serving=cluster.serving,
        facts=cluster_facts(cluster),
        upstream=upstream_of(cluster),
        rolling=cluster.restarts_rolling,
    )


@dataclass(slots=True)
class _Entry:
    found: Found
    expires: float


class Records:
    """Keys by the hash of their secret. Belongs to one event loop."""

    def __init__(self, load: Callable[[str], KeyRecord | None] = load_key) -> None:
        self._load_record = load
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Found]] = {}
        self._announcements = 0
        self._news = asyncio.Event()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="records")

    async def find_signer(self, cluster_id: UUID) -> Found:
        """What signs the tokens of this cluster. Raises RecordsUnavailable."""
        return await self.find(f"{_SIGNER}{cluster_id}")

    async def find(self, secret_hash: str) -> Found:
        """The key with this hash. Raises RecordsUnavailable."""
        entry = self._known.get(secret_hash)
        if entry:
            self._known.move_to_end(secret_hash)
        else:
            entry = self._unknown.get(secret_hash)
        left = entry.expires - time.monotonic() if entry else 0.0
        if entry and left > 0:
            if left < AHEAD_SECONDS and entry.found.key and secret_hash not in self._loading:
                self._start_loading(secret_hash)
            return entry.found
        loading = self._loading.get(secret_hash) or self._start_loading(secret_hash)
        patience = PATIENCE_SECONDS if entry and entry.found.key else None
        done, _ = await asyncio.wait({loading}, timeout=patience)
        if done or entry is None:
            return loading.result()
        return Found(entry.found.key, current=False)

    def forget(self, cluster_id: UUID) -> None:
        """What is known of this cluster and its keys is wrong: drop it, whatever else happens."""
        self._announced()
        for secret_hash in [h for h, entry in self._known.items() if _cluster_of(entry) == cluster_id]:
            del self._known[secret_hash]
        self._unknown.clear()

    def expire_all(self) -> None:
        """Announcements may have been missed: look everything up again before it is next used."""
        self._announced()
        for entry in self._known.values():
            entry.expires = 0.0
        self._unknown.clear()

    async def wait_for_news(self, seconds: float) -> None:
        """Return at the next announcement of whatever cluster, at the latest after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _announced(self) -> None:
        self._announcements += 1
        self._news.set()
        self._news = asyncio.Event()

    async def close(self) -> None:
        """End the threads and their database connections."""
        loop = asyncio.get_running_loop()
        all_here = threading.Barrier(_THREADS, timeout=1)
        await asyncio.gather(*(loop.run_in_executor(self._threads, _disconnect, all_here) for _ in range(_THREADS)))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start_loading(self, secret_hash: str) -> asyncio.Task[Found]:
        task = asyncio.create_task(self._load(secret_hash))
        self._loading[secret_hash] = task
        task.add_done_callback(lambda done: self._loaded(secret_hash, done))
        return task

    def _loaded(self, secret_hash: str, done: asyncio.Task[Found]) -> None:
        del self._loading[secret_hash]
        if not done.cancelled():
            done.exception()  # nobody may be waiting for it any more

    async def _load(self, secret_hash: str) -> Found:
        announcements = self._announcements
        loop = asyncio.get_running_loop()
        try:
            found = Found(await loop.run_in_executor(self._threads, self._load_record, secret_hash))
        except DatabaseError as error:
            entry = self._known.get(secret_hash)
            if entry is None:
                raise RecordsUnavailable from error
            found = Found(entry.found.key, current=False)
        if announcements == self._announcements:  # else what was read may be older than the announcement
            self._keep(secret_hash, found)
        return found

    def _keep(self, secret_hash: str, found: Found) -> None:
        if found.key:
            cache, most, lifetime = self._known, MAX_KNOWN, LIFETIME_SECONDS
        else:
            cache, most, lifetime = self._unknown, MAX_UNKNOWN, UNKNOWN_LIFETIME_SECONDS
            self._known.pop(secret_hash, None)
        cache[secret_hash] = _Entry(found, time.monotonic() + lifetime)
        cache.move_to_end(secret_hash)
        if len(cache) > most:
            cache.popitem(last=False)


def _disconnect(all_here: threading.Barrier) -> None:
    """Close this thread's database connection; the barrier sees to it that every thread does so once.

    Where one of them is busy for longer, the others close theirs.
    """
    with contextlib.suppress(threading.BrokenBarrierError):
        all_here.wait()
    connection.close()


def _cluster_of(entry: _Entry) -> UUID | None:
    return entry.found.key.cluster.id if entry.found.key else None
