"""Which waiting texts run together. Nothing here waits or computes; the scheduler does.

Measured on two cores: padding is the largest avoidable loss (fastembed's own batches reach a third of the speed),
long texts gain nothing from company, and short queries gain two to three times.
"""

import bisect
from collections import deque
from collections.abc import Iterator
from typing import Any

MOST_TEXTS = 32
# Padded tokens of a batch: eight texts of 256 tokens. Larger ones gain nothing and keep searches waiting.
MOST_TOKENS = 2048
# A text runs beside a longer one only if it is at least this much of its length.
SHORTEST_SHARE = 0.8
# Up to this length a run costs about the same, so such texts share batches whatever their lengths.
SHORT_TOKENS = 32


class WaitingText:
    """A tokenised text in a lane. Several callers may wait for the same one; without any it is dropped."""

    def __init__(self, key: bytes, text: Any, length: int, result: Any) -> None:
        """``key`` identifies equal texts, ``length`` is in tokens, ``result`` is what the callers wait for."""
        self.key = key
        self.text = text
        self.length = length
        self.result = result
        self.callers = 1
        self.traces: list[str] = []  # the requests that it is run for
        self.since = 0.0  # when it began to wait, on the monotonic clock
        self.rank = (0, 0)


class Lane:
    """The texts of one model and one kind that wait to be run, oldest first and by length at once."""

    def __init__(self) -> None:
        self._arrivals: deque[WaitingText] = deque()
        self._by_length: list[WaitingText] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._by_length)

    def add(self, text: WaitingText) -> None:
        """Let a text wait."""
        self._number += 1
        # Among equal lengths the oldest ranks highest, so that a batch taken downwards from it begins with it.
        text.rank = (max(text.length, SHORT_TOKENS), -self._number)
        self._arrivals.append(text)
        bisect.insort(self._by_length, text, key=_rank)

    def drop(self, text: WaitingText) -> bool:
        """Forget a text that nobody waits for any more; False when it is no longer in this lane."""
        position = self._position(text)
        if position is None:
            return False
        del self._by_length[position]
        return True

    def take_batch(self) -> list[WaitingText]:
        """Remove and return the texts to run next: the one that waits longest and others of nearly its length.

        The texts are ordered by length, longest first; the list is empty when nothing waits.
        """
        while self._arrivals:
            position = self._position(self._arrivals.popleft())
            if position is not None:
                batch = list(self._fitting(position))
                del self._by_length[position - len(batch) + 1 : position + 1]
                return batch
        return []

    def _fitting(self, position: int) -> Iterator[WaitingText]:
        shortest = SHORTEST_SHARE * self._by_length[position].rank[0]
        longest = 0
        for taken in range(position + 1):
            text = self._by_length[position - taken]
            longest = max(longest, text.length)
            full = taken == MOST_TEXTS or (taken and longest * (taken + 1) > MOST_TOKENS)
            if full or text.rank[0] < shortest:
                return
            yield text

    def _position(self, text: WaitingText) -> int | None:
        position = bisect.bisect_left(self._by_length, text.rank, key=_rank)
        if position < len(self._by_length) and self._by_length[position] is text:
            return position
        return None


def _rank(text: WaitingText) -> tuple[int, int]:
    return text.rank
