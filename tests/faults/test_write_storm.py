"""kill -9 of node or gateway in any phase of a write storm over ten collections.

``CLOUDCONSOLE_FAULT_SEED`` and ``CLOUDCONSOLE_FAULT_ROUNDS`` repeat a run or lengthen it; with more than one round
the storm goes through a whole cloud too, whose gateway and node are killed in turn.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.clusters.node.running import RunningNode
from tests.faults.storm import Door, Storm, create_collections, everything_is_as_acknowledged
from tests.running_cloud import start_cloud
from tests.waiting import wait_until

SEED = int(os.environ.get("CLOUDCONSOLE_FAULT_SEED", "20261122"))
ROUNDS = int(os.environ.get("CLOUDCONSOLE_FAULT_ROUNDS", "1"))
KILLS = 3 * ROUNDS
RECOVERY_SECONDS = 60


def goes_on(storm: Storm, more: int) -> None:
    """Wait until so many more writes are acknowledged."""
    before = storm.answers
    wait_until(lambda: storm.answers > before + more or storm.mistakes, seconds=RECOVERY_SECONDS, what="writes go on")


@pytest.mark.timeout(240)
def test_a_node_killed_in_a_write_storm_comes_back_with_all_it_acknowledged(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    storm: Storm | None = None
    for _ in range(KILLS):
        node = RunningNode(tmp_path)
        door = Door(node.url, node.grpc_port)
        if storm is None:
            create_collections(door)
            storm = Storm(door, SEED)
        else:
            everything_is_as_acknowledged(storm, door)
        storm.start(door)
        goes_on(storm, 20)
        time.sleep(moments.uniform(0, 0.3))  # the random moment
        node.kill()
        storm.stop()
    with RunningNode(tmp_path).stopped_at_end() as node:
        assert storm is not None
        everything_is_as_acknowledged(storm, Door(node.url, node.grpc_port))


@pytest.mark.skipif(ROUNDS < 2, reason="the long form is `make test-faults`")
@pytest.mark.timeout(600)
def test_gateway_and_node_killed_in_turn_lose_nothing_of_a_storm(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    with start_cloud(tmp_path) as cloud:
        cluster = cloud.cluster("new-us")
        door = Door(cluster["rest"], int(cloud.environment["GATEWAY_GRPC_PORT"]), cluster["api_key"])
        create_collections(door)
        storm = Storm(door, SEED)
        storm.start()
        try:
            for number in range(KILLS):
                goes_on(storm, 20)
                time.sleep(moments.uniform(0, 0.5))  # the random moment
                of_gateway = number % 2 == 0
                os.kill(
                    cloud.process_id("gateway") if of_gateway else cloud.node_process_id(cluster["id"]), signal.SIGKILL
                )
            goes_on(storm, 20)
        finally:
            storm.stop()
        everything_is_as_acknowledged(storm, door)
