"""Files that become points: what is to be done with each, how far it is, and what could not be taken."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import models

from cloudconsole.jobs import Job
from clusters.models import Cluster


class Import(Job):
    """A file on its way into a collection.

    A draft has a file and waits for choices. Rows are sent in batches: ``batch_key`` and ``batch_rows`` are kept
    before a batch is sent and cleared when its outcome is written down, so that after a crash the very same batch is
    sent again under the same key, and billed once. ``position`` is the reader's, behind the last row that is done.
    """

    class State(models.TextChoices):
        """Those of every job, and three of an import's own."""

        DRAFT = "draft"
        PENDING = "pending"
        RUNNING = "running"
        PAUSED = "paused"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Wish(models.TextChoices):
        """What somebody wants of an import that a worker has in hand."""

        NONE = ""
        PAUSE = "pause"
        CANCEL = "cancel"

    ATTEMPTS = 10  # without a single batch in between
    FIRST_PAUSE = timedelta(seconds=2)

    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    wish = models.CharField(max_length=8, choices=Wish.choices, default=Wish.NONE, blank=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="imports")
    requested_by = models.CharField(max_length=254)

    file_name = models.CharField(max_length=255)  # as it was called where it came from
    format = models.CharField(max_length=8)  # one of reading.FORMATS
    bytes = models.BigIntegerField()
    rows = models.BigIntegerField()
    columns = models.JSONField()
    preview = models.JSONField()  # the first rows
    sample = models.JSONField()  # rows from everywhere in the file, to estimate by; emptied at the start

    column = models.CharField(max_length=255, default="", blank=True)
    id_column = models.CharField(max_length=255, default="", blank=True)  # empty: ids are made
    payload_columns = models.JSONField(default=list, blank=True)
    model = models.CharField(max_length=128, default="", blank=True)
    collection = models.CharField(max_length=255, default="", blank=True)
    vector = models.CharField(max_length=255, default="", blank=True)  # its name in the collection; empty: unnamed
    estimated_tokens = models.BigIntegerField(null=True)

    position = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    points = models.BigIntegerField(default=0)
    bad_rows = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    cost_millicents = models.DecimalField(max_digits=30, decimal_places=6, default=Decimal(0))  # at list prices
    batch_key = models.UUIDField(null=True)
    batch_rows = models.PositiveIntegerField(null=True)
    batch_limit = models.PositiveIntegerField(null=True)  # rows that go together at most; None: as many as fit

    class Meta:
        indexes = [
            models.Index(fields=["cluster", "-created_at"]),
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["pending", "running"]), name="unfinished_imports"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} into {self.collection or 'nothing yet'}"

    @property
    def path(self) -> Path:
        """Where the file is, or was."""
        folder: Path = settings.INFERENCE_IMPORTS_DIR
        return folder / str(self.pk)

    @property
    def percent(self) -> int:
        """Of the rows, rounded down: 100 only when all are done."""
        return 100 * self.rows_read // self.rows if self.rows else 100


class BadRow(models.Model):
    """A row that could not be taken: ``number`` counts the file's rows from 1, its header left out."""

    id = models.BigAutoField(primary_key=True)
    belongs_to = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    number = models.BigIntegerField()
    reason = models.TextField()
    excerpt = models.TextField()  # the row's beginning

    class Meta:
        constraints = [models.UniqueConstraint(fields=["belongs_to", "number"], name="one_problem_per_row")]

    def __str__(self) -> str:
        return f"row {self.number}: {self.reason}"
