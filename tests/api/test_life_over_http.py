"""One cluster's life over HTTP, against a whole running cloud."""

import shutil
import subprocess
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


def package_id(cloud):
    new_us = cloud.cluster("new-us")
    with cloud.database() as database:
        row = database.execute("SELECT package_id FROM clusters_cluster WHERE id = %s", [new_us["id"]]).fetchone()
    return str(row[0])


def test_a_cluster_is_created_switched_restarted_and_used(cloud, http):
    configuration = {"numberOfNodes": 1, "packageId": package_id(cloud)}
    wanted = {
        "name": "lived",
        "cloudProviderId": "aws",
        "cloudProviderRegionId": "us-west-2",
        "labels": [{"key": "team", "value": "search"}],
        "configuration": configuration | {"databaseConfiguration": {"inference": {"enabled": False}}},
    }
    created = http.post("clusters", json={"cluster": wanted}).raise_for_status().json()["cluster"]
    path = f"clusters/{created['id']}"

    def when(condition, what):
        """The cluster once it is healthy and so."""

        def look():
            cluster = http.get(path).raise_for_status().json()["cluster"]
            healthy = cluster["state"]["phase"] == "CLUSTER_PHASE_HEALTHY" and cluster["state"]["nodesUp"] == 1
            return healthy and condition(cluster) and cluster

        return wait_until(look, seconds=60, what=what)

    new = when(lambda cluster: True, "the new cluster is healthy")
    assert new["labels"] == wanted["labels"]
    assert new["configuration"]["databaseConfiguration"] == {"inference": {"enabled": False}}

    def restarted_after(before):
        return lambda cluster: cluster["state"].get("restartedAt", "") > before["state"].get("restartedAt", "")

    body = {
        "cluster": {"configuration": {"databaseConfiguration": {"inference": {"enabled": True}}}},
        "updateMask": "configuration.databaseConfiguration.inference.enabled",
    }
    http.put(path, json=body).raise_for_status()
    switched = when(restarted_after(new), "inference is on after a restart")
    assert switched["configuration"]["databaseConfiguration"] == {"inference": {"enabled": True}}

    assert http.put(path, json=body).raise_for_status().json()["cluster"] == switched

    assert http.post(f"{path}/restart").raise_for_status().json() == {}
    when(restarted_after(switched), "the cluster restarted")
    assert created["id"] in [item["id"] for item in http.get("clusters").json()["items"]]


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
