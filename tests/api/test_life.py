"""A cluster's whole life in a running cloud, over gRPC and over REST at the same time: both tell the same story."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.api.doors import Door, GrpcDoor, Json, Refused, RestDoor
from tests.api.grpc_client import GrpcClient
from tests.running_cloud import RunningCloud
from tests.waiting import wait_until

NAME = "a-whole-life"
STEP_SECONDS = 120


class Life:
    """One cluster and what its client was told, step by step."""

    def __init__(self, door: Door, cloud: RunningCloud, account_id: str) -> None:
        self.door = door
        self.data_plane = cloud.status["urls"]["rest"]
        self.account = {"accountId": account_id}
        self.cluster: Json = {}
        self.story: list[tuple[str, Any]] = []
        self.hidden: dict[str, str] = {}
        self.data = httpx.Client()

    @property
    def own(self) -> Json:
        return self.account | {"clusterId": self.cluster["id"]}

    def ask(self, short_name: str, request: Json | None = None) -> Json:
        answer = self.door.call(short_name, self.account | (request or {}))
        self.story.append((short_name, answer))
        return answer

    def see(self, what: str, condition: Any = lambda cluster: True, phase: str = "HEALTHY") -> None:
        """Wait until the cluster is in a phase and so."""

        def look() -> Any:
            cluster = self.door.call("ClusterService.GetCluster", self.own)["cluster"]
            return cluster["state"]["phase"] == f"CLUSTER_PHASE_{phase}" and condition(cluster) and cluster

        self.cluster = wait_until(look, seconds=STEP_SECONDS, what=what)
        self.story.append((what, self.cluster))

    def update(self, mask: str, change: Json) -> Json:
        cluster = change | {"id": self.cluster["id"]} | self.account
        answer = self.door.call("ClusterService.UpdateCluster", {"cluster": cluster, "updateMask": mask})
        return answer["cluster"]

    def told(self) -> str:
        """The story without what differs from one cluster to the next."""
        text = json.dumps(self.story, indent=1, sort_keys=True)
        for secret, name in self.hidden.items():
            text = text.replace(secret, name)
        return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>", text)


def run(life: Life) -> None:
    create(life)
    use_the_data(life)
    change(life)
    suspend_and_resume(life)
    end(life)


def create(life: Life) -> None:
    where = {"cloudProviderId": "aws", "cloudProviderRegionId": "us-west-2"}
    packages = life.ask("BookingService.ListPackages", where)["items"]
    package = next(one["id"] for one in packages if one["type"] == "paid")
    configuration = {
        "numberOfNodes": 1,
        "packageId": package,
        "databaseConfiguration": {"service": {}, "inference": {}},
        "allowedIpSourceRanges": [],
    }
    wish = where | life.account | {"name": NAME, "configuration": configuration}
    wish["labels"] = [{"key": "team", "value": "search"}, {"key": "stage", "value": ""}]
    life.cluster = life.door.call("ClusterService.CreateCluster", {"cluster": wish})["cluster"]
    life.hidden[life.cluster["id"]] = "<cluster>"
    life.see("the new cluster is healthy")
    assert life.cluster["labels"] == wish["labels"]
    assert life.cluster["configuration"]["databaseConfiguration"] == {"service": {}, "inference": {"enabled": False}}


def use_the_data(life: Life) -> None:
    key = {"name": "life", "clusterId": life.cluster["id"]} | life.account
    created = life.door.call("DatabaseApiKeyService.CreateDatabaseApiKey", {"databaseApiKey": key})["databaseApiKey"]
    life.hidden |= {created["id"]: "<key>", created["key"]: "<secret>", created["postfix"]: "<postfix>"}
    assert created["accessRules"] == []
    life.ask("DatabaseApiKeyService.ListDatabaseApiKeys", {"clusterId": life.cluster["id"]})
    life.data = httpx.Client(base_url=life.data_plane, headers={"api-key": created["key"]}, timeout=60)
    life.data.put("/collections/life", json={"vectors": {"size": 2, "distance": "Dot"}}).raise_for_status()
    points = [{"id": number, "vector": [number, 1.0]} for number in range(3)]
    life.data.put("/collections/life/points?wait=true", json={"points": points}).raise_for_status()
    assert nearest(life) == 2


def nearest(life: Life) -> Any:
    answer = life.data.post("/collections/life/points/query", json={"query": [1.0, 0.0], "limit": 1})
    return answer.json()["result"]["points"][0]["id"] if answer.status_code == 200 else answer.status_code


def change(life: Life) -> None:
    before = life.cluster
    inference = {"databaseConfiguration": {"inference": {"enabled": True}}}
    mask = "configuration.databaseConfiguration.inference.enabled"
    life.update(mask, {"configuration": inference})
    life.see("inference is on after a restart", restarted_after(before))
    assert life.update(mask, {"configuration": inference}) == life.cluster
    whole = life.door.call("ClusterService.UpdateCluster", {"cluster": life.cluster})
    assert whole["cluster"] == life.cluster
    life.ask("MonitoringService.GetClusterInferenceMetrics", {"clusterId": life.cluster["id"]})
    larger = sorted(
        life.door.call("BookingService.ListPackages", life.account | region_of(life))["items"],
        key=lambda one: one["unitIntPricePerHour"],
    )[2]
    risk = life.ask("ClusterService.GetClusterDownscaleRisk", life.own | {"packageId": larger["id"]})
    assert risk["downscaleRisks"][0]["status"] == "CLUSTER_DOWNSCALE_RISK_STATUS_NO_RISK"
    size = {"packageId": larger["id"], "additionalResources": {"disk": 4}}
    life.update("configuration.packageId,configuration.additionalResources", {"configuration": size})
    life.see("it has grown", lambda cluster: cluster["state"]["resources"]["disk"]["additional"] == 4)
    assert nearest(life) == 2


def region_of(life: Life) -> Json:
    return {name: life.cluster[name] for name in ("cloudProviderId", "cloudProviderRegionId")}


def restarted_after(before: Json) -> Any:
    return lambda cluster: cluster["state"].get("restartedAt", "") > before["state"].get("restartedAt", "")


def suspend_and_resume(life: Life) -> None:
    assert life.ask("ClusterService.SuspendCluster", life.own) == {}
    life.see("it is suspended", phase="SUSPENDED")
    wait_until(lambda: nearest(life) == 503, seconds=STEP_SECONDS, what="its endpoint is closed")
    assert life.ask("ClusterService.UnsuspendCluster", life.own) == {}
    life.see("it is back")
    wait_until(lambda: nearest(life) == 2, seconds=STEP_SECONDS, what="its data is there")
    before = life.cluster
    assert life.ask("ClusterService.RestartCluster", life.own) == {}
    life.see("it has restarted", restarted_after(before))


def end(life: Life) -> None:
    assert life.ask("ClusterService.DeleteCluster", life.own) == {}

    def gone() -> bool:
        try:
            life.door.call("ClusterService.GetCluster", life.own)
        except Refused as refusal:
            life.story.append(("it is gone", [refusal.code, refusal.sentence]))
            return refusal.code == "NOT_FOUND"
        return False

    wait_until(gone, seconds=STEP_SECONDS, what="the cluster is gone")


def test_the_same_life_over_grpc_and_rest(cloud):
    status = cloud.status
    secret, account_id = status["demo"]["management_key"], status["account_id"]
    authority = Path(cloud.paths.data / "tls" / "ca.crt").read_bytes()
    with GrpcClient(status["urls"]["api_grpc"], authority, secret) as client:
        doors = [GrpcDoor(client), RestDoor(status["urls"]["console"], secret)]
        lives = [Life(door, cloud, account_id) for door in doors]
        with ThreadPoolExecutor(len(lives)) as pool:
            list(pool.map(run, lives))
    over_grpc, over_rest = (life.told() for life in lives)
    assert over_grpc == over_rest


def test_a_stranger_to_the_authority_gets_no_answer(cloud):
    """gRPC's own word for a failed handshake is UNAVAILABLE."""
    status = cloud.status
    credentials = grpc.ssl_channel_credentials()  # the machine's own authorities
    with grpc.secure_channel(status["urls"]["api_grpc"], credentials) as channel:
        call = channel.unary_unary("/qdrant.cloud.platform.v1.PlatformService/ListGlobalCloudProviders")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=30)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
