"""The documentation of the admin API, tried against a whole running cloud."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cloudconsole.paths import PROJECT_DIR
from tests.waiting import wait_until

DOCUMENT = PROJECT_DIR / "docs" / "api.md"


@pytest.fixture
def http(cloud):
    status = cloud.status
    base = f"{status['urls']['api']}/cluster/v1/accounts/{status['account_id']}/"
    headers = {"Authorization": f"apikey {status['demo']['management_key']}"}
    with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
        yield client


def shell_blocks(document: Path):
    return [block.split("```")[0] for block in document.read_text().split("```sh\n")[1:]]


@pytest.fixture
def legacy_us_stays_off(cloud, http):
    """The demo cluster that the examples switch on belongs to all tests: afterwards it is as it was."""
    yield
    off = {"cluster": {"configuration": {"databaseConfiguration": {"inference": {"enabled": False}}}}}
    mask = {"updateMask": "configuration.databaseConfiguration.inference.enabled"}
    http.put(f"clusters/{cloud.cluster('legacy-us')['id']}", json=off | mask).raise_for_status()

    def is_off():
        legacy_us = cloud.cluster("legacy-us")
        return legacy_us["phase"] == "HEALTHY" and not legacy_us["inference"]["applied"]

    wait_until(is_off, seconds=60, what="legacy-us is as it was")


@pytest.mark.skipif(not shutil.which("curl"), reason="the examples use curl")
@pytest.mark.usefixtures("legacy_us_stays_off")
def test_the_examples_in_the_documentation_work(cloud):
    """Pasted one after another into a shell that has read `manage.py status --format env`."""
    script = "\n".join(["set -eu", cloud.manage("status", "--format", "env").stdout, *shell_blocks(DOCUMENT)[1:]])
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "sentence-transformers/all-minilm-l6-v2" in ran.stdout
    assert '"enabled":true' in ran.stdout
    assert "Inference is available for paid clusters in US regions only." in ran.stdout


def test_the_grpc_example_in_the_documentation_works(cloud):
    [example] = [block.split("```")[0] for block in DOCUMENT.read_text().split("```python\n")[1:]]
    environment = dict(
        shlex.split(line)[0].split("=", 1) for line in cloud.manage("status", "--format", "env").stdout.splitlines()
    )
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "new-us" in ran.stdout
