"""Months, prices and amounts. Pure: needs no database, and no float comes near money.

Amounts are in millicents (100,000 = 1 USD). A token costs a whole number of millicents per 1,000,000 tokens, so
every amount is a whole number of millionths of a millicent: six decimal places hold it exactly, and so do sums.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from cloudconsole.money import EXACT

_MILLIONTHS_PLACES = 6


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC, ``[start, end)``. Raises ``ValueError`` for months that do not exist."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1970 <= self.year <= 9998 and 1 <= self.month <= 12):
            raise ValueError("A month is between 1970-01 and 9998-12.")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the month."""
        return self.following.start

    @property
    def following(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> "Month":
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month that a moment (with a time zone) falls into."""
        if moment.utcoffset() is None:
            raise ValueError("Only a time with a time zone falls into a month.")
        in_utc = moment.astimezone(UTC)
        return cls(in_utc.year, in_utc.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """``2026-11``. Raises ``ValueError`` with a sentence for anything else."""
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
            raise ValueError("A month is written as YYYY-MM, such as 2026-11.")
        return cls(int(text[:4]), int(text[5:]))


@dataclass(frozen=True)
class PriceVersion:
    """What a model costs from a moment on, in millicents per 1,000,000 tokens."""

    effective_from: datetime
    millicents_per_million: int


def price_at(versions: Iterable[PriceVersion], moment: datetime) -> PriceVersion | None:
    """The version in effect: the latest that began at or before the moment; None before the first one."""
    begun = (version for version in versions if version.effective_from <= moment)
    return max(begun, key=lambda version: version.effective_from, default=None)


def rate(tokens: int, price_millicents_per_million: int) -> Decimal:
    """What tokens cost in millicents, exactly."""
    return millicents_from_millionths(tokens * price_millicents_per_million)


def millicents_from_millionths(millionths: int | Decimal) -> Decimal:
    """Millionths of a millicent, as tokens times price gives them, as millicents with six places."""
    return Decimal(millionths).scaleb(-_MILLIONTHS_PLACES, EXACT)
