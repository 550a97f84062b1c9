"""Reading clusters. Everything a page or an answer shows comes through here, with its rows loaded."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from cloudconsole.accounts.models import Account
from cloudconsole.errors import Code, ServiceError
from clusters.models import UNFINISHED, CloudProvider, Cluster, Operation, Package, Region


def clusters_of(account: Account) -> QuerySet[Cluster]:
    """The account's clusters, newest first, with region, provider and package."""
    return (
        Cluster.objects.filter(account=account)
        .select_related("region__provider", "package")
        .order_by("-created_at", "id")
    )


def cluster_of(account: Account, cluster_id: UUID) -> Cluster:
    """One cluster of the account. Raises ServiceError NOT_FOUND, also for clusters of other accounts."""
    try:
        return clusters_of(account).get(pk=cluster_id)
    except Cluster.DoesNotExist:
        raise ServiceError(
            Code.NOT_FOUND, f"There is no cluster {cluster_id} in account {account.pk}."
        ) from None


def current_operation(cluster: Cluster) -> Operation | None:
    """The operation at work, else the one that ended last; None if the cluster never had one."""
    unfinished = cluster.operations.filter(state__in=UNFINISHED).order_by("generation").first()
    return unfinished or cluster.operations.exclude(state=Operation.State.SUPERSEDED).order_by("-generation").first()


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
