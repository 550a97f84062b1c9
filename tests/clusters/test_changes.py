"""What a cluster may become, what that takes, and what tiers and quotas allow."""

import pytest

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import SYSTEM
from cloudconsole.errors import Code, ServiceError
from clusters.admission import downscale_risks
from clusters.catalogue import DEFAULT_VERSION, releases_from, resolve_version
from clusters.database_keys import create_database_api_key
from clusters.models import AccountQuota, Cluster, Operation, Package, Region
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.rules.lifecycle import Phase
from clusters.rules.sizes import GIB, RiskStatus
from clusters.services import (
    ClusterSpecification,
    create_cluster,
    delete_cluster,
    retry_operation,
    suspend_cluster,
    unsuspend_cluster,
    update_cluster,
)

pytestmark = pytest.mark.django_db


def package(name: str) -> Package:
    return Package.objects.get(name=name)


@pytest.fixture
def memory(monkeypatch):
    """What the nodes use, as their agent would tell it."""

    def use(amount: int | Exception | None):
        def told(_self, _cluster_id):
            if isinstance(amount, Exception):
                raise amount
            return amount

        monkeypatch.setattr("clusters.provisioners.node_agent.NodeAgentProvisioner.memory_bytes", told)

    return use


def change(cluster: Cluster, **changes) -> Operation | None:
    update_cluster(cluster=cluster, changes=changes, requested_by=SYSTEM)
    return cluster.operations.order_by("generation").last()


@pytest.mark.parametrize(
    ("changes", "kind", "phase"),
    [
        ({"number_of_nodes": 3}, "scale-out", Phase.SCALING),
        ({"additional_disk_gib": 10}, "scale-out", Phase.SCALING),
        ({"version": DEFAULT_VERSION}, "upgrade", Phase.UPGRADING),
        ({"inference_enabled": True}, "restart", Phase.UPDATING),
        ({"extra_configuration": {"databaseConfiguration": {"collection": {"replicationFactor": 2}}}}, "restart", None),
        ({"extra_configuration": {"databaseConfiguration": {"service": {}}}}, None, None),
        ({"extra_configuration": {"allowedIpSourceRanges": ["10.0.0.0/8"]}}, None, None),
        ({"extra_configuration": {"restartPolicy": "CLUSTER_CONFIGURATION_RESTART_POLICY_ROLLING"}}, None, None),
        ({"labels": [{"key": "team", "value": "search"}]}, None, None),
    ],
)
def test_only_what_nodes_read_when_they_start_restarts_them(make_cluster, payment_method, changes, kind, phase):
    cluster = make_cluster(version="v1.18.0")
    operation = change(cluster, **changes)
    assert (operation.kind if operation else None) == kind
    if phase:
        cluster.refresh_from_db()
        assert cluster.phase == phase


def test_several_changes_are_one_operation(make_cluster, payment_method):
    cluster = make_cluster(version="v1.17.0")
    operation = change(cluster, package=package("mx3"), number_of_nodes=2, version="v1.18.0", inference_enabled=True)
    assert cluster.operations.count() == 1
    assert operation.kind == "scale"
    assert operation.summary == "Scale to mx3, scale to 2 nodes, upgrade to v1.18.0, switch inference on"


@pytest.mark.parametrize(
    ("used", "status", "word"),
    [
        (1 * GIB, RiskStatus.NO_RISK, None),
        (3 * GIB, RiskStatus.USAGE_EXCEEDS_TARGET, "3.0 GiB of memory per node"),
        (None, RiskStatus.USAGE_UNKNOWN, "not known right now"),
        (ProvisionerUnavailable("away"), RiskStatus.USAGE_UNKNOWN, "not known right now"),
    ],
)
def test_memory_must_hold_what_is_in_it(make_cluster, payment_method, memory, used, status, word):
    cluster = make_cluster(package=package("mx2"))
    memory(used)
    [risk] = downscale_risks(cluster, package("mx1"))
    assert (risk.resource, risk.status) == ("MEMORY", status)
    smaller = {"package": package("mx1"), "additional_disk_gib": 8}
    if word is None:
        assert change(cluster, **smaller).kind == "scale"
        return
    with pytest.raises(ServiceError, match=word):
        change(cluster, **smaller)
    assert not Operation.objects.exists()


def test_a_disk_never_shrinks(make_cluster, payment_method, memory):
    memory(0)
    cluster = make_cluster(package=package("mx2"), additional_disk_gib=10)
    with pytest.raises(ServiceError, match="Ask for 10 GiB of additional disk with package mx2"):
        change(cluster, additional_disk_gib=4)
    with pytest.raises(ServiceError, match="Ask for 18 GiB of additional disk with package mx1"):
        change(cluster, package=package("mx1"))
    assert change(cluster, package=package("mx1"), additional_disk_gib=18)


