"""When a budget speaks up, what a month will come to, and what the gateway says when the money is gone. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from billing.rules import Month
from cloudconsole.money import EXACT

THRESHOLDS = (50, 80, 90, 100)  # percent
WINDOW = timedelta(days=7)
SHORTEST_WINDOW = timedelta(days=1)


class Measure(StrEnum):
    """What is compared with the budget: what was used so far, or what the month will come to."""

    ACTUAL = "actual"
    FORECAST = "forecast"


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Millicents, exactly: of the month so far, and of that what was used since ``window_start``."""

    month: Decimal = Decimal(0)
    window: Decimal = Decimal(0)

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(month=EXACT.add(self.month, other.month), window=EXACT.add(self.window, other.window))


def window_start(month: Month, now: datetime) -> datetime:
    """The last seven days say how fast money goes; nothing from before the month does."""
    return max(month.start, now - WINDOW)


def forecast(spending: Spending, month: Month, now: datetime) -> Decimal:
    """What the month comes to if the rest of it goes like the last seven days, in whole millicents.

    On the first day of a month everything counts as if it had taken a whole day, so that one busy hour is no alarm.
    """
    elapsed = max(now - window_start(month, now), SHORTEST_WINDOW)
    left = max(month.end - now, timedelta(0))
    rest = spending.window * Decimal(_microseconds(left)) / Decimal(_microseconds(elapsed))
    return (spending.month + rest).to_integral_value(ROUND_HALF_EVEN)


def reached(amount: Decimal, budget_millicents: int) -> list[int]:
    """The thresholds that an amount is at or above."""
    return [percent for percent in THRESHOLDS if amount * 100 >= percent * budget_millicents]


def used_up(spending: Spending, budget_millicents: int) -> bool:
    return spending.month >= budget_millicents


def refusal_sentence(name: str, month: Month) -> str:
    """What a hard cap makes the gateway say, and what to do about it."""
    return (
        f"Payment required: the budget {name} is used up for {month}, and its hard cap stops inference. Raise the "
        "budget or lift its hard cap on the Billing page. Requests with plain vectors go on."
    )


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
