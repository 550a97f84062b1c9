"""kill -9 of any process under a running upsert loop: nothing acknowledged is lost, nothing is billed twice.

The seed decides whom the axe hits and when. ``CLOUDCONSOLE_FAULT_SEED`` and ``CLOUDCONSOLE_FAULT_ROUNDS`` repeat a
run or lengthen it.
"""

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import httpx
import pytest

from tests.running_cloud import RunningCloud, start_cloud
from tests.waiting import wait_until

SEED = int(os.environ.get("CLOUDCONSOLE_FAULT_SEED", "20261122"))
ROUNDS = int(os.environ.get("CLOUDCONSOLE_FAULT_ROUNDS", "1"))  # each round hits every process once
VICTIMS = ["gateway", "node", "task worker", "inference", "redis", "postgres"]
MODEL = "sentence-transformers/all-minilm-l6-v2"
COLLECTION = "storm"
RECOVERY_SECONDS = 60
BATCH = 3


@dataclass
class Acknowledged:
    """One answered upsert: what it stored, under which request id, at how many tokens."""

    request_id: str
    tokens: int
    points: dict[int, str]


@dataclass
class Writer(threading.Thread):
    """Upserts small batches of documents until told to stop; remembers every answer it got."""

    number: int
    rest: str
    api_key: str
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        next_id = self.number * 1_000_000
        with httpx.Client(base_url=self.rest, headers={"api-key": self.api_key}, timeout=30) as client:
            while not self.stop.is_set():
                points = {next_id + i: f"writer {self.number} says sentence {next_id + i}" for i in range(BATCH)}
                next_id += len(points)
                self._upsert(client, points)

    def _upsert(self, client: httpx.Client, points: dict[int, str]) -> None:
        body = {
            "points": [
                {"id": i, "vector": {"text": text, "model": MODEL}, "payload": {"text": text}}
                for i, text in points.items()
            ]
        }
        try:
            answer = client.put(f"/collections/{COLLECTION}/points", params={"wait": "true"}, json=body)
        except httpx.HTTPError as error:
            self.refused.append(type(error).__name__)
            self.stop.wait(0.1)
            return
        if answer.status_code == 200:
            tokens = answer.json()["usage"]["inference"]["models"][MODEL]["tokens"]
            self.acknowledged.append(Acknowledged(answer.headers["x-request-id"], tokens, points))
        else:
            assert answer.status_code in (408, 429, 503), answer.text
            assert answer.json()["status"]["error"]
            self.refused.append(f"{answer.status_code}: {answer.json()['status']['error']}")
            self.stop.wait(0.1)


@pytest.fixture(scope="module")
def storm_cloud(tmp_path_factory):
    with start_cloud(tmp_path_factory.mktemp("storm")) as cloud:
        yield cloud


def kill(cloud: RunningCloud, victim: str, cluster_id: str) -> None:
    pid = cloud.node_process_id(cluster_id) if victim == "node" else cloud.process_id(victim)
    os.kill(pid, signal.SIGKILL)


def ask_for_a_restart(cloud: RunningCloud, status: dict, cluster_id: str) -> None:
    path = f"/cluster/v1/accounts/{status['account_id']}/clusters/{cluster_id}/restart"
    headers = {"authorization": f"apikey {status['demo']['management_key']}"}
    httpx.post(status["urls"]["api"] + path, headers=headers, timeout=30).raise_for_status()


@pytest.mark.timeout(600)
def test_no_kill_loses_or_doubles_anything(storm_cloud):
    chance = random.Random(SEED)
    status, cluster = storm_cloud.status, storm_cloud.cluster("new-us")
    rest = cluster["rest"]
    with httpx.Client(base_url=rest, headers={"api-key": cluster["api_key"]}, timeout=30) as client:
        client.put(
            f"/collections/{COLLECTION}", json={"vectors": {"size": 384, "distance": "Cosine"}}
        ).raise_for_status()
    writers = [Writer(number, rest, cluster["api_key"]) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for victim in [v for _ in range(ROUNDS) for v in chance.sample(VICTIMS, len(VICTIMS))]:
            time.sleep(chance.uniform(0, 1.0))  # the random moment
            if victim == "task worker":
                ask_for_a_restart(storm_cloud, status, cluster["id"])
                time.sleep(chance.uniform(0, 0.5))
            before = [len(writer.acknowledged) for writer in writers]
            kill(storm_cloud, victim, cluster["id"])
            wait_until(
                lambda before=before: all(
                    len(writer.acknowledged) > count + 2 for writer, count in zip(writers, before, strict=True)
                ),
                seconds=RECOVERY_SECONDS,
                what=f"upserts go on after the {victim} was killed",
            )
    finally:
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(timeout=60)
    wait_until(
        lambda: storm_cloud.cluster("new-us")["phase"] == "HEALTHY", seconds=RECOVERY_SECONDS, what="healthy again"
    )
    acknowledged = [answer for writer in writers for answer in writer.acknowledged]
    every_acknowledged_point_is_there(rest, cluster["api_key"], acknowledged)
    the_ledger_agrees_with_the_answers(storm_cloud, acknowledged)


def every_acknowledged_point_is_there(rest, api_key, acknowledged):
    expected = {i: text for answer in acknowledged for i, text in answer.points.items()}
    found, offset = {}, None
    with httpx.Client(base_url=rest, headers={"api-key": api_key}, timeout=30) as client:
        while True:
            body = {"limit": 1000, "offset": offset, "with_payload": True, "with_vector": True}
            page = client.post(f"/collections/{COLLECTION}/points/scroll", json=body).json()["result"]
            found |= {point["id"]: point for point in page["points"]}
            if (offset := page["next_page_offset"]) is None:
                break
        count = client.post(f"/collections/{COLLECTION}/points/count", json={"exact": True}).json()["result"]
    missing = [i for i in expected if i not in found]
    assert not missing, f"{len(missing)} of {len(expected)} acknowledged points are gone, for example {missing[:5]}"
    assert all(found[i]["payload"] == {"text": text} for i, text in expected.items())
    assert all(len(point["vector"]) == 384 for point in found.values())
    assert count["count"] == len(found)
    for i in found:  # whole requests or nothing: a writer's ids come in threes
        first = i - i % 1_000_000 % BATCH
        assert all(first + k in found for k in range(BATCH)), f"point {i} is there without its request's others"


def the_ledger_agrees_with_the_answers(cloud, acknowledged):
    """One row for each answered request; others belong to requests that were cut off, billed once at most."""
    with cloud.database() as database:
        rows = database.execute(
            """
            SELECT request_id::text, count(*) FILTER (WHERE corrects_id IS NULL), count(corrects_id), sum(tokens)
            FROM billing_usageevent GROUP BY request_id
            """
        ).fetchall()
    ledger = {request_id: (events, corrections, int(tokens)) for request_id, events, corrections, tokens in rows}
    wrong = [answer for answer in acknowledged if ledger.get(answer.request_id) != (1, 0, answer.tokens)]
    assert not wrong, f"{len(wrong)} acknowledged requests are not in the ledger exactly once, for example {wrong[0]}"
    doubled = {request_id: row for request_id, row in ledger.items() if row[0] != 1 or row[1] > 1 or row[2] < 0}
    assert not doubled, f"billed more than once, or taken back more than once: {doubled}"
