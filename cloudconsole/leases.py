"""Keeping a lease on a row of the database while work takes its time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now


@contextmanager
def renewed_lease(owned: QuerySet[Any], *, lease: timedelta, every_seconds: float, of: str) -> Iterator[None]:
    """Renew ``lease_expires_at`` of the ``owned`` row in the background; a paused or dead process renews nothing.

    ``owned`` names the owner's fencing token, so a late owner renews nobody else's lease. ``of`` names the thread.
    """
    done = threading.Event()

    def renew() -> None:
        try:
            while not done.wait(every_seconds):
                try:
                    owned.update(lease_expires_at=Now() + lease)
                except DatabaseError:
                    connection.close()  # the next round opens a new one
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease of {of}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
