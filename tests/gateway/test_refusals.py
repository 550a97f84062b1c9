"""What is refused, in which words, and that nothing of it is stored or billed."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from billing.models import UsageEvent
from inference.client import InferenceClient, InferenceError
from inference.rules import NOT_ELIGIBLE_SENTENCE
from tests.gateway.conftest import MINILM, Door, document, sentence
from tests.gateway.running import running_gateway
from tests.inference.conftest import Worker

pytestmark = pytest.mark.django_db
COLBERT = "answerdotai/answerai-colbert-small-v1"


@pytest.fixture
def collection(new_us: Door) -> Iterator[str]:
    """An empty collection; whatever the test sends, it is still empty afterwards and the ledger as it was."""
    name = new_us.collection("refused")
    before = UsageEvent.objects.count()
    yield name
    assert new_us.count(name) == 0
    assert UsageEvent.objects.count() == before


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, sentence(answer)


def test_with_inference_off_the_sentence_says_where_to_switch_it_on(open_door: Callable[..., Door]):
    door = open_door("legacy-us", place="gcp us-east4", inference=False, node=False)
    status, told = refused(door.upsert("x", {"id": 1, "vector": document("hello")}))
    assert status == 400
    assert told.startswith("Inference is switched off for cluster legacy-us. Switch it on")
    assert refused(door.query("x", document("hello", "no/such-model"))) == (status, told)


def test_region_and_tier_are_refused_with_the_same_sentence(open_door: Callable[..., Door], free_us: Door):
    paid_eu = open_door("paid-eu", place="aws eu-central-1", inference=False, node=False)
    for door in (paid_eu, free_us):
        point = {"id": 1, "vector": document("hello")}
        assert refused(door.upsert("x", point)) == (403, NOT_ELIGIBLE_SENTENCE)


def test_until_the_restart_has_applied_it_inference_is_not_on(open_door: Callable[..., Door]):
    door = open_door("restarting-us", inference=True, node=False, applied_configuration={"inference_enabled": False})
    answer = door.upsert("x", {"id": 1, "vector": document("hello")})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "is restarting to switch inference on" in sentence(answer)


def test_an_unknown_model_is_answered_with_the_models_there_are(new_us: Door, collection: str):
    status, told = refused(new_us.upsert(collection, {"id": 1, "vector": document("hello", "no/such-model")}))
    assert status == 400
    assert "Unknown model 'no/such-model'" in told
    assert MINILM in told
    assert refused(new_us.query(collection, document("hello", "")))[0] == 400


def test_an_unknown_collection_is_told_before_a_model_runs(new_us: Door):
    before = UsageEvent.objects.count()
    for answer in (
        new_us.upsert("nowhere", {"id": 1, "vector": document("hello")}),
        new_us.query("nowhere", document("hello")),
    ):
        assert refused(answer) == (404, "Not found: Collection `nowhere` doesn't exist!")
    assert UsageEvent.objects.count() == before


def test_a_wrong_vector_size_is_refused_in_qdrants_words_and_names_the_model(new_us: Door):
    collection = new_us.collection("small", vectors={"size": 512, "distance": "Cosine"})
    for answer in (
        new_us.upsert(collection, {"id": 1, "vector": document("hello")}),
        new_us.query(collection, document("hello")),
    ):
        status, told = refused(answer)
        assert status == 400
        assert told.startswith("Wrong input: Vector dimension error: expected dim: 512, got 384")
        assert MINILM in told
    assert new_us.count(collection) == 0


def test_a_search_of_a_collection_that_has_become_another_one_costs_nothing(new_us: Door):
    collection = new_us.collection("changing")
    assert new_us.query(collection, document("hello")).status_code == 200
    before = new_us.billed()
    new_us.collection("changing", vectors={"size": 4, "distance": "Cosine"})
    told = [refused(new_us.query(collection, document("hello"))) for _ in range(2)]
    assert all(status == 400 and "expected dim: 4, got 384" in sentence for status, sentence in told)
    assert MINILM in told[1][1]
    assert new_us.query(new_us.collection("changing"), document("hello")).status_code == 200
    new_us.http.delete(f"/collections/{collection}")
    told = [refused(new_us.query(collection, document("hello"))) for _ in range(2)]
    assert told == [(404, "Not found: Collection `changing` doesn't exist!")] * 2
    assert new_us.billed()[MINILM] - before[MINILM] == 3  # one search, of three tokens


def test_what_the_real_server_refuses_is_refused_in_its_words(new_us: Door, collection: str):
    base = f"/collections/{collection}/points"
    batch = {"batch": {"ids": [1], "vectors": [document("hello")]}}
    assert refused(new_us.http.put(base, json=batch)) == (
        400,
        "Direct Document processing is not supported in top-level batch vectors. Use named vectors.",
    )
    bare = {"points": [{"id": 1, "vector": document("hello")}]}
    assert refused(new_us.http.put(f"{base}/vectors", json=bare)) == (
        400,
        "Direct Document processing not supported for PointVectors. Use named vectors.",
    )
    assert refused(new_us.upsert(collection, {"id": 1, "vector": document("hello", "bm25")})) == (
        400,
        "Bad request: Sparse vector from document inference must be named",
    )
    assert refused(new_us.upsert(collection, {"id": 1, "vector": {"other": document("hello")}})) == (
        400,
        "Wrong input: Not existing vector name error: other",
    )


@pytest.mark.parametrize(
    "vector",
    [
        {"image": "https://example.com/cat.jpg", "model": MINILM},
        {"object": {"a": 1}, "model": MINILM},
        document("hello", mrl=64),
        document("hello") | {"options": [1]},
        {"text": 5, "model": MINILM},
        {"text": None, "model": MINILM},
        {"model": MINILM},
        document("x" * 10_000_000),
    ],
)
def test_input_that_no_model_can_take_is_refused(new_us: Door, collection: str, vector):
    status, told = refused(new_us.upsert(collection, {"id": 1, "vector": vector}))
    assert status == 400
    assert len(told) > 20


@pytest.mark.parametrize(
    "body",
    [
        b'{"points": [{"id": 1, "vector": {"text": "x", "model": "m"}}',
        b'{"points": [{"id": 1, "vector": {"text": "\xff\xfe", "model": "m"}}]}',
        b'{"points": [{"id": 1, "vector": {"text": "\\ud800", "model": "m"}}]}',
        b'\xef\xbb\xbf"model"',
        b'"model"',
        b'["model"]',
        b'{"points": "model", "model": 1}',
        b'{"points": [{"id": -1, "vector": {"text": "x", "model": "MODEL"}}]}',
        b'{"points": [{"id": "no uuid", "vector": {"text": "x", "model": "MODEL"}}]}',
        b'{"points": [{"id": 1, "vector": {"": {"text": "x", "model": "MODEL"}}, "payload": 5}]}',
        b'{"points": [{"vector": {"text": "x", "model": "MODEL"}}]}',
        b'{"points": [{"id": 1, "vector": [{"text": "x", "model": "MODEL"}]}]}',
        b'{"points": [{"id": 1, "vector": {"text": "x", "model": "MODEL"}, "payload": '
        + b"[" * 400
        + b"]" * 400
        + b"}]}",
        b'{"points": [{"id": 1, "vector": {"text": "x", "model": "MODEL"}, "payload": '
        + b"[" * 9999
        + b"]" * 9999
        + b"}]}",
        b'{"points": [{"id": 99999999999999999999999, "vector": {"text": "x", "model": "MODEL"}}]}',
    ],
)
@pytest.mark.parametrize("route", ["PUT points", "PUT points/vectors", "POST points/query", "POST points/batch"])
def test_malformed_requests_get_a_sentence_and_never_a_500(new_us: Door, collection: str, body, route):
    method, path = route.split()
    content = body.replace(b"MODEL", MINILM.encode())
    answer = new_us.http.request(method, f"/collections/{collection}/{path}", content=content)
    assert 400 <= answer.status_code < 500 or (route == "POST points/query" and answer.status_code == 200)
    if answer.status_code != 200:
        assert len(sentence(answer)) > 10


def test_a_vector_that_the_engine_refuses_is_not_billed(new_us: Door, collection: str):
    """The first point would be stored, the second is wrong: neither is, and the embedding costs nothing."""
    answer = new_us.upsert(
        collection, {"id": 1, "vector": document("hello")}, {"id": 2, "vector": [0.5] * 3, "payload": {}}
    )
    assert refused(answer)[0] == 400


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (InferenceError(429, "busy", "The worker is busy.", retry_after=3), 429, "3"),
        (InferenceError(503, "model_unavailable", "The weights are being downloaded.", retry_after=5), 503, "5"),
        (InferenceError(503, "model_unavailable", "There are no weights for this model."), 503, None),
        (InferenceError(502, "worker_unavailable", "The worker answered nonsense."), 503, None),
        (InferenceError(404, "unknown_model", "The worker does not have this model."), 400, None),
    ],
)
def test_what_a_worker_cannot_do_is_said_with_its_sentence(
    new_us: Door, collection: str, monkeypatch: pytest.MonkeyPatch, error, status, retry_after
):
    async def fail(*arguments: Any, **more: Any) -> None:
        raise error

    monkeypatch.setattr(InferenceClient, "embed", fail)
    answer = new_us.upsert(collection, {"id": 1, "vector": document("hello")})
    assert refused(answer) == (status, error.sentence)
    assert answer.headers.get("retry-after") == retry_after


def test_without_a_worker_inference_is_refused_and_plain_traffic_goes_on(
    collection: str, new_us: Door, settings: Any, tmp_path: Any
):
    settings.INFERENCE_ADDRESSES = [str(tmp_path / "nobody.sock")]
    with running_gateway() as url, httpx.Client(base_url=url, headers={"api-key": new_us.secret}) as http:
        answer = http.put(f"/collections/{collection}/points", json={"points": [{"id": 1, "vector": document("x")}]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert http.get(f"/collections/{collection}").status_code == 200


def test_when_one_worker_is_away_another_one_answers(new_us: Door, settings: Any, tmp_path: Any, worker: Worker):
    collection = new_us.collection("workers")
    settings.INFERENCE_ADDRESSES = [str(tmp_path / "nobody.sock"), worker.address]
    with running_gateway() as url, httpx.Client(base_url=url, headers={"api-key": new_us.secret}) as http:
        for number in range(4):
            points = [{"id": number, "vector": document(f"text {number}")}]
            assert http.put(f"/collections/{collection}/points", json={"points": points}).status_code == 200
