"""Telling the database again and again that work goes on, while it takes its time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now


def renewed_lease(
    owned: QuerySet[Any], *, lease: timedelta, every_seconds: float, of: str
) -> AbstractContextManager[None]:
    """Renew ``lease_expires_at`` of the ``owned`` row in the background; a paused or dead process renews nothing.

    ``owned`` names the owner's fencing token, so a late owner renews nobody else's lease. ``of`` names the thread.
    """
    return told_again(
        lambda: owned.update(lease_expires_at=Now() + lease), every_seconds=every_seconds, thread=f"lease of {of}"
    )


@contextmanager
def told_again(tell: Callable[[], object], *, every_seconds: float, thread: str) -> Iterator[None]:
    """Call ``tell``, which writes to the database, every so often in a thread of this name."""
    done = threading.Event()

    def tell_on() -> None:
        try:
            while not done.wait(every_seconds):
                try:
                    tell()
                except DatabaseError:
                    connection.close()  # the next round opens a new one
        finally:
            connection.close()

    telling = threading.Thread(target=tell_on, name=thread, daemon=True)
    telling.start()
    try:
        yield
    finally:
        done.set()
        telling.join()
