"""Where tallies are kept: the last ones in the memory of this process, and in a table for every process.

Nothing is lost with either: ``month_tally`` knows what still counts, and makes the rest again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from billing.hourly import MAX_SEQ
from billing.models import KeptTally
from billing.rating import MonthRater, Terms
from billing.rules import Month
from billing.tally import Tally
from billing.tally_json import tally_as_json, tally_from_json
from cloudconsole.accounts.models import Account

MOST_KEPT = 64  # months of accounts in memory; 1,000 clusters with three models each take a few megabytes


@dataclass(frozen=True)
class Kept:
    """The tally of a month and the rater after the hours before ``until``. ``prices`` had begun by then."""

    until: datetime
    prices: int
    tally: Tally
    rater: MonthRater


@dataclass(frozen=True)
class Chain:
    """Tallies of one month up to ever later moments, under ``of``; all as of ``through_seq``."""

    of: str
    through_seq: int
    links: list[Kept]


_memory: OrderedDict[tuple[UUID, Month, str], Chain] = OrderedDict()
_lock = Lock()


def remembered(account: Account, month: Month, of: str) -> Chain | None:
    with _lock:
        return _memory.get((account.pk, month, of))


def remember(account: Account, month: Month, chain: Chain) -> None:
    with _lock:
        _memory[account.pk, month, chain.of] = chain
        _memory.move_to_end((account.pk, month, chain.of))
        while len(_memory) > MOST_KEPT:
            _memory.popitem(last=False)


def stored(account: Account, month: Month, of: str) -> Iterator[KeptTally]:
    """Rows of the month, latest first, their sums unread."""
    rows = KeptTally.objects.filter(account=account, month=month.first_day, of=of).order_by("-until")
    yield from rows.defer("sums")


def read(row: KeptTally, terms: Terms) -> Kept:
    """What the row keeps, of a month under these terms."""
    return Kept(row.until, row.prices, *tally_from_json(row.sums, Month.of_day(row.month), terms))


def store(account: Account, month: Month, chain: Chain, *, after: datetime | None = None) -> None:
    """Write the links down; with ``after`` in place of those up to later moments, and up to others than midnights."""
    rows = [
        KeptTally(
            account=account,
            month=month.first_day,
            until=kept.until,
            of=chain.of,
            prices=kept.prices,
            through_seq=chain.through_seq,
            sums=tally_as_json(kept.tally, kept.rater),
        )
        for kept in chain.links
    ]
    with transaction.atomic():
        if after is not None:
            others = KeptTally.objects.filter(account=account, month=month.first_day, until__gt=month.start)
            others.filter(Q(until__gt=after) | ~Q(until__hour=0)).delete()
        KeptTally.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["account", "month", "until"],
            update_fields=["of", "prices", "through_seq", "sums"],
        )


def kept_or_made(account: Account, month: Month, of: str, until: datetime, make: Callable[[], Tally]) -> Tally:
    """A tally that depends on nothing but ``of``: the one that is kept, else the one that ``make`` gives."""
    chain = remembered(account, month, of)
    if chain is None:
        link = next((read(row, Terms()) for row in stored(account, month, of)), None)
        if link is None:
            link = Kept(until, 0, make(), MonthRater(Terms()))
            # Nothing else of a month is needed once there is a statement.
            store(account, month, Chain(of, MAX_SEQ, [link]), after=month.start if until == month.end else None)
        chain = Chain(of, MAX_SEQ, [link])
        remember(account, month, chain)
    return chain.links[0].tally
