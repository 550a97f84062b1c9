"""What becomes of free clusters that nobody uses: warnings, suspension, deletion (``rules/idle.py``)."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from cloudconsole.accounts.queries import emails_of_those_who_may
from cloudconsole.accounts.services import SYSTEM
from clusters.intents import audit
from clusters.models import Cluster, ClusterActivity, IdleNotice, Package
from clusters.queries import idleness_of, present_clusters
from clusters.rules.idle import FIRST_WARNING_AFTER, IdleStep
from clusters.rules.lifecycle import OperationKind, Phase, may_start
from clusters.services import delete_cluster, suspend_cluster

logger = logging.getLogger(__name__)


def enforce_idleness(*, now: datetime) -> None:
    """Do what is due for every free cluster. Repeating it, or doing it twice at once, does nothing more.

    Clusters that are used cost no query of their own.
    """
    free = present_clusters().filter(package__type=Package.Type.FREE).exclude(phase=Phase.DELETING)
    unknown = [ClusterActivity(cluster=cluster, last_used_at=now) for cluster in free.filter(activity=None)]
    ClusterActivity.objects.bulk_create(unknown, ignore_conflicts=True)
    unused = free.filter(activity__last_used_at__lte=now - FIRST_WARNING_AFTER)
    for cluster_id in unused.values_list("pk", flat=True):
        _enforce(cluster_id, now)


@transaction.atomic
def _enforce(cluster_id: UUID, now: datetime) -> None:
    # The row's lock makes a second sweep wait, and see what the first one did.
    clusters = Cluster.objects.select_for_update(of=("self",), no_key=True).select_related("region", "package")
    cluster = clusters.get(pk=cluster_id)
    if cluster.phase in {Phase.DELETING, Phase.DELETED}:
        return
    activity = cluster.activity
    step = idleness_of(cluster, activity).step(now)
    if step in {IdleStep.WARN_OF_SUSPENSION, IdleStep.WARN_OF_DELETION}:
        _warn(cluster, activity, step, now)
    elif step == IdleStep.SUSPEND and may_start(OperationKind.SUSPEND, Phase(cluster.phase)):
        suspend_cluster(cluster=cluster, requested_by=SYSTEM)
    elif step == IdleStep.DELETE:
        delete_cluster(cluster=cluster, requested_by=SYSTEM)


def _warn(cluster: Cluster, activity: ClusterActivity, step: IdleStep, now: datetime) -> None:
    """The console shows the warning from now on, the audit log keeps it, and those who can do something are told."""
    field = "warned_of_deletion_at" if step == IdleStep.WARN_OF_DELETION else "warned_of_suspension_at"
    setattr(activity, field, now)
    activity.save(update_fields=[field])
    audit(cluster, SYSTEM, step, None)
    receivers = emails_of_those_who_may(cluster.account, "write:clusters")
    IdleNotice.objects.bulk_create(IdleNotice(cluster=cluster, receiver=address) for address in receivers)
    logger.info("cluster %s: %s", cluster.pk, idleness_of(cluster, activity).warning)
