"""What can be done about imports: uploading a file, starting, pausing, resuming, cancelling, working on one."""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from cloudconsole.accounts.services import Actor, lock_account, record_audit_event
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import carry_out, claimable, wake
from clusters.models import Cluster
from clusters.rules.lifecycle import Phase
from inference.imports.inspection import inspect_file
from inference.imports.models import Import
from inference.imports.reading import Unreadable, storable
from inference.imports.sending import send_rows

RUN_IMPORT = "imports.run_import"
MOST_UNFINISHED = 5  # of one cluster, files that only wait for choices included
DAYS_KEPT = 7  # files of imports that nobody goes on with
State, Wish = Import.State, Import.Wish
ENDED = (State.SUCCEEDED, State.CANCELLED)
CLUSTER_DELETED = "The cluster was deleted, and with it what had been imported."
logger = logging.getLogger(__name__)


def upload_file(*, cluster: Cluster, name: str, pieces: Iterable[bytes], requested_by: Actor) -> Import:
    """Keep the file and look through it; a draft that waits for choices.

    Raises ServiceError: INVALID_ARGUMENT when it cannot be read, RESOURCE_EXHAUSTED while too many others wait.
    """
    _check_number(cluster)
    folder: Path = settings.INFERENCE_IMPORTS_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Import(id=uuid4(), cluster=cluster, requested_by=requested_by.name, file_name=storable(name)[-255:])
    try:
        with draft.path.open("xb") as file:
            draft.bytes = sum(file.write(piece) for piece in pieces)
        inspected = inspect_file(draft.path)
        for field in ("format", "columns", "rows", "preview", "sample"):
            setattr(draft, field, getattr(inspected, field))
        with transaction.atomic():
            lock_account(cluster.account)  # so that two uploads at once are counted one by one
            _check_number(cluster)
            draft.save(force_insert=True)
    except Unreadable as error:
        draft.path.unlink(missing_ok=True)
        raise ServiceError(Code.INVALID_ARGUMENT, str(error), "file") from error
    except BaseException:
        draft.path.unlink(missing_ok=True)
        raise
    return draft


@transaction.atomic
def start_import(
    *,
    draft: Import,
    column: str,
    model: str,
    collection: str,
    vector: str,
    id_column: str,
    payload_columns: Sequence[str],
    estimated_tokens: int,
    requested_by: Actor,
) -> None:
    """Begin with a draft, its choices checked. Raises ServiceError when it has begun already."""
    choices: dict[str, Any] = {
        "column": column,
        "model": model,
        "collection": collection,
        "vector": vector,
        "id_column": id_column,
        "payload_columns": list(payload_columns),
        "estimated_tokens": estimated_tokens,
    }
    begun = Import.objects.filter(pk=draft.pk, state=State.DRAFT)
    if not begun.update(state=State.PENDING, due_at=Now(), sample=[], **choices):
        raise ServiceError(Code.FAILED_PRECONDITION, "This import has begun already, or was cancelled.")
    _audit(draft, "start", requested_by, model=model, collection=collection, rows=draft.rows)
    transaction.on_commit(partial(wake, RUN_IMPORT, draft.pk))


@transaction.atomic
def pause_import(*, wanted: Import, requested_by: Actor) -> None:
    """Stop after the batch in flight; it can be resumed. Raises ServiceError when there is nothing to pause."""
    rows = Import.objects.filter(pk=wanted.pk)
    if not (
        rows.filter(state=State.PENDING).update(state=State.PAUSED, wish=Wish.NONE)
        or rows.filter(state=State.RUNNING).update(wish=Wish.PAUSE)
    ):
        raise ServiceError(Code.FAILED_PRECONDITION, "This import is not running, so it cannot be paused.")
    _audit(wanted, "pause", requested_by)


@transaction.atomic
def resume_import(*, wanted: Import, requested_by: Actor) -> None:
    """Go on where a paused or failed import stopped. Raises ServiceError when that cannot be."""
    rows = Import.objects.filter(pk=wanted.pk)
    anew = {"wish": Wish.NONE, "attempts": 0, "due_at": Now(), "error": "", "finished_at": None}
    if not wanted.path.is_file():
        raise ServiceError(Code.FAILED_PRECONDITION, "The file is gone. Upload it again.")
    if not (
        rows.filter(state__in=(State.PAUSED, State.FAILED)).update(state=State.PENDING, **anew)
        or rows.filter(state=State.RUNNING, wish=Wish.PAUSE).update(wish=Wish.NONE)
    ):
        raise ServiceError(Code.FAILED_PRECONDITION, "This import is not paused, so there is nothing to resume.")
    _audit(wanted, "resume", requested_by)
    transaction.on_commit(partial(wake, RUN_IMPORT, wanted.pk))