def test_a_free_cluster_becomes_a_paid_one_and_no_paid_one_free(make_cluster, account, memory):
    memory(0)
    cluster = make_cluster(paid=False)
    with pytest.raises(ServiceError, match="needs a payment method"):
        change(cluster, package=package("mx1"))
    account.payment_methods.create(name="Card")
    assert change(cluster, package=package("mx1")).kind == "scale"
    with pytest.raises(ServiceError, match="cannot become a free one"):
        change(make_cluster("paid"), package=package("free2"))


def test_a_free_cluster_has_one_size(make_cluster):
    for wish in ({"number_of_nodes": 2}, {"additional_disk_gib": 1}):
        with pytest.raises(ServiceError, match="exactly one node"):
            change(make_cluster(f"free-{len(Cluster.objects.all())}", paid=False), **wish)


def test_premium_is_refused_with_its_reason(make_cluster, account, payment_method):
    with pytest.raises(ServiceError, match="need a premium contract"):
        change(make_cluster(), package=package("px6"))
    wish = ClusterSpecification(name="big", region=Region.objects.get(code="us-east-1"), package=package("px6"))
    with pytest.raises(ServiceError, match="need a premium contract"):
        create_cluster(account=account, specification=wish, requested_by=SYSTEM)


def test_versions_go_forward_along_the_release_list(make_cluster):
    assert [release.version for release in releases_from("v1.17.0")] == ["v1.18.0", "v1.19.0"]
    assert resolve_version("latest") == DEFAULT_VERSION
    with pytest.raises(ServiceError, match=r"v1\.15\.0 is not on offer"):
        resolve_version("v1.15.0")
    with pytest.raises(ServiceError, match="cannot go back to"):
        change(make_cluster(), version="v1.18.0")


def test_quotas_are_the_accounts_own(account, payment_method, make_cluster):
    quota = AccountQuota.objects.create(
        account=account,
        max_clusters=2,
        max_cluster_nodes=2,
        max_cluster_database_api_keys=1,
        max_free_tier_clusters=1,
    )
    cluster = make_cluster("one")
    with pytest.raises(ServiceError, match="at most 2 nodes") as refused:
        change(cluster, number_of_nodes=3)
    assert refused.value.code == Code.RESOURCE_EXHAUSTED
    create_database_api_key(cluster=cluster, name="first", requested_by=SYSTEM)
    with pytest.raises(ServiceError, match="may have 1 keys"):
        create_database_api_key(cluster=cluster, name="second", requested_by=SYSTEM)
    make_cluster("two")
    wish = ClusterSpecification(name="three", region=cluster.region, package=package("mx1"))
    with pytest.raises(ServiceError, match="may have 2 clusters"):
        create_cluster(account=account, specification=wish, requested_by=SYSTEM)
    delete_cluster(cluster=cluster, requested_by=SYSTEM)
    create_cluster(account=account, specification=wish, requested_by=SYSTEM)
    quota.delete()
    other = Account.objects.create(name="Another one")
    other.payment_methods.create(name="Card")
    create_cluster(account=other, specification=wish, requested_by=SYSTEM)


def test_a_suspended_cluster_is_resumed_before_it_changes(make_cluster):
    cluster = make_cluster(phase=Phase.SUSPENDED, serving=False)
    with pytest.raises(ServiceError, match="Resume it and try again"):
        change(cluster, inference_enabled=True)
    assert change(cluster, name="renamed") is None
    assert unsuspend_cluster(cluster=cluster, requested_by=SYSTEM).phase == Phase.RESUMING


def test_what_waits_is_dropped_when_the_cluster_is_deleted(make_cluster):
    cluster = make_cluster()
    change(cluster, inference_enabled=True)
    deleted = delete_cluster(cluster=cluster, requested_by=SYSTEM)
    again = delete_cluster(cluster=cluster, requested_by=SYSTEM)
    assert (deleted.generation, again.generation) == (3, 3)
    states = list(cluster.operations.order_by("generation").values_list("kind", "state"))
    assert states == [("restart", "superseded"), ("delete", "pending")]
    with pytest.raises(ServiceError, match="is being deleted"):
        suspend_cluster(cluster=cluster, requested_by=SYSTEM)
    with pytest.raises(ServiceError, match="is being deleted"):
        change(cluster, name="renamed")


def test_a_cluster_that_is_gone_is_not_found(make_cluster):
    cluster = make_cluster(phase=Phase.DELETED, serving=False)
    for verb in (suspend_cluster, delete_cluster, retry_operation):
        with pytest.raises(ServiceError) as refused:
            verb(cluster=cluster, requested_by=SYSTEM)
        assert refused.value.code == Code.NOT_FOUND


def test_only_what_failed_is_tried_again(make_cluster):
    with pytest.raises(ServiceError, match="Nothing that was last asked"):
        retry_operation(cluster=make_cluster(), requested_by=SYSTEM)
