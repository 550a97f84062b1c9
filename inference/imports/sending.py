"""A file's rows on their way through the data plane, batch after batch: nothing is lost and nothing is twice.

A batch is written down with its key before it is sent and its outcome after; a worker that finds one written down
sends the very same again. Points have ids of their own and the gateway bills a key once, so that changes nothing.
"""

import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, islice
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from cloudconsole.errors import Code, Refusal, ServiceError
from cloudconsole.jobs import CannotBeDone, TryAgain, update_owned
from clusters.data_plane import IDEMPOTENCY_KEY, moment_of, open_data_plane
from clusters.models import Cluster
from inference.catalogue import ModelSpec, resolve
from inference.gate import availability, cluster_facts
from inference.imports.models import BadRow, Import
from inference.imports.points import Bad, NumberedRow, encode_point
from inference.imports.reading import Unreadable, read_rows
from inference.imports.target import find_target, make_collection, points_path, sentence_of
from inference.queries import price_at

MOST_ROWS = {"text": 128, "image": 16}  # of a batch
# Of a batch's rows together, so that even a large model has embedded them within the gateway's deadline; a single
# row may have more
MOST_CHARACTERS = 32 * 1024
MOST_BAD_ROWS = 10_000
SLICE_SECONDS = 3.0  # then other tasks have their turn
_MARGIN_SECONDS = 30  # beyond the gateway's own deadline for inference
_ABOUT_THE_ROWS = {400, 413, 422}
_COMES_RIGHT = {408, 429, 500, 502, 503, 504}

State, Wish = Import.State, Import.Wish
Done = dict[str, Any]


def send_rows(job: Import) -> Done:
    """Send rows until all are done, somebody wishes otherwise, or others are to have their turn; returns the state.

    Raises CannotBeDone and TryAgain with a sentence, LeaseLost.
    """
    try:
        with open_data_plane(job.cluster, timeout_seconds=settings.INFERENCE_TIMEOUT_SECONDS + _MARGIN_SECONDS) as http:
            return _Sending(job, http).run()
    except (OSError, Unreadable) as error:
        raise CannotBeDone(f"The file cannot be read: {error}") from error


