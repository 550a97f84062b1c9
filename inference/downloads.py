"""Fetching weights because somebody asked in the console: who does it, how far it is, what became of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from cloudconsole.accounts.models import Account
from cloudconsole.accounts.services import Actor, record_audit_event
from cloudconsole.celery import app
from cloudconsole.errors import Code, ServiceError
from cloudconsole.leases import told_again
from inference.catalogue import CATALOGUE, ModelSpec
from inference.models import ModelDownload
from inference.worker.weights import WeightStore, WeightsUnavailable

State = ModelDownload.State
ALIVE = timedelta(seconds=20)
_SIGN_OF_LIFE_SECONDS = 1.0
logger = logging.getLogger(__name__)


@transaction.atomic
def request_download(*, spec: ModelSpec, account: Account, requested_by: Actor) -> ModelDownload:
    """Let the task worker fetch a model's weights; one that waits or runs already is returned as it is.

    Raises ServiceError when there is nothing to fetch: an external model, one without files, or no network allowed.
    """
    if spec.weights is None or spec.weights.fastembed_id is None:
        raise ServiceError(
            Code.FAILED_PRECONDITION, f"Model {spec.name} needs no weights, so there is nothing to download."
        )
    if settings.INFERENCE_OFFLINE:
        sentence = f"This cloud is offline, so the weights of {spec.name} cannot be downloaded."
        raise ServiceError(Code.FAILED_PRECONDITION, f"{sentence} Put them into INFERENCE_MODELS_DIR.")
    values = {"requested_by": requested_by.name}
    download, made = ModelDownload.objects.filter(state__in=[State.QUEUED, State.RUNNING]).get_or_create(
        model_id=spec.id, defaults=values
    )
    if made:
        transaction.on_commit(lambda: wake(download.pk))
        record_audit_event(
            account=account,
            actor=requested_by,
            action="model.download",
            resource_type="model",
            resource_id=str(spec.id),
            after={"name": spec.name},
        )
    return download


def wake(download_id: UUID) -> None:
    """Enqueue the task; when the broker is away the sweep does it later."""
    try:
        app.send_task("inference.download_model", args=[str(download_id)], retry=False)
    except OperationalError as error:
        logger.warning("download %s not enqueued, the sweep will: %s", download_id, error)


def claimable() -> Q:
    """Downloads that nobody works on: never begun, or their worker has given no sign of life."""
    return Q(state=State.QUEUED) | Q(state=State.RUNNING, seen_at__lt=Now() - ALIVE)


def next_download() -> UUID | None:
    """The one to work on next: those that were begun first, then by age."""
    return (
        ModelDownload.objects.filter(claimable())
        .order_by("-state", "requested_at")
        .values_list("pk", flat=True)
        .first()
    )


def carry_out(download_id: UUID) -> None:
    """Fetch the weights, unless somebody else does or another model's are being fetched."""
    if not _claim(download_id):
        return
    download = ModelDownload.objects.select_related("model").get(pk=download_id)
    store = WeightStore(settings.INFERENCE_CACHE_DIR, settings.INFERENCE_MODELS_DIR, offline=settings.INFERENCE_OFFLINE)
    with _signs_of_life(download) as seen:
        try:
            store.fetch(CATALOGUE[download.model.name], seen)
            state, reason = State.DONE, ""
        except (WeightsUnavailable, OSError) as error:
            logger.warning("the weights of %s could not be downloaded: %s", download.model.name, error)
            state, reason = State.FAILED, str(error)
    _running(download_id).update(state=state, reason=reason, finished_at=Now())


def _claim(download_id: UUID) -> bool:
    try:
        with transaction.atomic():
            mine = ModelDownload.objects.filter(claimable(), pk=download_id)
            return bool(mine.update(state=State.RUNNING, seen_at=Now()))
    except IntegrityError:  # another model's weights are being fetched; the sweep comes back
        return False


class _Seen:
    """How far a download is, for the thread that writes it down."""

    def __init__(self) -> None:
        self.progress: float | None = None

    def __call__(self, progress: float | None) -> None:
        self.progress = progress


@contextmanager
def _signs_of_life(download: ModelDownload) -> Iterator[_Seen]:
    """Write progress and time down every second, also while the download itself has nothing to say."""
    seen = _Seen()
    with told_again(
        lambda: _running(download.pk).update(progress=seen.progress, seen_at=Now()),
        every_seconds=_SIGN_OF_LIFE_SECONDS,
        thread=f"download of {download.model.name}",
    ):
        yield seen


def _running(download_id: UUID) -> QuerySet[ModelDownload]:
    return ModelDownload.objects.filter(pk=download_id, state=State.RUNNING)
