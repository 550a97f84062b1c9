"""Whether the control plane stays flat: ``make bench-scale``. The numbers go to ``clusters/README.md``.

The same pages, calls and beat tasks with 100 clusters in one account and with 10,000 in a hundred. A page shows one
account's clusters, so it must cost the same; what beat does must take the same number of queries.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cloudconsole.accounts.models import Account, Membership, PaymentMethod, User
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.services import create_management_key
from cloudconsole.celery import app
from clusters.catalogue import DEFAULT_VERSION
from clusters.models import Cluster, ComputePeriod, Operation, Package, Region
from clusters.monitoring.models import NodeSample, TrafficSample
from clusters.monitoring.rules import BUCKETS
from clusters.rules.lifecycle import OperationKind, Phase
from tests.api.conftest import CLUSTERS, ApiClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

PER_ACCOUNT, ACCOUNTS = 100, 100
MINUTES, OPERATIONS, PENDING = 10, 3, 50
REPEATS = 15


@dataclass(frozen=True)
class Measured:
    queries: int
    milliseconds: float


def measure(work: Callable[[], Any]) -> Measured:
    """Queries and median time, once it has settled."""
    work()
    with CaptureQueriesContext(connection) as captured:
        work()
    queries = len(captured)  # now: the next request empties the log
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return Measured(queries, statistics.median(took) * 1000)


def add_account(number: int, *, clusters: int = PER_ACCOUNT) -> Account:
    """An account with its clusters as they stand after a few operations and ten busy minutes."""
    account = Account.objects.create(name=f"Account {number}")
    PaymentMethod.objects.create(account=account, name="Simulated card")
    region = Region.objects.get(provider_id="aws", code="us-east-1")
    package = Package.objects.filter(type="paid").order_by("price_per_hour").first()
    now = timezone.now()
    configuration = {"version": DEFAULT_VERSION, "inference_enabled": True}
    made = Cluster.objects.bulk_create(
        Cluster(
            account=account,
            name=f"cluster-{index}",
            region=region,
            package=package,
            version=DEFAULT_VERSION,
            phase=Phase.HEALTHY,
            inference_enabled=True,
            applied_configuration=configuration,
            serving=True,
            generation=OPERATIONS,
            observed_generation=OPERATIONS,
            created_at=now - timedelta(days=30, seconds=index),
        )
        for index in range(clusters)
    )
    Operation.objects.bulk_create(
        Operation(
            cluster=cluster,
            kind=OperationKind.RESTART,
            generation=generation,
            state=Operation.State.SUCCEEDED,
            configuration=configuration,
            summary="Restart",
            requested_by="owner@acme.example",
            steps_done=4,
            finished_at=now,
        )
        for cluster in made
        for generation in range(1, OPERATIONS + 1)
    )
    ComputePeriod.objects.bulk_create(
        ComputePeriod(cluster=cluster, package=package, nodes=1, additional_disk_gib=0, started_at=now)
        for cluster in made
    )
    _add_samples(made)
    return account


def _add_samples(clusters: list[Cluster]) -> None:
    this_minute = timezone.now().replace(second=0, microsecond=0)
    minutes = [this_minute - timedelta(minutes=number) for number in range(MINUTES)]
    histogram = [7] * BUCKETS
    TrafficSample.objects.bulk_create(
        TrafficSample(cluster_id=one.pk, minutes=1, at=at, requests=105, failures=0, seconds=1.0, histogram=histogram)
        for one in clusters
        for at in minutes
    )
    NodeSample.objects.bulk_create(
        NodeSample(cluster_id=one.pk, node=0, minutes=1, at=at, readings=4, cpu=0.1, memory=1e8, disk=1e8, points=1e4)
        for one in clusters
        for at in minutes
    )


def look_around(account: Account) -> dict[str, Measured]:
    """What people, programs and beat do, with whatever else there is in the database."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    owner = User.objects.create_user(email=f"{timezone.now().timestamp()}@acme.example", password="x")
    Membership.objects.create(account=account, user=owner, role=Role.ADMIN)
    console = Client()
    console.force_login(owner)
    _, secret = create_management_key(account=account)
    api = ApiClient(account, secret)
    cluster = account.clusters.first()

    def call(path: str, **query: Any) -> Callable[[], None]:
        def ask() -> None:
            assert api.get(path, **query).status_code == 200

        return ask

    def show(path: str) -> Callable[[], None]:
        def look() -> None:
            assert console.get(path).status_code == 200

        return look

    found = {
        "console: the list of an account's 100 clusters": measure(show("/clusters")),
        "console: a cluster": measure(show(f"/clusters/{cluster.pk}")),
        "console: its metrics": measure(show(f"/clusters/{cluster.pk}/metrics")),
        "API: ListClusters, a page of 50": measure(call(CLUSTERS, page_size=50)),
        "API: GetCluster": measure(call(f"{CLUSTERS}/{cluster.pk}")),
        "API: GetClusterUsageMetrics": measure(
            call(f"/monitoring/v1/accounts/{{account}}/cluster/{cluster.pk}/usage-metrics")
        ),
    }
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        found[f"beat: {entry['task']}"] = measure(app.tasks[entry["task"]])
    pending = Operation.objects.filter(cluster__account=account, generation=OPERATIONS)[:PENDING]
    ids = list(pending.values_list("pk", flat=True))
    Operation.objects.filter(pk__in=ids).update(state=Operation.State.PENDING)
    found[f"beat: clusters.sweep_operations, {PENDING} waiting"] = measure(app.tasks["clusters.sweep_operations"])
    Operation.objects.filter(pk__in=ids).update(state=Operation.State.SUCCEEDED)
    return found


def test_ten_thousand_clusters_cost_what_a_hundred_cost() -> None:
    app.loader.import_default_modules()
    first = add_account(0)
    few = look_around(first)
    for number in range(1, ACCOUNTS):
        add_account(number)
    many = look_around(first)
    lines = [f"| {'':55} | queries, 100 | 10,000 | ms, 100 | 10,000 |"]
    for name, small in few.items():
        large = many[name]
        lines.append(
            f"| {name:55} | {small.queries:12} | {large.queries:6} | {small.milliseconds:7.1f} "
            f"| {large.milliseconds:6.1f} |"
        )
    print("\n" + "\n".join(lines))
    assert Cluster.objects.count() == PER_ACCOUNT * ACCOUNTS
    grown = {name: (small.queries, many[name].queries) for name, small in few.items()}
    assert not {name: counts for name, counts in grown.items() if counts[1] > counts[0]}
