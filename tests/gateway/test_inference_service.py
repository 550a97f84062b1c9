"""What a Qdrant server meets whose ``inference.address`` names the gateway: the protocol, its errors, the bill."""

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from django.utils import timezone

from billing.models import UsageEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.paths import PROJECT_DIR
from clusters.database_keys import create_database_api_key
from clusters.models import DatabaseApiKey
from clusters.rules.lifecycle import Phase
from gateway import inference_service
from inference.rules import NOT_ELIGIBLE_SENTENCE
from tests.gateway.conftest import MINILM, Door, committing
from tests.gateway.running import raw_request
from tests.inference.conftest import Worker, measured, text_inputs
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
COLBERT = "answerdotai/answerai-colbert-small-v1"
GUIDE = PROJECT_DIR / "docs/self-hosting-inference.md"


class QdrantServer:
    """Asks as Qdrant's ``InferenceService`` does, with its own token and no other authentication."""

    def __init__(self, url: str, token: str | None) -> None:
        self.address = url + "/inference"
        self.token = token

    def ask(self, *inputs: dict[str, Any], inference: Any = "update", **headers: str) -> httpx.Response:
        request = {"inputs": inputs, "inference": inference, "token": self.token}
        return httpx.post(self.address, json=request, headers=headers, timeout=60)


def text(data: Any, model: str = MINILM, data_type: str = "text", **options: Any) -> dict[str, Any]:
    return {"data": data, "data_type": data_type, "model": model, "options": options or None}


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert list(answer.json()) == ["error"]
    return answer.status_code, answer.json()["error"]


def counted(worker: Worker, what: str) -> int:
    """One of the worker's measures of MiniLM."""
    return int(measured(worker.address, f"inference_{what}_total", model=MINILM))


@pytest.fixture
def server(new_us: Door, gateway_url: str) -> QdrantServer:
    return QdrantServer(gateway_url, new_us.secret)


@pytest.mark.parametrize("kind", ["update", "search"])
def test_vectors_of_every_type_come_in_the_order_of_the_inputs(server: QdrantServer, worker: Worker, kind: str):
    inputs = [text("a cat"), text("a cat", "bm25"), text("a cat", COLBERT), text("a dog"), text("a cat")]
    answer = server.ask(*inputs, inference=kind)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    dense, sparse, multi, other, again = answer.json()["embeddings"]
    expected = worker.embed(MINILM, kind, text_inputs("a cat", "a dog")).vectors
    np.testing.assert_array_equal(np.asarray([dense, other], np.float32), expected)
    assert dense == again
    assert len(sparse["indices"]) == len(sparse["values"]) > 0
    assert np.asarray(multi).shape[1] == 96
    models = answer.json()["usage"]["models"]
    assert models[MINILM] == {"tokens": 8}
    assert set(models) == {MINILM, "qdrant/bm25", COLBERT}


def test_its_usage_is_committed_before_the_answer_like_the_gateways_own(new_us: Door, server: QdrantServer):
    answer = server.ask(text("a cat"), text("a dog"), inference="search")
    [row] = UsageEvent.objects.filter(request_id=answer.headers["x-request-id"])
    assert (row.kind, row.tokens, row.inputs, row.model.name) == ("search", 8, 2, MINILM)
    assert (row.cluster_id, row.api_key_id) == (new_us.cluster.pk, new_us.cluster.api_keys.get(name="test").pk)


def test_options_reach_the_model_and_no_kind_means_update(server: QdrantServer):
    answer = server.ask(text("a cat", "mixedbread-ai/mxbai-embed-large-v1", mrl=64), inference=None)
    assert len(answer.json()["embeddings"][0]) == 64
    assert UsageEvent.objects.get(request_id=answer.headers["x-request-id"]).kind == "update"


def test_nothing_to_embed_is_answered_with_nothing(server: QdrantServer):
    assert server.ask().json() == {"embeddings": [], "usage": {"models": {}}, "inputs": []}


def test_each_input_says_what_it_cost_and_whether_it_was_cut(server: QdrantServer):
    answer = server.ask(text("a cat"), text("word " * 300), text("a cat"), text("a cat", "bm25")).json()
    assert answer["inputs"] == [
        {"tokens": 4, "truncated": False},
        {"tokens": 256, "truncated": True, "kept": [0, 254 * len("word ") - 1]},
        {"tokens": 0, "truncated": False},
        {"tokens": 1, "truncated": False},
    ]
    assert answer["usage"]["models"] == {MINILM: {"tokens": 260}, "qdrant/bm25": {"tokens": 1}}


@pytest.mark.parametrize("token", [None, "", "wrong", 5])
def test_without_a_valid_token_nobody_is_served(gateway_url: str, new_us: Door, token: Any):
    # The token is what counts, not the header that the data plane takes its key from.
    answer = QdrantServer(gateway_url, token).ask(text("a cat"), **{"api-key": new_us.secret})
    assert refused(answer)[0] == 401


