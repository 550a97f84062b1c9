"""Writing down that a free cluster is used, so that it is neither suspended nor deleted for idleness.

No request pays for it: a key in use is looked up every second or so, and every tenth minute one of these look-ups
brings the cluster's row up to date.
"""

import logging
import time
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models.functions import Greatest, Now

from clusters.models import Cluster, ClusterActivity, Package

EVERY_SECONDS = 600.0
_written: dict[UUID, float] = {}  # monotonic time, by cluster; a lost race writes once more
logger = logging.getLogger(__name__)


def note_use(cluster: Cluster) -> None:
    """The cluster is being used now. Needs ``package`` loaded. Never raises: a failure is told in the log."""
    if cluster.package.type != Package.Type.FREE or not cluster.serving:
        return
    if time.monotonic() - _written.get(cluster.pk, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _written[cluster.pk] = time.monotonic()
    try:
        ClusterActivity.objects.filter(cluster=cluster).update(last_used_at=Greatest("last_used_at", Now()))
    except DatabaseError as error:
        logger.warning("use of cluster %s not written down: %s", cluster.pk, error)
