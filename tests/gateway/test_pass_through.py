"""What carries no inference objects goes through as it came, within limits."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.gateway.conftest import Door, sentence
from tests.gateway.running import Mirror, raw_request
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
KEY_HEADERS = {"api-key", "authorization", "openai-api-key"}


@pytest.mark.parametrize("size", [0, 100, 70_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_arrive_byte_for_byte_both_ways(mirrored: Door, mirror: Mirror, size, chunked):
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    content = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
    answer = mirrored.http.post("/collections/x/points/scroll?timeout=5", content=content)
    assert answer.status_code == 200
    assert answer.content == body
    assert mirror.seen[0]["body"] == body
    assert mirror.seen[0]["query"] == b"timeout=5"


def test_even_odd_json_on_an_inference_route_passes_untouched(mirrored: Door, mirror: Mirror):
    body = b'{ "points" : [ {"id":1e0, "vector":[ 0.10, 1E-3 ], "payload":{"model" :"x"}} ], "a":1, "a":2 }\n'
    mirrored.http.put("/collections/x/points", content=body)
    assert mirror.seen[0]["body"] == body


@pytest.mark.parametrize("path", ["/collections/a%2Fb%20c/points/1", "/collections/%C3%A4%00/exists", "/a/../b", "//x"])
def test_paths_arrive_as_they_were_sent(mirrored: Door, mirror: Mirror, gateway_url, path):
    raw_request(gateway_url, f"GET {path} HTTP/1.1\nhost: x\napi-key: {mirrored.secret}\nconnection: close\n\n")
    assert mirror.seen[0]["path"] == path.encode()


def test_no_key_and_nothing_of_the_connection_is_forwarded(mirrored: Door, mirror: Mirror):
    headers = {
        "authorization": f"Bearer {mirrored.secret}",
        "openai-api-key": "sk",
        "connection": "keep-alive, x-mine",
        "x-mine": "1",
        "te": "trailers",
        "accept-encoding": "gzip",
        "x-kept": "yes",
    }
    answer = mirrored.http.get("/collections", headers=headers)
    arrived = dict(mirror.seen[0]["headers"])
    assert not KEY_HEADERS & {name.decode() for name in arrived}
    assert not {b"connection", b"x-mine", b"te"} & set(arrived)
    assert (arrived[b"x-kept"], arrived[b"accept-encoding"]) == (b"yes", b"gzip")
    assert answer.headers["x-from-node"] == "1"
    assert "x-hop" not in answer.headers


def test_a_collection_with_an_odd_name_is_found_by_inference_too(new_us: Door):
    name = "a%20b%C3%A4"
    new_us.collection(name)
    point = {"id": 1, "vector": {"text": "hello", "model": "sentence-transformers/all-MiniLM-L6-v2"}}
    assert new_us.upsert(name, point).status_code == 200
    assert new_us.count(name) == 1
    assert {"name": "a bä"} in new_us.http.get("/collections").json()["result"]["collections"]


def test_a_declared_length_over_the_limit_is_refused_unread(new_us: Door, gateway_url, settings):
    settings.GATEWAY_MAX_BODY_BYTES = 100_000
    answer = raw_request(
        gateway_url,
        f"PUT /collections/x/points HTTP/1.1\nhost: x\napi-key: {new_us.secret}\ncontent-length: 100001\n\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"larger than allowed (limit: 100000 bytes)" in answer


@pytest.mark.parametrize("path", ["/collections/x/points", "/collections/x/index"])
def test_an_endless_body_is_cut_off(new_us: Door, settings, path):
    settings.GATEWAY_MAX_BODY_BYTES = 100_000
    sent = []

    def endless() -> Iterator[bytes]:
        while len(sent) < 10_000:
            sent.append(1)
            yield b" " * 10_000

    answer = new_us.http.put(path, content=endless())
    assert answer.status_code == 413
    assert "larger than allowed" in sentence(answer)
    assert len(sent) < 1_000


@pytest.mark.parametrize("path", ["/collections/x/points", "/collections/x/index"])
def test_a_body_that_does_not_arrive_in_time_is_given_up(new_us: Door, gateway_url, settings, path):
    settings.GATEWAY_BODY_TIMEOUT_SECONDS = 0.3
    head = f"PUT {path} HTTP/1.1\nhost: x\napi-key: {new_us.secret}\ncontent-length: 90000\n\n"
    answer = raw_request(gateway_url, head, b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"did not arrive within 0.3 seconds" in answer


@pytest.mark.parametrize(
    "framing",
    [
        "content-length: 3\ntransfer-encoding: chunked",
        "content-length: 3\ncontent-length: 4",
        "content-length: 99999999999999999999",
        "content-length: -1",
        "transfer-encoding: gzip",
    ],
)
def test_a_body_of_doubtful_length_never_reaches_a_cluster(mirrored: Door, mirror: Mirror, gateway_url, framing):
    head = f"POST /x HTTP/1.1\nhost: x\napi-key: {mirrored.secret}\n{framing}\n\n"
    answer = raw_request(gateway_url, head, b"0\r\n\r\nPOST /smuggled HTTP/1.1\r\n\r\n", seconds=2)
    assert answer.startswith(b"HTTP/1.1 4")
    assert not mirror.seen


def test_nobody_behind_the_endpoint_is_said_and_may_be_tried_again(mirrored: Door):
    for send in (mirrored.http.get, mirrored.http.put):
        answer = send("/collections/x/points")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert sentence(answer) == "Cluster mirrored cannot be reached right now. Try again in a second."


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(mirrored: Door, mirror: Mirror):
    with pytest.raises(httpx.RemoteProtocolError):
        mirrored.http.post("/dies", content=b"x" * 300_000)


def test_when_the_client_leaves_the_cluster_is_left_alone(mirrored: Door, mirror: Mirror, gateway_url):
    host, port = gateway_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET /hangs HTTP/1.1\r\nhost: x\r\napi-key: {mirrored.secret}\r\n\r\n".encode())
        wait_until(lambda: mirror.seen, seconds=5, what="the request has arrived")
    assert mirror.gone.wait(5)


def test_answers_at_the_same_time_are_not_mixed_up(mirrored: Door, mirror: Mirror):
    def ask(caller: int) -> None:
        for number in range(20):
            content = f"{caller} asks {number}".encode()
            assert mirrored.http.post("/x", content=content).content == content

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))
    assert len(mirror.seen) == 80


@pytest.mark.parametrize("target", ["*", "/collections/\xe4"])
def test_a_target_that_is_no_path_is_refused(mirrored: Door, mirror: Mirror, gateway_url, target):
    head = f"OPTIONS {target} HTTP/1.1\nhost: x\napi-key: {mirrored.secret}\nconnection: close\n\n"
    assert raw_request(gateway_url, head).startswith(b"HTTP/1.1 400")
    assert not mirror.seen


def test_plain_requests_work_against_a_real_node(new_us: Door):
    collection = new_us.collection("plain", vectors={"size": 2, "distance": "Dot"})
    points = [{"id": n, "vector": [n, 0.5], "payload": {"vector": {"text": "no", "model": "no"}}} for n in range(3)]
    assert new_us.upsert(collection, *points).json()["status"] == "ok"
    answer = new_us.query(collection, [1, 0], limit=1, with_vector=True)
    assert answer.json()["result"]["points"][0]["payload"] == points[0]["payload"]
    assert "usage" not in answer.json()
    assert json.loads(answer.content)["result"]["points"][0]["vector"] == [2.0, 0.5]
