"""Reading clusters. Everything a page or an answer shows comes through here, with its rows loaded."""

from dataclasses import fields
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from clusters.models import UNFINISHED, AccountQuota, CloudProvider, Cluster, Operation, Package, Region
from clusters.rules.lifecycle import Phase
from clusters.rules.quotas import Quotas


def present_clusters() -> QuerySet[Cluster]:
    """All clusters but those that are gone: their rows stay for the bills."""
    return Cluster.objects.exclude(phase=Phase.DELETED)


def clusters_of(account: Account) -> QuerySet[Cluster]:
    """The account's clusters, newest first, with region, provider and package."""
    return (
        present_clusters()
        .filter(account=account)
        .select_related("region__provider", "package")
        .order_by("-created_at", "id")
    )


def cluster_of(account: Account, cluster_id: UUID) -> Cluster:
    """One cluster of the account. Raises ServiceError NOT_FOUND, also for clusters of other accounts."""
    return _one(clusters_of(account), account, cluster_id)


def locked_cluster_of(account: Account, cluster_id: UUID) -> Cluster:
    """``cluster_of`` with its row locked until the transaction ends, for updates that build on what is there."""
    return _one(clusters_of(account).select_for_update(of=("self",), no_key=True), account, cluster_id)


def _one(clusters: QuerySet[Cluster], account: Account, cluster_id: UUID) -> Cluster:
    try:
        return clusters.get(pk=cluster_id)
    except Cluster.DoesNotExist:
        raise ServiceError(Code.NOT_FOUND, f"There is no cluster {cluster_id} in account {account.pk}.") from None


def region_of(provider_id: str, code: str) -> Region:
    """A region by the ids that the API uses. Raises ServiceError INVALID_ARGUMENT."""
    try:
        return Region.objects.select_related("provider").get(provider_id=provider_id, code=code)
    except Region.DoesNotExist:
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"There is no region {code} of the provider {provider_id}. Choose another one."
        ) from None


def package_with(package_id: UUID) -> Package:
    """A package, on offer or not. Raises ServiceError INVALID_ARGUMENT."""
    try:
        return Package.objects.get(pk=package_id)
    except Package.DoesNotExist:
        raise ServiceError(Code.INVALID_ARGUMENT, f"There is no package {package_id}. Choose another one.") from None


def current_operation(cluster: Cluster) -> Operation | None:
    """The operation at work, else the one that ended last; None if the cluster never had one."""
    unfinished = cluster.operations.filter(state__in=UNFINISHED).order_by("generation").first()
    return unfinished or cluster.operations.exclude(state=Operation.State.SUPERSEDED).order_by("-generation").first()


def quotas_of(account: Account) -> Quotas:
    """What the account may have."""
    allowed = AccountQuota.objects.filter(account=account).values(*(one.name for one in fields(Quotas))).first()
    return Quotas(**(allowed or {}))


def providers_with_regions() -> QuerySet[CloudProvider]:
    """Providers on offer with their regions on offer in ``offered_regions``."""
    return (
        CloudProvider.objects.filter(available=True)
        .prefetch_related(
            Prefetch(
                "regions",
                Region.objects.filter(available=True).order_by("geographical_sub_region", "code"),
                to_attr="offered_regions",
            )
        )
        .order_by("id")
    )


def packages_on_offer() -> QuerySet[Package]:
    """Packages on offer, cheapest first."""
    return Package.objects.filter(active=True).order_by("price_per_hour", "name")
