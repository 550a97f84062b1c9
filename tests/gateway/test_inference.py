"""Inference through the gateway, with a real node and real weights."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from billing.models import UsageEvent
from tests.gateway.conftest import MINILM, Door, document
from tests.inference.conftest import Worker, text_inputs

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection"),
]

COOKIES = "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips."
QUESTION = "What ingredients are needed for baking chocolate chip cookies?"
TRAIN = "The train to the coast leaves at noon."
SPLADE = "prithivida/splade_pp_en_v1"
COLBERT = "answerdotai/answerai-colbert-small-v1"
MXBAI = "mixedbread-ai/mxbai-embed-large-v1"
UNNAMED = {"vectors": {"size": 384, "distance": "Cosine"}}
NAMED = {
    "vectors": {
        "dense": {"size": 384, "distance": "Cosine"},
        "model": {"size": 384, "distance": "Cosine"},
        "short": {"size": 64, "distance": "Cosine"},
        "multi": {"size": 96, "distance": "Cosine", "multivector_config": {"comparator": "max_sim"}},
    },
    "sparse_vectors": {"bm25": {"modifier": "idf"}, "splade": {}},
}


def usage(answer: Any) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {name: used["tokens"] for name, used in answer.json()["usage"]["inference"]["models"].items()}


def stored(door: Door, collection: str, point: int) -> Any:
    answer = door.http.post(f"/collections/{collection}/points", json={"ids": [point], "with_vector": True})
    return answer.json()["result"][0]["vector"]


@pytest.fixture
def tokens(worker: Worker) -> Callable[..., int]:
    """The worker's own count of a text's tokens."""

    def count(text: str, model: str = MINILM, kind: str = "update") -> int:
        return sum(worker.embed(model, kind, text_inputs(text)).tokens)

    return count


@pytest.fixture
def billing(new_us: Door) -> Callable[[], dict[str, int]]:
    """What was added to the ledger since the test began, by model."""
    before = new_us.billed()

    def added() -> dict[str, int]:
        after = new_us.billed()
        return {model: n - before.get(model, 0) for model, n in after.items() if n != before.get(model, 0)}

    return added


def test_the_python_example_works(new_us: Door, gateway_url: str):
    collection = new_us.collection("example")
    client = QdrantClient(url=gateway_url, api_key=new_us.secret, cloud_inference=True)
    point = models.PointStruct(id=1, payload={"topic": "cooking"}, vector=models.Document(text=COOKIES, model=MINILM))
    other = models.PointStruct(id=2, vector=models.Document(text=TRAIN, model=MINILM))
    client.upsert(collection_name=collection, points=[point, other])
    best = client.query_points(collection_name=collection, query=models.Document(text=QUESTION, model=MINILM)).points[0]
    assert (best.id, best.payload) == (1, {"topic": "cooking"})


def test_usage_is_the_workers_count_and_the_ledgers(new_us: Door, tokens, billing):
    collection = new_us.collection("usage")
    answer = new_us.upsert(collection, {"id": 1, "vector": document(COOKIES)}, {"id": 2, "vector": document(TRAIN)})
    assert usage(answer) == {MINILM: tokens(COOKIES) + tokens(TRAIN)} == billing()
    rows = UsageEvent.objects.filter(request_id=answer.headers["x-request-id"])
    assert [(row.kind, row.inputs, row.account_id) for row in rows] == [("update", 2, new_us.cluster.account_id)]
    assert rows[0].api_key_id == new_us.cluster.api_keys.get(name="test").pk

    answer = new_us.query(collection, document(QUESTION))
    assert usage(answer) == {MINILM: tokens(QUESTION, kind="search")}
    assert UsageEvent.objects.get(request_id=answer.headers["x-request-id"]).kind == "search"


def test_what_is_stored_is_exactly_the_models_vector(new_us: Door, worker: Worker):
    collection = new_us.collection("exact", vectors={"size": 384, "distance": "Dot"})
    new_us.upsert(collection, {"id": 1, "vector": document(COOKIES)})
    expected = worker.embed(MINILM, "update", text_inputs(COOKIES)).vectors[0]
    np.testing.assert_array_equal(np.asarray(stored(new_us, collection, 1), np.float32), expected)


def test_identical_texts_are_embedded_and_billed_once(new_us: Door, tokens, billing):
    collection = new_us.collection("twins")
    same = document(COOKIES, model="Sentence-Transformers/All-MiniLM-L6-v2")
    points = [{"id": n, "vector": document(COOKIES) if n % 2 else same} for n in range(1, 9)]
    assert usage(new_us.upsert(collection, *points)) == {MINILM: tokens(COOKIES)} == billing()
    assert stored(new_us, collection, 1) == stored(new_us, collection, 8)


def test_named_vectors_of_every_type_in_one_request(new_us: Door, tokens, billing):
    collection = new_us.collection("named", **NAMED)
    vector = {
        "dense": document(COOKIES),
        "model": document(TRAIN),
        "short": document(COOKIES, MXBAI, mrl=64),
        "multi": document(COOKIES, COLBERT),
        "bm25": document(COOKIES, "bm25"),
        "splade": document(COOKIES, SPLADE),
    }
    payload = {"vector": document("a decoy", "no/model"), "model": "no/model"}
    answer = new_us.upsert(collection, {"id": 1, "vector": vector, "payload": payload})
    expected = {
        MINILM: tokens(COOKIES) + tokens(TRAIN),
        MXBAI: tokens(COOKIES, MXBAI),
        COLBERT: tokens(COOKIES, COLBERT),
        "qdrant/bm25": tokens(COOKIES, "bm25"),
        SPLADE: tokens(COOKIES, SPLADE),
    }
    assert usage(answer) == expected
    assert billing() == {model: count for model, count in expected.items() if count}
    kept = stored(new_us, collection, 1)
    assert set(kept) == set(vector)
    assert len(kept["short"]) == 64
    assert np.asarray(kept["multi"]).shape[1] == 96
    assert len(kept["bm25"]["indices"]) == len(kept["bm25"]["values"]) > 5
    found = new_us.query(collection, document("cookies flour", "bm25"), using="bm25").json()["result"]["points"]
    assert (found[0]["id"], found[0]["payload"]) == (1, payload)
    for name, model in (("splade", SPLADE), ("multi", COLBERT)):
        assert new_us.query(collection, document("cookies", model), using=name).json()["result"]["points"][0]["id"] == 1


def test_batch_form_vector_updates_and_batched_operations(new_us: Door, tokens, billing):
    collection = new_us.collection("writes", **NAMED)
    base = f"/collections/{collection}/points"
    batch = {"ids": [1, 2], "vectors": {"dense": [document(COOKIES), document(TRAIN)]}}
    answers = [
        new_us.http.put(f"{base}?wait=true", json={"batch": batch}),
        new_us.http.put(
            f"{base}/vectors?wait=true", json={"points": [{"id": 2, "vector": {"dense": document(COOKIES)}}]}
        ),
        new_us.http.post(
            f"{base}/batch?wait=true",
            json={
                "operations": [
                    {"upsert": {"points": [{"id": 3, "vector": {"model": document(TRAIN)}}]}},
                    {"set_payload": {"points": [3], "payload": {"vector": document("decoy", "no/model")}}},
                    {"update_vectors": {"points": [{"id": 3, "vector": {"dense": document(COOKIES)}}]}},
                ]
            },
        ),
    ]
    both = tokens(COOKIES) + tokens(TRAIN)
    assert [usage(answer)[MINILM] for answer in answers] == [both, tokens(COOKIES), both]
    assert billing() == {MINILM: 2 * both + tokens(COOKIES)}
    assert stored(new_us, collection, 1)["dense"] == stored(new_us, collection, 2)["dense"]
    assert set(stored(new_us, collection, 3)) == {"model", "dense"}


@pytest.fixture(scope="module")
def searchable(new_us: Door) -> str:
    collection = new_us.collection("searchable")
    texts = [COOKIES, TRAIN, "Cats sleep most of the day.", "Sugar and butter make a good cake."]
    points = [{"id": n, "vector": document(t), "payload": {"n": n % 2}} for n, t in enumerate(texts, 1)]
    assert new_us.upsert(collection, *points).status_code == 200
    return collection


@pytest.mark.parametrize(
    "query",
    [
        document(QUESTION),
        {"nearest": document(QUESTION)},
        {"nearest": document(QUESTION), "mmr": {"diversity": 0.1, "candidates_limit": 10}},
        {"recommend": {"positive": [document(QUESTION)], "negative": [document(TRAIN)], "strategy": "best_score"}},
        {"discover": {"target": document(QUESTION), "context": [{"positive": document("cake"), "negative": 3}]}},
        {"context": {"positive": document(QUESTION), "negative": 2}},
    ],
)
def test_every_kind_of_query_finds_by_meaning(new_us: Door, searchable: str, query):
    answer = new_us.query(searchable, query, limit=2)
    assert usage(answer)[MINILM] > 0
    assert answer.json()["result"]["points"][0]["id"] in (1, 4)


def test_prefetch_query_batch_and_groups(new_us: Door, searchable: str, tokens):
    asked = tokens(QUESTION, kind="search")
    prefetch = [{"query": document(QUESTION), "limit": 2}, {"prefetch": {"query": document(TRAIN)}, "query": 1}]
    answer = new_us.query(searchable, {"fusion": "rrf"}, prefetch=prefetch)
    assert usage(answer) == {MINILM: asked + tokens(TRAIN, kind="search")}
    base = f"/collections/{searchable}/points/query"
    searches = [{"query": document(QUESTION), "limit": 1}, {"query": document(QUESTION), "limit": 2}, {"query": 2}]
    answer = new_us.http.post(f"{base}/batch", json={"searches": searches})
    assert usage(answer) == {MINILM: asked}
    assert [len(result["points"]) for result in answer.json()["result"]] == [1, 2, 3]
    answer = new_us.http.post(f"{base}/groups", json={"query": document(QUESTION), "group_by": "n", "group_size": 1})
    assert usage(answer) == {MINILM: asked}
    assert answer.json()["result"]["groups"][0]["hits"][0]["id"] == 1


def test_bm25_works_on_every_cluster(free_us: Door):
    collection = free_us.collection("words", vectors={}, sparse_vectors={"bm25": {}})
    answer = free_us.upsert(collection, {"id": 1, "vector": {"bm25": document(COOKIES, "Qdrant/BM25")}})
    assert usage(answer)["qdrant/bm25"] > 5
    assert free_us.query(collection, document("cookies", "bm25"), using="bm25").json()["result"]["points"][0]["id"] == 1


def test_concurrent_requests_are_each_billed_for_themselves(new_us: Door, tokens, billing):
    collection = new_us.collection("crowd")
    texts = [f"Sentence number {n} says {'something ' * n}" for n in range(24)]
    answers: dict[int, int] = {}

    def upsert(n: int) -> None:
        answers[n] = usage(new_us.upsert(collection, {"id": n, "vector": document(texts[n])}))[MINILM]

    threads = [threading.Thread(target=upsert, args=[n]) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: tokens(text) for n, text in enumerate(texts)}
    assert billing() == {MINILM: sum(answers.values())}
    assert new_us.count(collection) == 24
