"""External models through the gateway: keys in headers and options, the gate, the ledger, and where no key may be."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.db import connection
from qdrant_client import QdrantClient, models
from qdrant_client.context_headers import headers

from billing.models import UsageEvent
from gateway.embedding import ModelCall, plan_calls
from gateway.inference_objects import upsert_slots
from inference.catalogue import CATALOGUE
from inference.provider_keys import ProviderKeys
from inference.rules import ClusterFacts
from tests.gateway.conftest import Door, document, sentence
from tests.gateway.running import running_gateway
from tests.inference.conftest import Worker, get, metrics_text, running_worker
from tests.inference.provider_server import KEY, ProviderServer, Reply, refusal, running_provider

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection"),
]
ADA = "openai/text-embedding-3-small"
COHERE = "cohere/embed-v4.0"
SMALL = {"vectors": {"size": 4, "distance": "Dot"}}


@pytest.fixture(scope="module")
def running() -> Iterator[ProviderServer]:
    with running_provider() as server:
        yield server


@pytest.fixture
def provider(running: ProviderServer) -> ProviderServer:
    running.forget()
    return running


@pytest.fixture(scope="module")
def asking(running: ProviderServer) -> Iterator[Worker]:
    with running_worker(INFERENCE_OFFLINE="1", **running.environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def enter(new_us: Door, asking: Worker) -> Iterator[Callable[[Door], Door]]:
    """The same cluster through a gateway whose worker asks our server."""
    before = settings.INFERENCE_ADDRESSES
    settings.INFERENCE_ADDRESSES = [asking.address]
    with ExitStack() as stack:
        url = stack.enter_context(running_gateway())

        def through(door: Door) -> Door:
            http = stack.enter_context(httpx.Client(base_url=url, headers={"api-key": door.secret}, timeout=60))
            return Door(door.cluster, door.secret, http)

        yield through
    settings.INFERENCE_ADDRESSES = before


@pytest.fixture(scope="module")
def door(new_us: Door, enter: Callable[[Door], Door]) -> Door:
    return enter(new_us)


def with_key(text: str, model: str = ADA, name: str = "openai-api-key", **options: Any) -> dict[str, Any]:
    return document(text, model, **{name: KEY}, **options)


def test_the_key_in_a_header_is_used_and_the_usage_metered_at_price_zero(door: Door, provider: ProviderServer):
    collection = door.collection("header", **SMALL)
    door.http.headers["openai-api-key"] = KEY
    try:
        answer = door.upsert(collection, {"id": 1, "vector": document("two words", "OpenAI/text-embedding-3-small")})
    finally:
        del door.http.headers["openai-api-key"]
    assert answer.json()["usage"]["inference"]["models"] == {ADA: {"tokens": 2}}
    [row] = UsageEvent.objects.filter(request_id=answer.headers["x-request-id"])
    assert (row.tokens, row.inputs, row.model.name) == (2, 1, "openai/*")
    assert CATALOGUE["openai/*"].price_millicents_per_million == 0
    [call] = provider.calls
    assert call["headers"]["Authorization"] == f"Bearer {KEY}"


def test_the_official_client_passes_the_key_in_both_ways(door: Door, provider: ProviderServer):
    collection = door.collection("client", **SMALL)
    client = QdrantClient(url=str(door.http.base_url), api_key=door.secret, cloud_inference=True)
    point = models.PointStruct(id=1, vector=models.Document(text="by header", model=ADA))
    with headers({"openai-api-key": KEY}):
        client.upsert(collection_name=collection, points=[point])
    query = models.Document(text="by option", model=COHERE, options={"cohere-api-key": KEY})
    assert client.query_points(collection_name=collection, query=query).points[0].id == 1
    assert [call["provider"] for call in provider.calls] == ["openai", "cohere"]
    assert provider.calls[1]["body"]["input_type"] == "search_query"


def test_each_provider_gets_its_own_key_only(door: Door, provider: ProviderServer):
    collection = door.collection("both", vectors=dict.fromkeys(("a", "b"), SMALL["vectors"]))
    vector = {"a": with_key("text"), "b": with_key("text", COHERE, "cohere-api-key")}
    answer = door.upsert(collection, {"id": 1, "vector": vector})
    assert answer.json()["usage"]["inference"]["models"] == {ADA: {"tokens": 1}, COHERE: {"tokens": 1}}
    assert len(provider.calls) == 2
    assert not any("api-key" in str(call).lower() for call in provider.calls)


def test_texts_with_the_same_key_are_embedded_once_and_in_one_call(door: Door, provider: ProviderServer):
    collection = door.collection("once", **SMALL)
    texts = ["same", "same", "other"]
    answer = door.upsert(collection, *({"id": n, "vector": with_key(text)} for n, text in enumerate(texts)))
    assert answer.json()["usage"]["inference"]["models"] == {ADA: {"tokens": 2}}
    assert [call["body"]["input"] for call in provider.calls] == [["same", "other"]]


def test_without_a_key_the_request_is_refused_and_nothing_billed(door: Door, provider: ProviderServer):
    collection = door.collection("none", **SMALL)
    before = door.billed()
    answer = door.upsert(collection, {"id": 1, "vector": document("text", ADA)})
    assert answer.status_code == 400
    assert "openai-api-key" in sentence(answer)
    assert (provider.calls, door.count(collection), door.billed()) == ([], 0, before)


def test_a_cluster_that_may_not_have_inference_may_not_ask_providers(
    enter: Callable[[Door], Door], free_us: Door, provider: ProviderServer
):
    answer = enter(free_us).upsert("any", {"id": 1, "vector": with_key("text")})
    assert answer.status_code == 403
    assert provider.calls == []


def test_a_size_that_was_asked_for_is_checked_before_the_provider_is_paid(door: Door, provider: ProviderServer):
    collection = door.collection("sizes", **SMALL)
    answer = door.upsert(collection, {"id": 1, "vector": with_key("text", dimensions=8)})
    assert (answer.status_code, provider.calls) == (400, [])
    assert "expected dim: 4, got 8" in sentence(answer)
    assert ADA in sentence(answer)


@pytest.mark.parametrize(
    ("reply", "status", "wait"),
    [
        (refusal("openai", 400, "This model is not for you"), 400, None),
        (Reply(429, {"error": {"message": "Rate limit"}}, {"Retry-After": "90"}), 429, "90"),
        (Reply(200, b"nonsense"), 503, "1"),
    ],
)
def test_what_the_provider_does_not_do_is_neither_stored_nor_billed(
    door: Door, provider: ProviderServer, reply: Reply, status: int, wait: str | None
):
    collection = door.collection("refused", **SMALL)
    before = door.billed()
    provider.replies.append(reply)
    answer = door.upsert(collection, {"id": 1, "vector": with_key("text")})
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, wait)
    assert "OpenAI" in sentence(answer)
    assert (door.count(collection), door.billed()) == (0, before)


def test_no_representation_shows_a_key(new_us: Door):
    body = {"points": [{"id": 1, "vector": {"text": "a", "model": "bm25", "options": {"openai-api-key": KEY}}}]}
    slots = list(upsert_slots(body))
    [call] = plan_calls(slots, _facts())
    assert isinstance(call, ModelCall)
    shown = repr([slots, call, slots[0].object, ProviderKeys({"openai-api-key": KEY}.get)])
    assert KEY not in shown
    assert "openai-api-key" in shown


def _facts() -> ClusterFacts:
    return ClusterFacts(name="a", paid=True, region_has_inference=True, inference_wanted=True, inference_applied=True)


def test_a_key_is_in_no_log_no_table_no_redis_and_no_counter(
    new_us: Door,
    provider: ProviderServer,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """Every way in, good and bad, at the most talkative level; then everything that was kept is searched."""
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp", "uvicorn"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    collection = new_us.collection("canary", **SMALL)
    with ExitStack() as stack:
        environment = provider.environment | {"CLOUDCONSOLE_LOG_LEVEL": "DEBUG", "INFERENCE_OFFLINE": "1"}
        worker = stack.enter_context(running_worker(**environment))
        monkeypatch.setattr(settings, "INFERENCE_ADDRESSES", [worker.address])
        url = stack.enter_context(running_gateway())
        http = stack.enter_context(httpx.Client(base_url=url, headers={"api-key": new_us.secret}, timeout=60))
        door = Door(new_us.cluster, new_us.secret, http)
        for way_in in ({"openai-api-key": KEY}, {}):
            http.headers.update(way_in)
            vector = document("canary", ADA) if way_in else with_key("canary")
            good = {"id": 1, "vector": vector}
            assert door.upsert(collection, good).status_code == 200
            assert door.query(collection, vector).status_code == 200
            told = [
                Reply(429, {"error": {"message": KEY}}, {"Retry-After": "99"}),
                refusal("openai", 403, f"No {KEY}!"),
            ]
            for reply in [*told, Reply(200, {"data": KEY})]:
                provider.replies.append(reply)
                answer = door.upsert(collection, good)
                assert answer.status_code >= 400
                assert KEY not in answer.text
            assert door.upsert(collection, good | {"payload": 5}).status_code == 400
            assert door.upsert("nowhere", good).status_code == 404
            assert http.post("/no/such/path", json=vector).status_code == 404
            request = {
                "inputs": [{"data": "canary", "data_type": "text", "model": ADA, "options": vector.get("options")}]
            }
            assert http.post("/inference", json=request | {"token": new_us.secret}).status_code == 200
            for name in way_in:
                del http.headers[name]
        measures = metrics_text(worker.address) + str(get(worker.address, "/models")[1])
    printed = capfd.readouterr()
    assert "refused" in caplog.text
    tables = database_dump()
    assert str(new_us.cluster.pk) in tables
    for place, kept in {
        "the log": caplog.text + printed.out + printed.err,
        "the database": tables,
        "Redis": redis_dump(),
        "the measures": measures,
    }.items():
        assert KEY not in kept, place


def database_dump() -> str:
    """Every row of every table, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [f"{table} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def redis_dump() -> str:
    """Every key with all that is in it, as text."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return "\n".join(f"{key!r} {read[client.type(key)](key)!r}" for key in client.scan_iter())
