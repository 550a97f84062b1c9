"""E-mails that warn of what becomes of unused free clusters (``idleness``); the Manage page says the same."""

import logging
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse

from clusters.models import IdleNotice
from clusters.queries import idle_warning
from clusters.rules.lifecycle import Phase

logger = logging.getLogger(__name__)


def send_idle_notices(*, now: datetime) -> None:
    """Send what waits. What the mail server does not take now is tried again the next time.

    A receiver may be told twice, when a worker dies just then, but not never. Two at once send nothing twice.
    """
    for notice_id in IdleNotice.objects.filter(sent_at=None).order_by("created_at").values_list("pk", flat=True):
        try:
            _send(notice_id, now)
        except OSError as error:  # of the connection, and smtplib's own
            logger.warning("idle notice %s is not sent yet: %s", notice_id, error)


@transaction.atomic
def _send(notice_id: int, now: datetime) -> None:
    unsent = IdleNotice.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=notice_id, sent_at=None)
    notice = unsent.select_related("cluster__account", "cluster__package").first()
    if notice is None:
        return
    cluster = notice.cluster
    warning = idle_warning(cluster)
    if warning is None or cluster.phase in {Phase.DELETING, Phase.DELETED}:  # it was used again, or is gone
        notice.delete()
        return
    page = settings.CONSOLE_URL + reverse("clusters:manage", args=[cluster.pk])
    text = f"{warning}\n\nAccount: {cluster.account.name}. Cluster: {cluster.name}. {page}\n"
    send_mail(f"Free cluster {cluster.name} is not used", text, settings.DEFAULT_FROM_EMAIL, [notice.receiver])
    notice.sent_at = now
    notice.save(update_fields=["sent_at"])
