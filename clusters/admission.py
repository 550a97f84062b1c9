"""What an account may create, and what a cluster may become: offers, tiers, payment, quotas, sizes, versions."""

from datetime import datetime

from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from clusters import policies
from clusters.catalogue import releases_from
from clusters.models import Cluster, Package, Region
from clusters.provisioners.choice import provisioner_for, server_of
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.queries import present_clusters, quotas_of
from clusters.rules.lifecycle import Phase
from clusters.rules.sizes import DownscaleRisk, memory_risk, missing_disk_gib
from clusters.rules.tiers import refusal_of_free_shape, refusal_of_premium

MOST_ADDITIONAL_DISK_GIB = 16_384


def check_new_cluster(
    account: Account, *, region: Region, package: Package, nodes: int, additional_disk_gib: int
) -> None:
    """Raises ServiceError when the account may not have such a cluster. Counts under the account's lock."""
    _check_server(region)
    if not (region.available and package.active):
        raise ServiceError(Code.FAILED_PRECONDITION, "This region or package is not on offer; choose another one.")
    quotas = quotas_of(account)
    owned = present_clusters().filter(account=account).exclude(phase=Phase.DELETING)
    if owned.count() >= quotas.max_clusters:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            f"This account may have {quotas.max_clusters} clusters and has them. Delete one first.",
        )
    _check_shape(account, region, package, nodes, additional_disk_gib)
    free = owned.filter(package__type=Package.Type.FREE).count()
    if package.type == Package.Type.FREE and free >= quotas.max_free_tier_clusters:
        allowed = quotas.max_free_tier_clusters
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            "An account can have one free cluster, and this one has it already. Delete it, or choose a paid package."
            if allowed == 1
            else f"This account can have {allowed} free clusters, and has them. Delete one, or choose a paid package.",
            "package",
        )


def _check_server(region: Region) -> None:
    """Nothing separates clusters on a Qdrant server that is not shared: it carries one."""
    server = server_of(region)
    if server is None or server.shared:
        return
    used = [server_of(cluster.region) for cluster in present_clusters().select_related("region")]
    if any(one and one.url == server.url for one in used):
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            "This region's Qdrant server carries one cluster, and has it already. QDRANT_SHARED lets it carry more.",
            "region",
        )


def check_scaling(cluster: Cluster, *, package: Package, nodes: int, additional_disk_gib: int) -> None:
    """Raises ServiceError when the cluster cannot become this size."""
    present = cluster.package
    if package != present and not package.active:
        raise ServiceError(Code.FAILED_PRECONDITION, "This package is not on offer; choose another one.", "package")
    if present.type == Package.Type.PAID and package.type == Package.Type.FREE:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "A paid cluster cannot become a free one. Create a free cluster and move the data.",
            "package",
        )
    _check_shape(cluster.account, cluster.region, package, nodes, additional_disk_gib)
    missing = missing_disk_gib(
        present_gib=present.disk_gib + cluster.additional_disk_gib, wanted_gib=package.disk_gib + additional_disk_gib
    )
    if missing:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "A disk never shrinks. "
            f"Ask for {additional_disk_gib + missing} GiB of additional disk with package {package.name}.",
            "additional_disk_gib",
        )
    if package.ram_gib < present.ram_gib:
        for risk in downscale_risks(cluster, package):
            if risk.reason:
                raise ServiceError(Code.FAILED_PRECONDITION, risk.reason, "package")


def downscale_risks(cluster: Cluster, package: Package) -> list[DownscaleRisk]:
    """What could keep the cluster from working in this package, measured now. Needs ``region`` loaded."""
    try:
        used = provisioner_for(cluster).memory_bytes(cluster.pk)
    except ProvisionerUnavailable:
        used = None
    return [memory_risk(used_bytes=used, ram_gib=package.ram_gib)]


def check_upgrade(cluster: Cluster, version: str) -> None:
    """Raises ServiceError unless the release list leads from the cluster's version to this one."""
    if version not in [release.version for release in releases_from(cluster.version)]:
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"Cluster {cluster.name} runs Qdrant {cluster.version}; it cannot go back to {version}.",
            "version",
        )


def check_inference(package: Package, region: Region) -> None:
    """Raises ServiceError with the gate's sentence when inference cannot be on here."""
    refusal = policies.inference.refusal_to_enable(package=package, region=region)
    if refusal:
        raise ServiceError(Code.FAILED_PRECONDITION, refusal.sentence)


def initial_inference(package: Package, region: Region, wanted: bool | None, created_at: datetime) -> bool:
    """Whether a new cluster starts with inference; None leaves it to the gate. Raises ServiceError."""
    if wanted is None:
        return policies.inference.enabled_at_creation(package=package, region=region, created_at=created_at)
    if wanted:
        check_inference(package, region)
    return wanted


def _check_shape(account: Account, region: Region, package: Package, nodes: int, additional_disk_gib: int) -> None:
    most_nodes = quotas_of(account).max_cluster_nodes
    if additional_disk_gib > MOST_ADDITIONAL_DISK_GIB:
        raise ServiceError(
            Code.INVALID_ARGUMENT,
            f"A node has at most {MOST_ADDITIONAL_DISK_GIB} GiB of additional disk. Ask for less.",
        )
    if nodes > most_nodes:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED, f"A cluster of this account has at most {most_nodes} nodes. Ask for fewer."
        )
    if refusal := refusal_of_premium(package_tier=package.tier):
        raise ServiceError(Code.FAILED_PRECONDITION, refusal.sentence, "package")
    if package.type == Package.Type.FREE:
        shape_refusal = refusal_of_free_shape(
            region_name=region.name, free_tier=region.free_tier, nodes=nodes, additional_disk_gib=additional_disk_gib
        )
        if shape_refusal:
            code = Code.FAILED_PRECONDITION if shape_refusal.code == "free-region" else Code.INVALID_ARGUMENT
            raise ServiceError(code, shape_refusal.sentence, "region" if shape_refusal.code == "free-region" else None)
    elif not account.payment_methods.exists():
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            "A paid cluster needs a payment method. Add one to the account, or choose the free package.",
            "package",
        )
