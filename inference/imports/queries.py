"""Reading imports."""

from uuid import UUID

from django.db.models import QuerySet

from cloudconsole.errors import Code, ServiceError
from clusters.models import Cluster
from inference.imports.models import Import

MOST_LISTED = 25


def imports_of(cluster: Cluster) -> QuerySet[Import]:
    """The cluster's imports, latest first, without what only a draft's page needs."""
    return Import.objects.filter(cluster=cluster).defer("preview", "sample").order_by("-created_at")


def import_of(cluster: Cluster, import_id: UUID) -> Import:
    """Raises ServiceError NOT_FOUND."""
    found = Import.objects.filter(cluster=cluster, pk=import_id).first()
    if found is None:
        raise ServiceError(Code.NOT_FOUND, f"Cluster {cluster.name} has no import {import_id}.")
    return found
