"""Free clusters that nobody uses: suspended after a week, deleted after four, with a warning before each.

Nothing happens without its warning: a cloud that was switched off for a month warns first when it comes back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SUSPEND_AFTER = timedelta(weeks=1)
DELETE_AFTER = timedelta(weeks=4)
NOTICE_OF_SUSPENSION = timedelta(days=2)
NOTICE_OF_DELETION = timedelta(weeks=1)
FIRST_WARNING_AFTER = SUSPEND_AFTER - NOTICE_OF_SUSPENSION


class IdleStep(StrEnum):
    """What is to be done about an unused cluster now."""

    NOTHING = "nothing"
    WARN_OF_SUSPENSION = "warn-of-suspension"
    SUSPEND = "suspend"
    WARN_OF_DELETION = "warn-of-deletion"
    DELETE = "delete"


@dataclass(frozen=True)
class Idleness:
    """When a cluster was last used and warned. A warning from before its last use is none."""

    last_used_at: datetime
    warned_of_suspension_at: datetime | None
    warned_of_deletion_at: datetime | None
    suspended: bool

    @property
    def suspended_at(self) -> datetime | None:
        """When it is going to be suspended if it is not used; None without a warning, or when it is already."""
        warned = self._since_last_use(self.warned_of_suspension_at)
        if warned is None or self.suspended:
            return None
        return max(self.last_used_at + SUSPEND_AFTER, warned + NOTICE_OF_SUSPENSION)

    @property
    def deleted_at(self) -> datetime | None:
        """When it is going to be deleted if it is not used; None without a warning."""
        warned = self._since_last_use(self.warned_of_deletion_at)
        return max(self.last_used_at + DELETE_AFTER, warned + NOTICE_OF_DELETION) if warned else None

    def step(self, now: datetime) -> IdleStep:
        """What is due at this moment, the gravest first."""
        idle = now - self.last_used_at
        if self.deleted_at is None:
            if idle >= DELETE_AFTER - NOTICE_OF_DELETION:
                return IdleStep.WARN_OF_DELETION
        elif now >= self.deleted_at:
            return IdleStep.DELETE
        if self.suspended:
            return IdleStep.NOTHING
        if self.suspended_at is None:
            if idle >= FIRST_WARNING_AFTER:
                return IdleStep.WARN_OF_SUSPENSION
        elif now >= self.suspended_at:
            return IdleStep.SUSPEND
        return IdleStep.NOTHING

    @property
    def warning(self) -> str | None:
        """What the owner is told; None while nothing was announced."""
        if self.deleted_at:
            way_out = "Resume it" if self.suspended else "Send it a request"
            return f"{self._unused} It is deleted with its data on {_day(self.deleted_at)}. {way_out} to keep it."
        if self.suspended_at:
            return f"{self._unused} It is suspended on {_day(self.suspended_at)}. Send it a request to keep it running."
        return None

    @property
    def _unused(self) -> str:
        return f"This free cluster was last used on {_day(self.last_used_at)}."

    def _since_last_use(self, warned_at: datetime | None) -> datetime | None:
        return warned_at if warned_at and warned_at >= self.last_used_at else None


def _day(moment: datetime) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"
