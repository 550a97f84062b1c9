"""A whole cloud under a hundred toggles from many clients, with everything dying around them and a deletion amid it.

Two sweeps, two beats and two workers run at once. ``CLOUDCONSOLE_FAULT_SEED`` and ``CLOUDCONSOLE_FAULT_ROUNDS``
repeat a run or lengthen it.
"""

import os
import random
import re
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import httpx
import psycopg
import pytest
import redis

from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import PROJECT_DIR
from tests.faults.world import ROUNDS, SEED
from tests.running_cloud import RunningCloud, start_cloud
from tests.waiting import wait_until

TOGGLES = 100
CLIENTS = 5
RECOVERY_SECONDS = 120
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "cloudconsole.celery"]
MASK = "configuration.databaseConfiguration.inference.enabled"


@dataclass
class Toggler(threading.Thread):
    """Switches inference on and off by the API; keeps what was accepted, with the time that the API put on it."""

    number: int
    base: str
    headers: dict[str, str]
    clusters: list[str]
    accepted: list[tuple[str, str, bool]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: int = TOGGLES // CLIENTS

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._chance = random.Random(SEED + self.number)

    def run(self) -> None:
        with httpx.Client(base_url=self.base, headers=self.headers, timeout=30) as client:
            while self.left:
                if self._toggle(client, self._chance.choice(self.clusters), self._chance.random() < 0.5):
                    self.left -= 1
                else:
                    threading.Event().wait(0.2)

    def _toggle(self, client: httpx.Client, cluster: str, enabled: bool) -> bool:
        """Whether the cloud had an answer: yes, or no because the cluster is gone or busy."""
        wanted = {"configuration": {"databaseConfiguration": {"inference": {"enabled": enabled}}}}
        try:
            answer = client.put(f"clusters/{cluster}", json={"cluster": wanted, "updateMask": MASK})
        except httpx.HTTPError as error:
            self.refused.append(type(error).__name__)
            return False
        if answer.is_success:
            modified = answer.json()["cluster"]["configuration"]["lastModifiedAt"]
            self.accepted.append((cluster, modified, enabled))
        else:
            self.refused.append(f"{answer.status_code}: {answer.text}")
        return answer.status_code < 500


@pytest.fixture(scope="module")
def stormy(tmp_path_factory):
    with start_cloud(tmp_path_factory.mktemp("toggles")) as cloud, ExitStack() as more:
        for command in (["worker", "--pool", "threads", "--concurrency", "2"], ["beat", "--pidfile="]):
            if command[0] == "beat":
                command += ["--schedule", str(cloud.paths.run / "second-beat")]
            process = subprocess.Popen(
                [*CELERY, *command, "--loglevel", "WARNING"],
                cwd=PROJECT_DIR,
                env=cloud.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
            )
            more.callback(process.wait, 30)
            more.callback(process.terminate)
        yield cloud


def flush_redis(cloud: RunningCloud) -> None:
    with suppress(redis.RedisError):
        redis.Redis(unix_socket_path=str(cloud.paths.run / "redis.sock"), socket_timeout=5).flushall()


def end_every_session(cloud: RunningCloud) -> None:
    with suppress(psycopg.Error), cloud.database() as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def kill(cloud: RunningCloud, name: str) -> None:
    with suppress(ProcessLookupError, KeyError):
        os.kill(cloud.process_id(name), signal.SIGKILL)


FAULTS = {
    "flush redis": flush_redis,
    "end every session": end_every_session,
    **{f"kill {name}": lambda cloud, name=name: kill(cloud, name) for name in ("redis", "task worker", "postgres")},
    "kill beat": lambda cloud: kill(cloud, "beat"),
    "kill console": lambda cloud: kill(cloud, "console"),
}


@pytest.mark.timeout(900)
def test_a_hundred_toggles_and_a_deletion_while_everything_dies(stormy):
    chance, status = random.Random(SEED), stormy.status
    base = f"{status['urls']['api']}/cluster/v1/accounts/{status['account_id']}/"
    headers = {"Authorization": f"apikey {status['demo']['management_key']}"}
    ids = {cluster["name"]: cluster["id"] for cluster in status["clusters"]}
    togglers = [Toggler(n, base, headers, [ids["new-us"], ids["legacy-us"]]) for n in range(CLIENTS)]
    for toggler in togglers:
        toggler.start()
    faults = [fault for _ in range(ROUNDS) for fault in chance.sample(sorted(FAULTS), len(FAULTS))]
    for number, fault in enumerate(faults):
        threading.Event().wait(chance.uniform(0.2, 1.5))  # the random moment
        if number == len(faults) // 2:
            accepted_in_the_end(
                lambda: httpx.delete(base + f"clusters/{ids['legacy-us']}", headers=headers, timeout=30)
            )
        FAULTS[fault](stormy)
    for toggler in togglers:
        toggler.join(timeout=2 * RECOVERY_SECONDS)
    wait_until(lambda: quiet(stormy), seconds=RECOVERY_SECONDS, what="every operation ends")
    accepted = [one for toggler in togglers for one in toggler.accepted]
    assert [toggler.left for toggler in togglers] == [0] * CLIENTS, togglers[0].refused
    assert len(accepted) >= TOGGLES / 4
    the_last_accepted_intent_runs(stormy, ids["new-us"], accepted)
    nothing_is_left_of(stormy, ids["legacy-us"])
    assert httpx.get(base + f"clusters/{ids['legacy-us']}", headers=headers, timeout=30).status_code == 404
    engines_are_what_the_rows_say(stormy)
    every_generation_started_once(stormy)
    verdict = stormy.manage("verify_audit")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def accepted_in_the_end(ask) -> None:
    """A refused or lost request is sent again: deleting twice is no error."""

    def look() -> bool:
        try:
            return ask().status_code in (200, 404)
        except httpx.HTTPError:
            return False

    wait_until(look, seconds=RECOVERY_SECONDS, what="the deletion is accepted")


def rows(cloud: RunningCloud, query: str) -> list[tuple]:
    with cloud.database() as database:
        return database.execute(query).fetchall()


def quiet(cloud: RunningCloud) -> bool:
    with suppress(psycopg.Error):
        return not rows(cloud, "SELECT 1 FROM clusters_operation WHERE state IN ('pending', 'running')")
    return False


def the_last_accepted_intent_runs(cloud, cluster_id, accepted):
    [(phase, wanted, applied, generation, observed, modified)] = rows(
        cloud,
        "SELECT phase, inference_enabled, (applied_configuration->>'inference_enabled')::boolean, generation, "
        f"observed_generation, to_char(modified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') "
        f"FROM clusters_cluster WHERE id = '{cluster_id}'",
    )
    assert (phase, wanted, generation) == ("HEALTHY", applied, observed)
    latest = max((one for one in accepted if one[0] == cluster_id), key=lambda one: one[1])
    assert latest[1].rstrip("Z") <= modified
    if latest[1].rstrip("Z") == modified:  # else a later one was accepted whose answer got lost
        assert latest[2] == wanted


def nothing_is_left_of(cloud, cluster_id):
    assert rows(cloud, f"SELECT phase, serving FROM clusters_cluster WHERE id = '{cluster_id}'") == [
        ("NOT_FOUND", False)
    ]
    assert rows(
        cloud, f"SELECT count(*) FROM clusters_databaseapikey WHERE revoked_at IS NULL AND cluster_id = '{cluster_id}'"
    ) == [(0,)]
    assert not (cloud.paths.data / "clusters" / cluster_id).exists()


def engines_are_what_the_rows_say(cloud):
    transport = httpx.HTTPTransport(uds=str(cloud.paths.run / "agent.sock"))
    with httpx.Client(transport=transport, base_url="http://agent") as agent:
        nodes = agent.get("/nodes").json()["nodes"]
    running = {node["cluster_id"] for node in nodes if node["state"] == "running"}
    assert running == {str(id) for (id,) in rows(cloud, "SELECT id FROM clusters_cluster WHERE phase = 'HEALTHY'")}
    billed = rows(cloud, "SELECT cluster_id FROM clusters_computeperiod WHERE ended_at IS NULL")
    assert sorted(str(id) for (id,) in billed) == sorted(running)
    overlapping = rows(
        cloud,
        "SELECT 1 FROM clusters_computeperiod a JOIN clusters_computeperiod b ON a.cluster_id = b.cluster_id "
        "AND a.id < b.id WHERE tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)",
    )
    assert not overlapping


def every_generation_started_once(cloud):
    started = re.findall(r"node (\S+) started, generation (\d+)", cloud.log.read_text(errors="replace"))
    assert started
    assert len(started) == len(set(started)), "a generation that was started twice"
