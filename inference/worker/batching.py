"""Which waiting texts run together. Nothing here waits or computes; the scheduler does.

Measured on two cores: a run costs as much as twelve tokens before it computes the first, so a text saves that much by
running beside others, and loses what it is filled up with to their length. Padding was the largest avoidable loss
(fastembed's own batches reach a third of the speed); batches beyond some 500 tokens only fall out of the caches.
"""

import bisect
from collections import deque
from typing import Any

MOST_TEXTS = 32
# Padded tokens of a batch: two texts of 256 tokens, or 32 short ones.
MOST_TOKENS = 512
# A batch's longest and shortest text differ by at most so many tokens: about what a run of its own costs.
MOST_PADDING = 12


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
        self.rank = (0, 0)  # its place in the lane: by length, then by age


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
        text.rank = (text.length, self._number)
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

        The texts are ordered by length; the list is empty when nothing waits.
        """
        while self._arrivals:
            position = self._position(self._arrivals.popleft())
            if position is not None:
                first, end = self._around(position)
                batch = self._by_length[first:end]
                del self._by_length[first:end]
                return batch
        return []

    def _around(self, position: int) -> tuple[int, int]:
        """First and end (not included) of the texts that run: that one, and the nearest in length while they fit."""
        lengths, own = self._by_length, self._by_length[position].length
        first, end = position, position + 1
        while end - first < MOST_TEXTS:
            wider = [
                (abs(lengths[other].length - own), start, stop)
                for other, start, stop in ((first - 1, first - 1, end), (end, first, end + 1))
                if 0 <= other < len(lengths) and _fit(lengths[start].length, lengths[stop - 1].length, stop - start)
            ]
            if not wider:
                break
            _, first, end = min(wider)
        return first, end

    def _position(self, text: WaitingText) -> int | None:
        position = bisect.bisect_left(self._by_length, text.rank, key=_rank)
        if position < len(self._by_length) and self._by_length[position] is text:
            return position
        return None


def _fit(shortest: int, longest: int, texts: int) -> bool:
    return longest - shortest <= MOST_PADDING and longest * texts <= MOST_TOKENS


def _rank(text: WaitingText) -> tuple[int, int]:
    return text.rank