@transaction.atomic
def cancel_import(*, wanted: Import, requested_by: Actor) -> None:
    """End it; points that are there stay. Raises ServiceError when it has ended.

    A batch whose outcome is unknown is settled first, so that the tokens shown are the tokens billed.
    """
    rows = Import.objects.filter(pk=wanted.pk).exclude(state__in=ENDED)
    settled = rows.exclude(state=State.RUNNING).filter(batch_key=None)
    if settled.update(state=State.CANCELLED, wish=Wish.NONE, sample=[], finished_at=Now()):
        transaction.on_commit(partial(wanted.path.unlink, missing_ok=True))
    elif not (
        rows.filter(state=State.RUNNING).update(wish=Wish.CANCEL)
        or rows.update(state=State.PENDING, wish=Wish.CANCEL, attempts=0, due_at=Now())
    ):
        raise ServiceError(Code.FAILED_PRECONDITION, "This import has ended already.")
    else:
        transaction.on_commit(partial(wake, RUN_IMPORT, wanted.pk))
    _audit(wanted, "cancel", requested_by)


def run_import(import_id: UUID) -> None:
    """Work on one import for a while, unless somebody else does."""
    carry_out(Import, import_id, send_rows)
    row = Import.objects.filter(pk=import_id)
    end_with_clusters(row)
    row.filter(state=State.FAILED, wish=Wish.CANCEL).update(state=State.CANCELLED, wish=Wish.NONE)
    for ended in row.filter(state__in=ENDED):
        ended.path.unlink(missing_ok=True)
    if row.filter(claimable()).exists():  # others have their turn first
        wake(RUN_IMPORT, import_id)


def end_with_clusters(imports: QuerySet[Import]) -> None:
    """Cancel those of clusters that are deleted, whoever works on them, and forget those of clusters that are gone.

    Deleting a cluster deletes all its data: files that were uploaded, and rows of them that could not be taken.
    """
    for one in imports.exclude(state__in=ENDED).filter(cluster__phase__in=(Phase.DELETING, Phase.DELETED)):
        # A worker that has it in hand finds that it lost its lease.
        ended = {"state": State.CANCELLED, "wish": Wish.NONE, "sample": [], "finished_at": Now()}
        Import.objects.filter(pk=one.pk).exclude(state__in=ENDED).update(**ended, error=CLUSTER_DELETED)
        one.path.unlink(missing_ok=True)
    imports.filter(cluster__phase=Phase.DELETED, state__in=ENDED).delete()


def remove_old_files() -> None:
    """Cancel what nobody went on with for days, and remove files that no import needs: parts of killed processes."""
    idle_since = timezone.now() - timedelta(days=DAYS_KEPT)
    waiting = Import.objects.filter(state__in=(State.DRAFT, State.PAUSED, State.FAILED), due_at__lt=idle_since)
    waiting.update(
        state=State.CANCELLED, sample=[], finished_at=Now(), error=f"Nobody went on with it for {DAYS_KEPT} days."
    )
    folder: Path = settings.INFERENCE_IMPORTS_DIR
    if folder.is_dir():
        _remove_orphans(folder)


def _remove_orphans(folder: Path) -> None:
    """Files whose import has ended or never was; young ones may be on their way to one."""
    needed = {str(pk) for pk in Import.objects.exclude(state__in=ENDED).values_list("pk", flat=True)}
    too_old = timezone.now().timestamp() - timedelta(days=1).total_seconds()
    for file in folder.iterdir():
        if file.name not in needed and file.stat().st_mtime < too_old:
            logger.info("removing %s, which no import needs", file)
            file.unlink(missing_ok=True)


def _check_number(cluster: Cluster) -> None:
    unfinished = Import.objects.filter(cluster=cluster).exclude(state__in=ENDED).count()
    if unfinished >= MOST_UNFINISHED:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED,
            f"{unfinished} imports of this cluster have not ended, which is the most. Wait for one, or cancel one.",
        )


def _audit(about: Import, action: str, actor: Actor, **after: Any) -> None:
    record_audit_event(
        account=about.cluster.account,
        actor=actor,
        action=action,
        resource_type="import",
        resource_id=str(about.pk),
        after={"file": about.file_name, "cluster": str(about.cluster_id)} | after,
    )
