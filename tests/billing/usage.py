"""An account that uses inference, and the events of it: what every billing test starts from."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from psycopg import AsyncConnection

from billing.events import NewUsageEvent
from billing.ledger import LedgerWriter, database_conninfo
from billing.models import UsageEvent
from billing.partitions import make_partitions
from billing.rules import Month
from cloudconsole.accounts.models import Account
from clusters.models import Cluster, DatabaseApiKey
from inference.models import InferenceModel, ModelPrice

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


@dataclass
class Customer:
    """One account with two clusters of two keys each, and two models of its own to use."""

    make_cluster: Callable[..., Cluster]
    account: Account = field(default_factory=lambda: Account.objects.create(name="Acme"))
    clusters: list[Cluster] = field(init=False)
    models: list[InferenceModel] = field(init=False)

    def __post_init__(self) -> None:
        self.clusters = [self.make_cluster(name, account=self.account) for name in ("one", "two")]
        self.models = [InferenceModel.objects.create(name=f"{uuid4()}/model-{n}") for n in range(2)]
        self.keys = {
            cluster.pk: [self.add_key(cluster, name) for name in ("reader", "writer")] for cluster in self.clusters
        }

    def add_key(self, cluster: Cluster, name: str) -> DatabaseApiKey:
        return DatabaseApiKey.objects.create(cluster=cluster, name=name, prefix="k", secret_hash=uuid4().hex)

    def set_price(self, model: InferenceModel, millicents_per_million: int, effective_from: datetime) -> None:
        ModelPrice.objects.create(
            model=model, effective_from=effective_from, millicents_per_million=millicents_per_million
        )

    def event(
        self, tokens: int = 7, *, cluster: int = 0, key: int = 0, model: int = 0, **changes: object
    ) -> NewUsageEvent:
        """An event of the numbered cluster, of that cluster's numbered key, for the numbered model."""
        of = self.clusters[cluster]
        facts = {
            "request_id": uuid4(),
            "account_id": self.account.pk,
            "cluster_id": of.pk,
            "api_key_id": self.keys[of.pk][key].pk,
            "model_id": self.models[model].pk,
            "kind": "update",
            "tokens": tokens,
            "inputs": 1,
            "occurred_at": NOON,
        }
        return NewUsageEvent(**(facts | changes))

    def events(self, count: int) -> list[NewUsageEvent]:
        return [self.event(tokens) for tokens in range(1, count + 1)]


@asynccontextmanager
async def open_ledger(conninfo: str | None = None) -> AsyncIterator[LedgerWriter]:
    ledger = LedgerWriter(conninfo or database_conninfo())
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()


async def record_all(events: Sequence[NewUsageEvent], voided: Sequence[NewUsageEvent] = ()) -> None:
    """Put events into the ledger and take some of them back."""
    async with open_ledger() as ledger:
        await ledger.record(events)
        await ledger.void(voided)


async def until(condition: Callable[[], Awaitable[bool] | bool], *, what: str, seconds: float = 10) -> None:
    """Return once the condition holds. Raises AssertionError naming ``what`` when the deadline passes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        answer = condition()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert loop.time() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def commits_held_up() -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """A lock of another session lets inserts wait; the function given waits until one does, or as many as told."""
    async with await AsyncConnection.connect(database_conninfo()) as session, session.transaction(force_rollback=True):
        await session.execute("LOCK TABLE billing_usageevent IN SHARE MODE")

        async def on_its_way(inserts: int = 1) -> None:
            async def all_wait() -> bool:
                locks = await session.execute(
                    "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'billing_usageevent'::regclass"
                )
                return len(await locks.fetchall()) >= inserts

            await until(all_wait, what="inserts wait for the lock")

        yield on_its_way


def store(*events: NewUsageEvent) -> None:
    """Put events into the table without a ledger, for tests of what is read from it."""
    make_partitions(Month.of(event.occurred_at) for event in events)
    UsageEvent.objects.bulk_create(UsageEvent(**asdict(event)) for event in events)
