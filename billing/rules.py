"""Months, price versions, rounding, and the states of a statement. Pure: needs no database.

Amounts are in millicents (100,000 = 1 USD): exact decimals inside, whole numbers where a document leaves the system.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from uuid import UUID


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
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

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
    def of_day(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """``2026-11``. Raises ``ValueError`` with a sentence for anything else."""
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
            raise ValueError("A month is written as YYYY-MM, such as 2026-11.")
        return cls(int(text[:4]), int(text[5:]))


@dataclass(frozen=True)
class PriceVersion:
    """What a pricing unit (a million tokens, an hour) of something costs from a moment on, in whole millicents."""

    effective_from: datetime
    millicents: int


def price_at(versions: Iterable[PriceVersion], moment: datetime) -> PriceVersion | None:
    """The version in effect: the latest that began at or before the moment; None before the first one."""
    begun = (version for version in versions if version.effective_from <= moment)
    return max(begun, key=lambda version: version.effective_from, default=None)


def rounded(millicents: Decimal) -> int:
    """Whole millicents, half to even. The only rounding of money: once per amount that a document shows as due."""
    return int(millicents.to_integral_value(rounding=ROUND_HALF_EVEN))


class StatementState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


STATEMENT_TRANSITIONS: dict[StatementState, frozenset[StatementState]] = {
    StatementState.DRAFT: frozenset({StatementState.OPEN}),
    StatementState.OPEN: frozenset({StatementState.PAID, StatementState.VOID}),
    StatementState.PAID: frozenset(),
    StatementState.VOID: frozenset(),
}


def invoice_number(account_id: UUID, number: int) -> str:
    """``8A6F3C21-000012``: the account's, then its own count."""
    return f"{account_id.hex[:8].upper()}-{number:06}"
