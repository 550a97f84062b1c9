"""The official JavaScript clients, unchanged, through the gateway of a whole cloud: every method once.

Their versions are pinned in ``javascript/package-lock.json``.
"""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.running_cloud import RunningCloud

SUITE = Path(__file__).parent / "javascript"
pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suites with the clients installed beside them."""
    folder = tmp_path_factory.mktemp("javascript")
    for file in (*SUITE.glob("*.json"), *SUITE.glob("*.mjs")):
        shutil.copy(file, folder)
    install = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=180)
    return folder


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_every_method_is_served_or_refused_with_a_sentence(cloud: RunningCloud, suite: Path, transport: str) -> None:
    cluster = cloud.cluster("new-us")
    environment = {
        **os.environ,
        "URL": cluster["rest"],
        "HOST": str(urlsplit(cluster["rest"]).hostname),
        "PORT": cloud.environment["GATEWAY_GRPC_PORT"],
        "API_KEY": cluster["api_key"],
    }
    ended = subprocess.run(
        ["node", f"{transport}.mjs"], cwd=suite, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
