"""How long numbers are kept and how fine they are, and what a histogram of latencies says."""

from collections.abc import Sequence
from datetime import datetime, timedelta

MINUTE, HOUR = 1, 60  # lengths of stored periods, in minutes
KEEP_MINUTES = timedelta(days=2)  # then the minutes of an hour become one row
KEEP_HOURS = timedelta(days=35)
KEEP_LOG_LINES = timedelta(days=7)
MOST_LOG_LINES = 5_000  # of one cluster
MOST_POINTS = 240  # of a series that is shown or sent

# Upper bounds of the latency histogram's buckets in seconds; a last bucket has what took longer.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BUCKETS = len(BOUNDS) + 1

_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))


def step_for(window: timedelta) -> timedelta:
    """How far apart the points of a series over this window lie, so that there are at most ``MOST_POINTS``."""
    return next((step for step in _STEPS if window <= step * MOST_POINTS), _STEPS[-1])


def first_kept(now: datetime) -> datetime:
    """Before this there is nothing left."""
    return now - KEEP_HOURS


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """The latency in seconds below which this share of requests lies; None without requests.

    Interpolated within its bucket, as Prometheus does; the last bucket has no upper bound, so its lower one stands.
    """
    total = sum(histogram)
    if not total:
        return None
    rank, below, lower = share * total, 0, 0.0
    for count, upper in zip(histogram, BOUNDS, strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below, lower = below + count, upper
    return lower