def test_a_token_is_refused_once_it_is_revoked_or_expired(gateway_url: str, new_us: Door):
    made: dict[str, str] = {}

    def write() -> None:
        actor = Actor(type="test", id="test", name="test")
        for name in ("revoked_at", "expires_at"):
            key, made[name] = create_database_api_key(cluster=new_us.cluster, name=name, requested_by=actor)
            DatabaseApiKey.objects.filter(pk=key.pk).update(**{name: timezone.now() - timedelta(minutes=1)})

    committing(write)
    for name, status in (("revoked_at", 401), ("expires_at", 403)):
        assert refused(QdrantServer(gateway_url, made[name]).ask(text("a cat")))[0] == status


def test_the_gate_speaks_the_same_sentences(open_door: Callable[..., Door], free_us: Door, gateway_url: str):
    off = open_door("service-off", inference=False, node=False)
    restarting = open_door("service-restarting", node=False, applied_configuration={"inference_enabled": False})
    status, told = refused(QdrantServer(gateway_url, off.secret).ask(text("a cat")))
    assert (status, told[:23]) == (400, "Inference is switched o")
    assert refused(QdrantServer(gateway_url, free_us.secret).ask(text("a cat"))) == (403, NOT_ELIGIBLE_SENTENCE)
    assert QdrantServer(gateway_url, free_us.secret).ask(text("a cat", "bm25")).status_code == 200
    answer = QdrantServer(gateway_url, restarting.secret).ask(text("a cat"))
    assert refused(answer)[0] == 503
    assert answer.headers["retry-after"] == "1"


def test_a_cluster_that_does_not_serve_has_no_inference_service_either(
    open_door: Callable[..., Door], gateway_url: str
):
    door = open_door("service-suspended", node=False, serving=False, phase=Phase.SUSPENDED)
    assert refused(QdrantServer(gateway_url, door.secret).ask(text("a cat")))[0] == 503


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (text("a cat", "no/such"), "Unknown model 'no/such'"),
        (text("a cat", mrl=3), "Input 0 asks for mrl"),
        (text({"a": 1}, data_type="object"), "embeds text"),
        (text(5), "Input 0 must be a text"),
        (text("x" * 1_000_001), "inputs[0].data has 1000001 characters"),
        (text("a cat", data_type="video"), "inputs[0].data_type"),
        (text("a cat") | {"options": 5}, "inputs[0].options"),
        (text("a cat") | {"model": None}, "inputs[0] must be"),
        ("a cat", "inputs[0] must be"),
        (text("a cat", "openai/text-embedding-3-small"), "openai-api-key"),
    ],
)
def test_what_cannot_be_embedded_is_400_with_a_reason_for_qdrant_to_pass_on(server: QdrantServer, one: Any, said: str):
    before = UsageEvent.objects.count()
    status, told = refused(server.ask(one))
    assert status == 400
    assert said in told
    # Qdrant puts these words in front itself.
    assert "Inference request validation failed" not in told
    assert not told.startswith("Bad request")
    assert UsageEvent.objects.count() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"token"', b'{"token": "TOKEN"}', b'{"token": "TOKEN", "inputs": 1}']
)
def test_a_malformed_request_is_refused_in_the_protocols_shape(server: QdrantServer, body: bytes):
    content = body.replace(b"TOKEN", str(server.token).encode())
    status, told = refused(httpx.post(server.address, content=content))
    assert status in (400, 401)
    assert len(told) > 10
    request = {"inputs": [], "token": server.token, "inference": ["read"]}
    assert refused(httpx.post(server.address, json=request))[0] == 400


def test_too_large_a_request_is_refused_unread(server: QdrantServer, gateway_url: str):
    head = f"POST /inference HTTP/1.1\nHost: x\nContent-Length: {10**9}\n\n"
    answer = raw_request(gateway_url, head, b"{", seconds=5)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'{"error":' in answer


def test_only_this_path_and_method_are_the_service(new_us: Door, server: QdrantServer):
    assert httpx.get(server.address).status_code == 401
    assert new_us.http.get("/inference").status_code == 404
    assert new_us.http.post("/inference/", json={"token": new_us.secret}).status_code == 404


def test_a_server_that_leaves_while_its_texts_are_embedded_is_not_billed(
    server: QdrantServer, gateway_url: str, worker: Worker
):
    host, port = gateway_url.removeprefix("http://").split(":")
    texts = [text(f"{n} " + "many words " * 200) for n in range(64)]
    content = httpx.Request("POST", server.address, json={"inputs": texts, "token": server.token}).content
    before, run, dropped = UsageEvent.objects.count(), counted(worker, "texts"), counted(worker, "dropped_texts")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content) + content
        )
        wait_until(lambda: counted(worker, "texts") > run, seconds=20, what="the first batch has run")
    wait_until(lambda: counted(worker, "dropped_texts") > dropped, seconds=20, what="the worker has given up")
    assert server.ask(text("a cat")).status_code == 200
    assert UsageEvent.objects.count() == before + 1


def test_the_guides_compose_file_points_a_qdrant_server_here():
    [block] = [part.split("```")[0] for part in Path(GUIDE).read_text().split("```yaml\n")[1:]]
    [qdrant] = yaml.safe_load(block)["services"].values()
    settings = qdrant["environment"]
    assert set(settings) == {"QDRANT__INFERENCE__ADDRESS", "QDRANT__INFERENCE__TOKEN", "QDRANT__INFERENCE__TIMEOUT"}
    assert httpx.URL(settings["QDRANT__INFERENCE__ADDRESS"]).path == inference_service.PATH
