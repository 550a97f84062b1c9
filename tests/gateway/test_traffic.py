"""What the gateway counts and writes down for each cluster, and what happens while the database is away."""

import asyncio
import uuid
from datetime import UTC, datetime

import grpc
import pytest

from billing.ledger import database_conninfo
from clusters.monitoring.models import GatewayLine, TrafficSample
from clusters.monitoring.rules import BUCKETS
from gateway import traffic
from gateway.traffic import MOST_LINES, Traffic
from tests.gateway.conftest import Door
from tests.gateway.grpc_door import GrpcDoor
from tests.gateway.running import GrpcMirror, Mirror
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def total(cluster_id: uuid.UUID) -> tuple[int, int, int]:
    """Requests, failures, and the requests in the histogram, over all minutes."""
    rows = TrafficSample.objects.filter(cluster_id=cluster_id)
    return (
        sum(row.requests for row in rows),
        sum(row.failures for row in rows),
        sum(sum(row.histogram) for row in rows),
    )


def test_requests_of_both_transports_are_counted_and_failures_are_lines(
    mirrored: Door, mirror: Mirror, grpc_mirror: GrpcMirror, mirrored_remote: GrpcDoor
) -> None:
    cluster_id = mirrored.cluster.pk
    requests, failures, _ = total(cluster_id)
    for _ in range(3):
        mirrored.http.get("/collections")
    mirrored_remote.raw("/qdrant.Collections/List", b"")
    with pytest.raises(grpc.RpcError):
        mirrored_remote.raw("/qdrant.Points/Upsert", b"\xff")
    want = (requests + 5, failures, requests + 5)
    wait_until(lambda: total(cluster_id) == want, seconds=30, what="the requests are written down")
    lines = list(GatewayLine.objects.filter(cluster_id=cluster_id).values_list("message", flat=True))
    assert any("status=INVALID_ARGUMENT method=gRPC" in line for line in lines)
    assert mirrored.secret not in "".join(lines)


def test_a_cluster_that_cannot_be_reached_counts_as_failed(mirrored: Door) -> None:
    cluster_id = mirrored.cluster.pk
    requests, failures, _ = total(cluster_id)
    assert mirrored.http.get("/collections/gone").status_code == 503
    want = (requests + 1, failures + 1)
    wait_until(lambda: total(cluster_id)[:2] == want, seconds=30, what="the failure is written down")
    line = GatewayLine.objects.filter(cluster_id=cluster_id, message__contains='path="/collections/gone"').get()
    assert "status=503 method=GET" in line.message
    assert "cannot be reached right now" in line.message


def test_nobody_else_is_charged_with_a_request_whose_key_is_wrong(mirrored: Door, mirror: Mirror) -> None:
    before = TrafficSample.objects.values_list("cluster_id").distinct().count()
    assert mirrored.http.get("/collections", headers={"api-key": "wrong"}).status_code == 401
    assert TrafficSample.objects.values_list("cluster_id").distinct().count() == before


def counted(requests: int = 1, lines: int = 0) -> tuple[uuid.UUID, Traffic]:
    cluster_id, one = uuid.uuid4(), Traffic(database_conninfo())
    for number in range(requests):
        one.count("rest", cluster_id, 0.003, failed=number == 0)
    for number in range(lines):
        one.note(cluster_id, f"line {number}")
    return cluster_id, one


def test_several_gateways_add_to_the_same_minute() -> None:
    cluster_id, first = counted(2)
    second = Traffic(database_conninfo())
    minute = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
    for one in (first, second):
        one._sums.clear()
        one._sums_of((cluster_id, minute)).add(traffic._Sums(3, 1, 0.5, [1] * BUCKETS))
        asyncio.run(one.stop())
    [row] = TrafficSample.objects.filter(cluster_id=cluster_id)
    assert (row.at, row.minutes, row.requests, row.failures, row.seconds) == (minute, 1, 6, 2, 1.0)
    assert row.histogram == [2] * BUCKETS


def test_while_the_database_is_away_the_sums_wait_and_lines_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_id, one = counted(2, lines=1)

    async def story() -> None:
        monkeypatch.setattr(one, "_conninfo", "host=/nowhere dbname=none")
        await one._flush()
        one.count("rest", cluster_id, 0.003, failed=False)
        monkeypatch.setattr(one, "_conninfo", database_conninfo())
        await one.stop()

    asyncio.run(story())
    assert total(cluster_id) == (3, 1, 3)
    assert not GatewayLine.objects.filter(cluster_id=cluster_id).exists()


def test_a_flood_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "MOST_PERIODS", 10)
    cluster_id, one = counted(0, lines=MOST_LINES + 50)
    for _ in range(30):
        one.count("rest", uuid.uuid4(), 0.003, failed=False)
    assert len(one._sums) == 10
    asyncio.run(one.stop())
    lines = list(GatewayLine.objects.filter(cluster_id=cluster_id).order_by("id").values_list("message", flat=True))
    assert lines[:2] == ["line 0", "line 1"]
    assert lines[-1] == "50 more lines were left out"
    assert len(lines) == MOST_LINES + 1
