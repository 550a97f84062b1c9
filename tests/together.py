"""Several things at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(*works: Callable[[], T]) -> list[T]:
    """What each returns, in their order. None begins before all are there; the first error is raised in the end."""
    everybody = threading.Barrier(len(works), timeout=60)

    def begin(work: Callable[[], T]) -> T:
        everybody.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result() for done in [threads.submit(begin, work) for work in works]]
