"""Reading clusters. Everything a page or an answer shows comes through here, with its rows loaded."""

from dataclasses import fields
from uuid import UUID

from django.db.models import Case, Prefetch, QuerySet, When

from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from clusters.models import (
    UNFINISHED,
    AccountQuota,
    CloudProvider,
    Cluster,
    ClusterActivity,
    DatabaseApiKey,
    Operation,
    Package,
    Region,
)
from clusters.rules.idle import Idleness
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
        cluster = clusters.get(pk=cluster_id)
    except Cluster.DoesNotExist:
        sentence = f"There is no cluster {cluster_id} in account {account.pk}."
        if gone := Cluster.objects.filter(account=account, pk=cluster_id).first():
            sentence = f"Cluster {gone.name} was deleted."
        raise ServiceError(Code.NOT_FOUND, sentence) from None
    cluster.account = account
    return cluster


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


def offered_package(package_id: UUID) -> Package:
    """``package_with`` where the package itself is what was asked for. Raises ServiceError NOT_FOUND."""
    package = Package.objects.filter(pk=package_id).first()
    if package is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no package {package_id}.")
    return package


def provider_with_regions(provider_id: str) -> CloudProvider:
    """A provider on offer as in ``providers_with_regions``. Raises ServiceError NOT_FOUND."""
    provider = providers_with_regions().filter(pk=provider_id).first()
    if provider is None:
        raise ServiceError(Code.NOT_FOUND, f"There is no provider {provider_id}.")
    return provider


def database_keys_of(account: Account) -> QuerySet[DatabaseApiKey]:
    """The account's database API keys that are not revoked, oldest first, with their clusters."""
    keys = DatabaseApiKey.objects.filter(cluster__in=present_clusters().filter(account=account), revoked_at=None)
    return keys.select_related("cluster").order_by("created_at", "id")


def current_operation(cluster: Cluster) -> Operation | None:
    """The operation at work, else the one that ended last; None if the cluster never had one."""
    first_unfinished = Case(When(state__in=UNFINISHED, then="generation"))  # NULL, which is last, for the others
    operations = cluster.operations.exclude(state=Operation.State.SUPERSEDED)
    return operations.order_by(first_unfinished, "-generation").first()


def quotas_of(account: Account) -> Quotas:
    """What the account may have."""
    allowed = AccountQuota.objects.filter(account=account).values(*(one.name for one in fields(Quotas))).first()
    return Quotas(**(allowed or {}))


def idleness_of(cluster: Cluster, activity: ClusterActivity) -> Idleness:
    """How long a free cluster has not been used, and what was said about it."""
    return Idleness(
        last_used_at=activity.last_used_at,
        warned_of_suspension_at=activity.warned_of_suspension_at,
        warned_of_deletion_at=activity.warned_of_deletion_at,
        suspended=cluster.phase in {Phase.SUSPENDED, Phase.SUSPENDING},
    )


def idle_warning(cluster: Cluster) -> str | None:
    """What the owner of an unused free cluster is told; None when nothing is about to happen to it."""
    activity = ClusterActivity.objects.filter(cluster=cluster).first()
    if activity is None or cluster.package.type != Package.Type.FREE:
        return None
    return idleness_of(cluster, activity).warning


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


def reason_to_pay(account: Account) -> str | None:
    """Why the account must be able to pay: the paid clusters it has. None without any."""
    paid = clusters_of(account).filter(package__type=Package.Type.PAID).values_list("name", flat=True)
    return f"there are paid clusters ({', '.join(paid[:3])})" if paid else None
