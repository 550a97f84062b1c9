"""The world that faults happen in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudconsole.accounts.models import PaymentMethod
from tests.faults.world import World, dying_workers, light_agent


@pytest.fixture(scope="module")
def light_folder(embedded_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a light agent that runs."""
    folder = tmp_path_factory.mktemp("light")
    agent = light_agent(folder)
    yield folder
    agent.terminate()
    agent.wait(timeout=30)


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[object]:
    process = dying_workers()
    yield process
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture
def world(
    light_folder: Path, workers: object, transactional_db: None, payment_method: PaymentMethod
) -> Iterator[World]:
    """An account that can pay, engines and workers."""
    world = World(light_folder, workers)
    world.unready(False)
    yield world
    world.forget_engines()
