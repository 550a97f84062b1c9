"""kill -9 in the middle of an import, again and again: every row is one point, and every token is billed once.

``CLOUDCONSOLE_FAULT_SEED`` repeats a run.
"""

import os
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.imports.files import csv_bytes
from tests.running_cloud import RunningCloud, start_cloud
from tests.waiting import wait_until

SEED = int(os.environ.get("CLOUDCONSOLE_FAULT_SEED", "20261122"))
VICTIMS = ["task worker", "gateway", "inference", "node", "task worker"]
ROWS = 800
BAD = {17, 400, 799}
MODEL = "sentence-transformers/all-minilm-l6-v2"


def rows() -> list[dict[str, Any]]:
    chance = random.Random(SEED)
    return [
        {
            "id": "none" if number in BAD else number,
            "text": f"row {number} " + " ".join(chance.choices(["flour", "sugar", "soup", "bicycle", "rain"], k=30)),
        }
        for number in range(ROWS)
    ]


class Console:
    """A person's browser without a screen."""

    def __init__(self, cloud: RunningCloud, cluster: dict[str, Any]) -> None:
        status = cloud.status
        self._http = httpx.Client(base_url=status["urls"]["console"], timeout=120, follow_redirects=True)
        self._imports = f"/clusters/{cluster['id']}/inference/imports"
        demo = status["demo"]
        self._post("/sign-in", {"username": demo["email"], "password": demo["password"]}, form="/sign-in")

    def begin(self, content: bytes, collection: str) -> None:
        uploaded = self._post(self._imports, {}, files={"file": ("rows.csv", content)})
        wish = {"column": "text", "model": MODEL, "collection": collection, "id_column": "id"}
        assert "row" in self._post(uploaded.url.path, wish | {"payload_columns": ["text"]}).text

    def _post(self, path: str, data: dict[str, Any], *, form: str = "", **more: Any) -> httpx.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self._http.get(form or path).text)
        assert token
        answer = self._http.post(path, data=data | {"csrfmiddlewaretoken": token[1]}, **more)
        assert answer.status_code == 200, answer.text
        return answer


def _one(cloud: RunningCloud, what: str) -> Any:
    with cloud.database() as database:
        return database.execute(what).fetchone()


@pytest.mark.timeout(540)
def test_an_import_survives_the_death_of_everybody(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with start_cloud(tmp_path) as cloud:
        cluster = cloud.cluster("new-us")
        Console(cloud, cluster).begin(csv_bytes(rows()), "storm")
        for number, victim in enumerate(VICTIMS, start=1):
            least = ROWS * number // (len(VICTIMS) + 3)
            wait_until(
                lambda least=least: _one(cloud, "SELECT rows_read FROM imports_import")[0] >= least,
                seconds=120,
                what=f"the import goes on to the death of {victim} ({number})",
            )
            time.sleep(chance.uniform(0, 0.3))  # anywhere in a batch
            node = victim == "node"
            os.kill(cloud.node_process_id(cluster["id"]) if node else cloud.process_id(victim), signal.SIGKILL)
        wait_until(
            lambda: _one(cloud, "SELECT state FROM imports_import")[0] not in ("pending", "running"),
            seconds=240,
            what="the import ends",
        )
        state, error, points, bad, tokens = _one(
            cloud, "SELECT state, error, points, bad_rows, tokens FROM imports_import"
        )
        assert (state, error, points, bad) == ("succeeded", "", ROWS - len(BAD), len(BAD))
        assert _one(cloud, "SELECT array_agg(number ORDER BY number) FROM imports_badrow")[0] == sorted(
            number + 1 for number in BAD
        )
        with httpx.Client(base_url=cluster["rest"], headers={"api-key": cluster["api_key"]}, timeout=60) as http:
            counted = http.post("/collections/storm/points/count", json={"exact": True}).json()["result"]["count"]
        assert counted == ROWS - len(BAD)
        billed, events = _one(cloud, "SELECT sum(tokens), count(*) FROM billing_usageevent WHERE model_id IS NOT NULL")
        assert billed == tokens
        assert _one(cloud, "SELECT fencing_token FROM imports_import")[0] > VICTIMS.count("task worker")
        assert events < ROWS