class _Sending:
    def __init__(self, job: Import, data_plane: httpx.Client) -> None:
        spec = resolve(job.model)
        if spec is None:
            raise CannotBeDone(f"Model {job.model} is not offered any more.")
        self._job = job
        self._spec: ModelSpec = spec
        self._most_rows = MOST_ROWS[spec.modality]
        self._data_plane = data_plane
        self._rows = _Ahead(job)

    def run(self) -> Done:
        until = time.monotonic() + SLICE_SECONDS
        if self._job.position == 0:
            self._check_target(make=True)
        while True:
            try:
                more = self._do_batch()
            except TryAgain:
                if done := self._wished():
                    return done
                raise
            if not more:
                return {}
            if done := self._wished():
                return done
            if time.monotonic() > until:
                return {"state": State.PENDING, "finished_at": None, "due_at": timezone.now(), "attempts": 0}

    def _wished(self) -> Done | None:
        wish = Import.objects.values_list("wish", flat=True).get(pk=self._job.pk)
        if wish == Wish.PAUSE:
            return {"state": State.PAUSED, "finished_at": None, "wish": Wish.NONE}
        return {"state": State.CANCELLED, "wish": Wish.NONE} if wish == Wish.CANCEL else None

    def _do_batch(self) -> bool:
        """One batch; False when there is none left."""
        if self._job.batch_rows is None:
            batch = self._rows.fitting(self._job.batch_limit or self._most_rows, MOST_CHARACTERS)
            if not batch:
                return False
            update_owned(self._job, batch_key=uuid7(), batch_rows=len(batch))
        batch = self._rows.first(self._job.batch_rows or 0)
        points, problems = [], []
        for numbered in batch:
            try:
                points.append((numbered, encode_point(self._job, self._spec, numbered)))
            except Bad as bad:
                problems.append(_problem(numbered, str(bad)))
        tokens = 0
        if points:
            answer = self._put([encoded for _, encoded in points])
            if answer.status_code in _ABOUT_THE_ROWS:
                sentence = sentence_of(answer)
                self._check_target(make=False)
                self._check_gate()
                if len(batch) > 1:
                    update_owned(self._job, batch_key=None, batch_rows=None, batch_limit=max(1, len(batch) // 2))
                    return True
                problems, points = [_problem(batch[0], sentence)], []
            else:
                tokens = self._tokens_of(answer)
        self._write_down(batch, len(points), problems, tokens)
        return True

    def _put(self, points: list[bytes]) -> httpx.Response:
        headers = {IDEMPOTENCY_KEY: str(self._job.batch_key), "Content-Type": "application/json"}
        body = b'{"points":[' + b",".join(points) + b"]}"
        path = points_path(self._job.collection)
        try:
            answer = self._data_plane.put(path, params={"wait": "true"}, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise TryAgain(f"The gateway does not answer: {error or type(error).__name__}.") from error
        if answer.status_code in _COMES_RIGHT:
            raise TryAgain(sentence_of(answer))
        if answer.status_code != 200 and answer.status_code not in _ABOUT_THE_ROWS:
            raise CannotBeDone(sentence_of(answer))
        return answer

    def _tokens_of(self, answer: httpx.Response) -> int:
        usage = (answer.json().get("usage") or {}).get("inference") or {}
        return sum(model["tokens"] for model in usage.get("models", {}).values())

    def _write_down(self, batch: list[NumberedRow], points: int, problems: list[BadRow], tokens: int) -> None:
        """All of a batch's outcome at once, or none of it. Raises LeaseLost."""
        job = self._job
        assert job.batch_key is not None
        price = price_at(self._spec.id, moment_of(job.batch_key))
        for problem in problems:
            problem.belongs_to = job
        with transaction.atomic():
            update_owned(
                job,
                position=batch[-1].row.end,
                rows_read=job.rows_read + len(batch),
                points=job.points + points,
                bad_rows=job.bad_rows + len(problems),
                tokens=job.tokens + tokens,
                cost_millicents=job.cost_millicents + Decimal(tokens) * price / 1_000_000,
                batch_key=None,
                batch_rows=None,
                batch_limit=min(self._most_rows, 2 * (job.batch_limit or self._most_rows)),
                attempts=1,
                error="",
            )
            BadRow.objects.bulk_create(problems)
        self._rows.drop(len(batch))
        if job.bad_rows > MOST_BAD_ROWS:
            raise CannotBeDone(
                f"More than {MOST_BAD_ROWS:,} rows cannot be taken. Correct the file and import it anew."
            )

    def _check_target(self, *, make: bool) -> None:
        """The collection is there and takes the vectors; ``make`` it if it is not. Raises CannotBeDone, TryAgain."""
        job = self._job
        about: dict[str, Any] = {"collection": job.collection, "spec": self._spec, "vector": job.vector}
        try:
            target = find_target(self._data_plane, **about)
            if not target.there:
                if not make:
                    raise CannotBeDone(f"Collection {job.collection} is gone.")
                make_collection(self._data_plane, **about)
        except ServiceError as error:
            raise (TryAgain if error.code == Code.UNAVAILABLE else CannotBeDone)(error.sentence) from error

    def _check_gate(self) -> None:
        """Raises CannotBeDone while the model is refused to the cluster."""
        cluster = Cluster.objects.select_related("package", "region").get(pk=self._job.cluster_id)
        answer = availability(cluster_facts(cluster), self._spec)
        if isinstance(answer, Refusal):
            raise CannotBeDone(answer.sentence)


class _Ahead:
    """The rows that are not done yet, read no further than needed."""

    def __init__(self, job: Import) -> None:
        rows = read_rows(job.path, job.format, job.position)
        self._rest: Iterator[NumberedRow] = (
            NumberedRow(number, row) for number, row in zip(count(job.rows_read + 1), rows, strict=False)
        )
        self._read: list[NumberedRow] = []

    def first(self, rows: int) -> list[NumberedRow]:
        """So many of them, or all if there are fewer."""
        self._read += islice(self._rest, max(0, rows - len(self._read)))
        return self._read[:rows]

    def fitting(self, rows: int, characters: int) -> list[NumberedRow]:
        """At most so many with about so many characters together; one whatever its size."""
        taken = self.first(rows)
        for at, numbered in enumerate(taken):
            characters -= sum(len(value) for value in numbered.row.values.values() if isinstance(value, str))
            if characters < 0:
                return taken[: max(1, at)]
        return taken

    def drop(self, rows: int) -> None:
        """They are done."""
        del self._read[:rows]


def _problem(numbered: NumberedRow, reason: str) -> BadRow:
    return BadRow(number=numbered.number, reason=reason, excerpt=numbered.row.shown)
